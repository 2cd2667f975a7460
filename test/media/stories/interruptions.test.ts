import { Story } from '../../support/story.ts';

const COUNT = 'Here is the list of all that we have today for you.';

describe('Stories of interruptions', () => {
  it('a short "yes" answers the question of the agent', async () => {
    const story = await Story.begins();
    story.model.answers('Do you want it with cheese?').answers('With cheese, then.');
    await story.user.says('A pizza, please.');
    await story.agent.isHeard('Do you want it with cheese?');
    await story.user.pauses(400);
    await story.user.says('Yes.');
    await story.agent.isHeard('With cheese, then.');
    await story.ends({
      heard: [
        'user: A pizza, please.',
        '+720 agent: Do you want it with cheese?',
        '+400 user: Yes.',
        '+660 agent: With cheese, then.',
      ],
      history: [
        'user: A pizza, please.',
        'agent: Do you want it with cheese?',
        'user: Yes.',
        'agent: With cheese, then.',
      ],
      decided: ['endpoint sentence', 'endpoint sentence'],
    });
  });

  it('a cough lowers the voice and no more', async () => {
    const story = await Story.begins();
    story.model.answers(COUNT);
    await story.user.says('What do you have?');
    await story.agent.speaksFor(600);
    await story.user.coughs(240);
    await story.agent.isHeard(COUNT);
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list) (of) all that we have today for you.',
        '@600 user: (coughs)',
      ],
      history: ['user: What do you have?', 'agent: ' + COUNT],
      decided: ['endpoint sentence', 'duck speech', 'unduck speech', 'endpoint pause'],
    });
  });

  it('the user goes on before the answer is heard: it answers all of it', async () => {
    const story = await Story.begins();
    story.model.answers('A pizza.').answers('A pizza with cheese.');
    await story.user.says('I want a pizza.');
    await story.user.pauses(450);
    await story.user.says('With cheese, please.');
    await story.agent.isHeard('A pizza with cheese.');
    await story.ends({
      heard: ['user: I want a pizza.', '+450 user: With cheese, please.', '+660 agent: A pizza with cheese.'],
      history: ['user: I want a pizza.', 'user: With cheese, please.', 'agent: A pizza with cheese.'],
    });
  });
});
