import { Story } from '../../support/story.ts';

const LIST = 'Here is the list of all that we have today for you.';

/** The agent is heard by a loudspeaker, and by the microphone. */
async function listBegins(): Promise<Story> {
  const story = await Story.begins();
  story.client.usesLoudspeaker();
  story.model.answers(LIST);
  await story.user.says('What do you have?');
  return story;
}

describe('Stories of loudspeakers', () => {
  it("the agent's own voice does not stop it", async () => {
    const story = await listBegins();
    await story.agent.isHeard('that we have today for you.');
    await story.user.pauses(1_500);
    await story.ends({
      heard: ['user: What do you have?', '+820 agent: Here (is) (the) list of all that we have today for you.'],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: [
        'endpoint sentence',
        'duck speech',
        'veto echo',
        'unduck words',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'endpoint sentence',
      ],
    });
  });

  it('new words over it do', async () => {
    const story = await listBegins();
    story.model.answers('Only a salad.');
    await story.user.interruptsAfter(900, 'No, I only want a salad.');
    await story.agent.isHeard('Only a salad.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here (is) (the) list of all that-',
        '@900 user: No, I only want a salad.',
        '+670 agent: Only (a) salad.',
      ],
      history: [
        'user: What do you have?',
        'agent: Here is the list of all',
        'user: No, I only want a salad.',
        'agent: Only a salad.',
      ],
      decided: [
        'endpoint sentence',
        'duck speech',
        'veto echo',
        'unduck words',
        'veto echo',
        'veto echo',
        'veto echo',
        'interrupt words',
        'endpoint sentence',
        'duck speech',
        'veto echo',
        'unduck words',
        'veto echo',
        'veto echo',
        'endpoint sentence',
      ],
    });
  });

  it('a stop word over it does', async () => {
    const story = await listBegins();
    story.model.answers('Of course. Tell me more.');
    await story.user.interruptsAfter(900, 'Stop it!');
    await story.agent.isHeard('Of course. Tell me more.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here (is) (the) list of all that-',
        '@900 user: Stop it!',
        '+3200 agent: Of (course.) Tell me more.',
      ],
      history: [
        'user: What do you have?',
        'agent: Here is the list of all',
        'user: Stop it!',
        'agent: Of course. Tell me more.',
      ],
      decided: [
        'endpoint sentence',
        'duck speech',
        'veto echo',
        'unduck words',
        'veto echo',
        'veto echo',
        'veto echo',
        'interrupt words',
        'endpoint unfinished',
        'duck speech',
        'veto echo',
        'unduck words',
        'veto echo',
        'veto echo',
        'veto echo',
        'veto echo',
        'endpoint sentence',
      ],
    });
  });

  it('what the agent has said is no echo any more when the user says it a second later', async () => {
    const story = await Story.begins();
    story.client.usesLoudspeaker();
    story.model.answers('On Tuesday at ten?').answers('It is booked for you.');
    await story.user.says('When can I come?');
    await story.agent.isHeard('On Tuesday at ten?');
    await story.user.pauses(1_000);
    await story.user.says('On Tuesday at ten.');
    await story.agent.isHeard('It is booked for you.');
    await story.ends({
      heard: [
        'user: When can I come?',
        '+660 agent: On (Tuesday) at ten?',
        '+1020 user: On Tuesday at ten.',
        '+700 agent: It (is) booked for you.',
      ],
      history: [
        'user: When can I come?',
        'agent: On Tuesday at ten?',
        'user: On Tuesday at ten.',
        'agent: It is booked for you.',
      ],
      decided: [
        'endpoint sentence',
        'duck speech',
        'veto echo',
        'unduck words',
        'veto echo',
        'veto echo',
        'veto echo',
        'endpoint sentence',
        'endpoint sentence',
        'duck speech',
        'veto echo',
        'unduck words',
        'veto echo',
        'veto echo',
        'veto echo',
        'endpoint sentence',
      ],
    });
  });
});
