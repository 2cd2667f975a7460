import { Story } from '../../support/story.ts';
import { toolNamed } from '../../support/story/story-tool.ts';

const LIST = 'Here is the list of all that we have today for you.';
const SHORT = { wordMs: 220 };

describe('Stories of patience', () => {
  it('"mm-hm" while the agent thinks is no turn, and nobody comes back to it', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.', { firstTokenMs: 2_800 });
    await story.user.says('Two pizzas, please.');
    await story.user.pauses(500);
    await story.user.says('mm-hm', SHORT);
    await story.agent.isHeard('Two pizzas.');
    await story.user.pauses(6_000);
    await story.ends({
      heard: ['user: Two pizzas, please.', '+500 user: mm-hm', '+1860 agent: One moment, please. Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: One moment, please. Two pizzas.'],
      decided: ['endpoint sentence', 'hold speech', 'release words', 'endpoint pause', 'bridge stalled'],
    });
  });

  it('"okay" while a tool runs does not stop it', async () => {
    const story = await Story.begins({ tools: [toolNamed('order')] });
    story.model.calls('order').answers('It is ordered.');
    story.tool.takes(3_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('One moment, please.');
    await story.user.pauses(300);
    await story.user.says('okay', SHORT);
    await story.agent.isHeard('It is ordered.');
    await story.user.pauses(6_000);
    await story.ends({
      heard: ['user: Order it.', '+1405 agent: One moment, please.', '+320 user: okay', '+865 agent: It is ordered.'],
      history: ['user: Order it.', 'agent: One moment, please. It is ordered.'],
      decided: ['endpoint sentence', 'bridge stalled', 'duck speech', 'unduck words', 'tool order', 'endpoint pause'],
    });
  });

  it('"never mind" into the words that bridge a silence is answered', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.', { firstTokenMs: 5_000 }).answers('As you like.');
    await story.user.says('Two pizzas, please.');
    await story.user.interruptsAfter(500, 'Never mind.');
    await story.agent.isHeard('As you like.');
    await story.ends({
      heard: [
        'user: Two pizzas, please.',
        '+1420 agent: One moment, (please.-)',
        '@500 user: Never mind.',
        '+680 agent: As you like.',
      ],
      history: ['user: Two pizzas, please.', 'agent: One moment,', 'user: Never mind.', 'agent: As you like.'],
      decided: [
        'endpoint sentence',
        'bridge stalled',
        'duck speech',
        'pause speech',
        'interrupt words',
        'endpoint sentence',
      ],
    });
  });

  it('"mm-hm", and then words of one\'s own: the second stops it', async () => {
    const story = await Story.begins();
    story.model.answers(LIST).answers('What else?');
    await story.user.says('What do you have?');
    await story.agent.speaksFor(500);
    await story.user.says('mm-hm', SHORT);
    await story.user.pauses(800);
    await story.user.says('Something else, please.');
    await story.agent.isHeard('What else?');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list) (of) all that (we)',
        '@500 user: mm-hm',
        '+800 user: Something else, please.',
        '+660 agent: What else?',
      ],
      history: [
        'user: What do you have?',
        'agent: Here is the list of all that',
        'user: Something else, please.',
        'agent: What else?',
      ],
      decided: [
        'endpoint sentence',
        'duck speech',
        'unduck words',
        'endpoint pause',
        'duck speech',
        'pause speech',
        'interrupt words',
        'endpoint sentence',
      ],
    });
  });

  it('the second half of a number comes when the first was taken as all: both are answered', async () => {
    const story = await Story.begins();
    story.model.answers('Is that all?', { firstTokenMs: 700 }).answers('Thank you.');
    await story.user.says('zero four two one');
    await story.user.pauses(1_900);
    await story.user.says('five five five seven eight nine');
    await story.agent.isHeard('Thank you.');
    await story.ends({
      heard: ['user: zero four two one', '+1900 user: five five five seven eight nine', '+1920 agent: Thank you.'],
      history: ['user: zero four two one', 'user: five five five seven eight nine', 'agent: Thank you.'],
      decided: ['endpoint reading', 'hold speech', 'interrupt words', 'endpoint reading'],
    });
  });

  it('the greeting makes room for one who speaks first', async () => {
    const story = await Story.begins({ greeting: 'Hello and welcome.' });
    story.model.answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '@80 agent: (Hello)', '+1300 agent: Two pizzas.'],
      history: ['agent: Hello', 'user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['duck speech', 'pause speech', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('a greeting that nobody heard is begun anew', async () => {
    const story = await Story.begins({ greeting: 'Hello.' });
    story.client.goesAway();
    await story.user.pauses(2_000);
    story.client.arrives();
    await story.agent.isHeard('Hello.');
    await story.ends({ heard: ['agent: Hello.'], history: ['agent: Hello.'], decided: [] });
  });

  it('the breath between two sentences is a place to speak, too', async () => {
    const story = await Story.begins();
    story.model.answers('We have pizzas. We have salads.').answers('A pizza, then.');
    await story.user.says('What do you have?');
    await story.agent.isHeard('We have pizzas.');
    await story.user.says('A pizza, please.');
    await story.agent.isHeard('A pizza, then.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+700 agent: We have pizzas. (We) (have-)',
        '@920 user: A pizza, please.',
        '+670 agent: A pizza, then.',
      ],
      history: [
        'user: What do you have?',
        'agent: We have pizzas. We',
        'user: A pizza, please.',
        'agent: A pizza, then.',
      ],
      decided: [
        'endpoint sentence',
        'duck speech',
        'pause words',
        'duck words',
        'pause words',
        'interrupt words',
        'endpoint sentence',
      ],
    });
  });

  it('the transcript of what was said over the agent is late: it pauses meanwhile, and is then interrupted', async () => {
    const story = await Story.begins();
    story.recogniser.partialAfterMs = 700;
    story.model.answers(LIST).answers('Only salads.');
    await story.user.says('What do you have?');
    await story.user.interruptsAfter(600, 'Only salads, please.');
    await story.agent.isHeard('Only salads.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+820 agent: Here is the (list)',
        '@600 user: Only salads, please.',
        '+620 agent: Only salads.',
      ],
      history: [
        'user: What do you have?',
        'agent: Here is the list',
        'user: Only salads, please.',
        'agent: Only salads.',
      ],
      decided: ['endpoint sentence', 'duck speech', 'pause speech', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('words are typed while the agent thinks: the answer is to both', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.', { firstTokenMs: 1_000 }).answers('With cheese.');
    await story.user.says('Two pizzas, please.');
    await story.user.pauses(600);
    story.user.types('with cheese');
    await story.agent.isHeard('With cheese.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+920 agent: With cheese.'],
      history: ['user: Two pizzas, please.', 'user: with cheese', 'agent: With cheese.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the farewell can be interrupted, too', async () => {
    const story = await Story.begins();
    story.model.fails().fails().answers('Two pizzas.');
    story.spare.model.fails().fails();
    await story.user.says('Two pizzas, please.');
    await story.agent.speaksFor(2_600);
    await story.user.says('Wait, please try again.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: [
        'user: Two pizzas, please.',
        '+620 agent: Sorry, one moment, please. I am sorry, this (does-)',
        '@2600 user: Wait, please try again.',
        '+660 agent: Two pizzas.',
      ],
      history: [
        'user: Two pizzas, please.',
        'agent: Sorry, one moment, please.',
        'agent: I am sorry, this',
        'user: Wait, please try again.',
        'agent: Two pizzas.',
      ],
      decided: [
        'endpoint sentence',
        'failover language-model',
        'failover language-model',
        'failover language-model',
        'failover language-model',
        'duck speech',
        'pause speech',
        'interrupt words',
        'endpoint sentence',
      ],
      faults: ['reply_failed', 'reply_failed'],
    });
  });
});
