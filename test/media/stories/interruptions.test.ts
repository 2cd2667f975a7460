import { Story } from '../../support/story.ts';

const LIST = 'Here is the list of all that we have today for you.';
const SHORT = { wordMs: 220 };

/** The agent begins to read the list. */
async function listBegins(agent = {}): Promise<Story> {
  const story = await Story.begins(agent);
  story.model.answers(LIST);
  await story.user.says('What do you have?');
  return story;
}

describe('Stories of interruptions', () => {
  it('a short "mm-hm" lowers the voice and lets it go on', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(600);
    await story.user.says('mm-hm', SHORT);
    await story.agent.isHeard(LIST);
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list) (of) all that we have today for you.',
        '@600 user: mm-hm',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'duck speech', 'unduck words', 'endpoint pause'],
    });
  });

  it('a longer "mm-hm" has the agent pause, and go on at the next word', async () => {
    const story = await listBegins();
    await story.user.interruptsAfter(600, 'mm-hm');
    await story.agent.isHeard('of all that we have today for you.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list)',
        '@600 user: mm-hm',
        '+425 agent: of all that we have today for you.',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'resume words', 'endpoint pause'],
    });
  });

  it('"okay yeah right" is listening, however long it takes', async () => {
    const story = await listBegins();
    await story.user.interruptsAfter(600, 'okay yeah right');
    await story.agent.isHeard('today for you.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list)',
        '@600 user: okay yeah right',
        '+440 agent: of all that we have today for you.',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'resume words', 'endpoint pause'],
    });
  });

  it('"yes" after the question answers it', async () => {
    const story = await Story.begins();
    story.model.answers('Do you want it with cheese?').answers('With cheese, then.');
    await story.user.says('A pizza, please.');
    await story.agent.isHeard('Do you want it with cheese?');
    await story.user.pauses(400);
    await story.user.says('Yes.', SHORT);
    await story.agent.isHeard('With cheese, then.');
    await story.ends({
      heard: [
        'user: A pizza, please.',
        '+720 agent: Do you want it with cheese?',
        '+420 user: Yes.',
        '+680 agent: With cheese, then.',
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

  it('"okay" said into the end of a question answers it', async () => {
    const story = await Story.begins();
    story.model.answers('Shall I order it? I need an answer now.').answers('It is ordered.');
    await story.user.says('A pizza, please.');
    await story.user.interruptsAfter(1_500, 'okay');
    await story.agent.isHeard('It is ordered.');
    await story.ends({
      heard: [
        'user: A pizza, please.',
        '+720 agent: Shall I order it? I need (an) (answer-)',
        '@1500 user: okay',
        '+885 agent: It is ordered.',
      ],
      history: ['user: A pizza, please.', 'agent: Shall I order it? I need an', 'user: okay', 'agent: It is ordered.'],
      decided: ['endpoint sentence', 'duck speech', 'interrupt words', 'endpoint pause'],
    });
  });

  it('"okay" right after the last word of a question answers it', async () => {
    const story = await Story.begins();
    story.model.answers('Shall I order it?').answers('It is ordered.');
    await story.user.says('A pizza, please.');
    await story.agent.isHeard('Shall I order it?');
    await story.user.says('okay');
    await story.agent.isHeard('It is ordered.');
    await story.ends({
      heard: [
        'user: A pizza, please.',
        '+700 agent: Shall I order it?',
        '+20 user: okay',
        '+885 agent: It is ordered.',
      ],
      history: ['user: A pizza, please.', 'agent: Shall I order it?', 'user: okay', 'agent: It is ordered.'],
      decided: ['endpoint sentence', 'endpoint pause'],
    });
  });

  it('"wait" stops it at once, and the history has what was heard', async () => {
    const story = await listBegins();
    story.model.answers('Yes?');
    await story.user.interruptsAfter(800, 'Wait!');
    await story.agent.isHeard('Yes?');
    await story.ends({
      heard: ['user: What do you have?', '+820 agent: Here is the list (of)', '@800 user: Wait!', '+610 agent: Yes?'],
      history: ['user: What do you have?', 'agent: Here is the list of', 'user: Wait!', 'agent: Yes?'],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('new words over the agent are answered', async () => {
    const story = await listBegins();
    story.model.answers('Only a salad.');
    await story.user.interruptsAfter(700, 'I only want a salad.');
    await story.agent.isHeard('Only a salad.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list) (of-)',
        '@700 user: I only want a salad.',
        '+680 agent: Only a salad.',
      ],
      history: [
        'user: What do you have?',
        'agent: Here is the list',
        'user: I only want a salad.',
        'agent: Only a salad.',
      ],
      decided: ['endpoint sentence', 'duck speech', 'pause words', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('"no" alone is enough, once it is certain that there is no more to it', async () => {
    const story = await listBegins();
    story.model.answers('Sorry. What then?');
    await story.user.interruptsAfter(700, 'No.');
    await story.agent.isHeard('Sorry. What then?');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list) (of-)',
        '@700 user: No.',
        '+660 agent: Sorry. What then?',
      ],
      history: ['user: What do you have?', 'agent: Here is the list', 'user: No.', 'agent: Sorry. What then?'],
      decided: ['endpoint sentence', 'duck speech', 'pause words', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('a cough lowers the voice and no more', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(600);
    await story.user.coughs(240);
    await story.agent.isHeard(LIST);
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list) (of) all that we have today for you.',
        '@600 user: (coughs)',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'duck speech', 'unduck speech', 'endpoint pause'],
    });
  });

  it('a fit of coughing pauses the agent, and no more', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(600);
    await story.user.coughs(900);
    await story.agent.isHeard('today for you.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list)',
        '@600 user: (coughs)',
        '+440 agent: of all that we have today for you.',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'resume speech', 'endpoint pause'],
    });
  });

  it('talking over it that ends soon has it go on at the broken word', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(900);
    await story.user.says('uh huh really', SHORT);
    await story.agent.isHeard('today for you.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the list (of) (all-)',
        '@900 user: uh huh really',
        '+425 agent: all that we have today for you.',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'resume words', 'endpoint pause'],
    });
  });

  it('without word times it goes on a little before where it broke off', async () => {
    const story = await Story.begins();
    story.voice.tellsNoWordTimes();
    story.model.answers(LIST);
    await story.user.says('What do you have?');
    await story.user.interruptsAfter(900, 'uh huh really');
    await story.agent.isHeard('today for you.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the list (of) (all-)',
        '@900 user: uh huh really',
        '+440 agent: of all that we have today for you.',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'resume words', 'endpoint pause'],
    });
  });

  it('two interruptions in a row', async () => {
    const story = await listBegins();
    story.model.answers('Salads are the following ones today.').answers('Goodbye then.');
    await story.user.interruptsAfter(700, 'Only salads please.');
    await story.user.interruptsAfter(500, 'Forget it, goodbye.');
    await story.agent.isHeard('Goodbye then.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list) (of-)',
        '@700 user: Only salads please.',
        '+685 agent: Salads are (the) (following-)',
        '@500 user: Forget it, goodbye.',
        '+660 agent: Goodbye then.',
      ],
      history: [
        'user: What do you have?',
        'agent: Here is the list',
        'user: Only salads please.',
        'agent: Salads are the',
        'user: Forget it, goodbye.',
        'agent: Goodbye then.',
      ],
      decided: [
        'endpoint sentence',
        'duck speech',
        'pause speech',
        'interrupt words',
        'endpoint sentence',
        'duck speech',
        'pause speech',
        'interrupt words',
        'endpoint sentence',
      ],
    });
  });

  it('speech that begins with the first packet of the reply', async () => {
    const story = await listBegins();
    story.model.answers('Two pizzas.');
    await story.user.interruptsAfter(0, 'I mean pizzas, two.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 user: I mean pizzas, two.',
        '@0 agent: Here (is-)',
        '+1360 agent: Two pizzas.',
      ],
      history: ['user: What do you have?', 'agent: Here', 'user: I mean pizzas, two.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence', 'duck speech', 'pause words', 'interrupt words', 'endpoint sentence'],
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
      heard: ['user: I want a pizza.', '+440 user: With cheese, please.', '+680 agent: A pizza with cheese.'],
      history: ['user: I want a pizza.', 'user: With cheese, please.', 'agent: A pizza with cheese.'],
      decided: ['endpoint sentence', 'hold speech', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('the user goes on right after the first word of the answer', async () => {
    const story = await Story.begins();
    story.model.answers('A pizza, then. Is that all?').answers('A pizza with cheese.');
    await story.user.says('I want a pizza.');
    await story.user.interruptsAfter(240, 'with a lot of cheese.');
    await story.agent.isHeard('A pizza with cheese.');
    await story.ends({
      heard: [
        'user: I want a pizza.',
        '+660 agent: A pizza,',
        '@240 user: with a lot of cheese.',
        '+650 agent: A pizza with cheese.',
      ],
      history: [
        'user: I want a pizza.',
        'agent: A pizza,',
        'user: with a lot of cheese.',
        'agent: A pizza with cheese.',
      ],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('a click silences the agent, and begins no turn', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(700);
    story.user.clicksStop();
    await story.agent.isSilentFor(1_000);
    await story.ends({
      heard: ['user: What do you have?', '+820 agent: Here is the list-'],
      history: ['user: What do you have?', 'agent: Here is the'],
      decided: ['endpoint sentence'],
    });
  });

  it('a greeting that is interrupted is not begun again', async () => {
    const story = await Story.begins({ greeting: 'Hello and welcome to the best pizzas in town.' });
    story.model.answers('Two pizzas.');
    await story.user.interruptsAfter(600, 'Two pizzas please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['agent: Hello and (welcome)', '@600 user: Two pizzas please.', '+640 agent: Two pizzas.'],
      history: ['agent: Hello and welcome', 'user: Two pizzas please.', 'agent: Two pizzas.'],
      decided: ['duck speech', 'pause speech', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('an agent that may not be interrupted finishes', async () => {
    const story = await listBegins({ turnHandling: { interruption: { enabled: false } } });
    await story.user.interruptsAfter(600, 'Stop it, please.');
    await story.agent.isHeard(LIST);
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the list of all that we have today for you.',
        '@600 user: Stop it, please.',
      ],
      history: ['user: What do you have?', 'agent: Here is the list of all that we have today for you.'],
      decided: ['endpoint sentence', 'endpoint sentence'],
    });
  });

  it('speech of which no word is understood interrupts after a while', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(200);
    story.recogniser.understandsNothing();
    await story.user.interruptsAfter(400, 'nobody can make out what I am saying here');
    await story.agent.isSilentFor(1_000);
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is (the) (list-)',
        '@400 user: nobody can make out what I am saying here',
        '+680 agent: Sorry, I did not catch that. Could you say it again?',
      ],
      history: [
        'user: What do you have?',
        'agent: Here is the',
        'agent: Sorry, I did not catch that. Could you say it again?',
      ],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'interrupt speech', 'endpoint pause'],
    });
  });
});
