import { Story } from '../../support/story.ts';

const LIST = 'One two three four five six.';

describe('Stories of what fails', () => {
  it('the voice dies in the middle of a word: another one goes on', async () => {
    const story = await Story.begins();
    story.model.answers(LIST);
    story.voice.diesAfter(2);
    await story.user.says('Please count.');
    await story.agent.isHeard(LIST);
    await story.ends({
      heard: ['user: Please count.', '+700 agent: One two three- three four five six.'],
      history: ['user: Please count.', 'agent: One two three four five six.'],
      decided: ['endpoint sentence', 'failover text-to-speech'],
    });
  });

  it('a voice without word times dies in the middle of a word', async () => {
    const story = await Story.begins();
    story.voice.tellsNoWordTimes();
    story.model.answers(LIST);
    story.voice.diesAfter(3);
    await story.user.says('Please count.');
    await story.agent.isHeard('five six.');
    await story.ends({
      heard: ['user: Please count.', '+700 agent: One two three four- three four five six.'],
      history: ['user: Please count.', 'agent: One two three four five six.'],
      decided: ['endpoint sentence', 'failover text-to-speech'],
    });
  });

  it('the voice stalls in the middle of a word', async () => {
    const story = await Story.begins();
    story.model.answers(LIST);
    story.voice.stallsAfter(2);
    await story.user.says('Please count.');
    await story.agent.isHeard('three four five six.');
    await story.ends({
      heard: [
        'user: Please count.',
        '+700 agent: One two three-',
        '+1380 agent: One moment, please. three four five six.',
      ],
      history: ['user: Please count.', 'agent: One two three four five six. One moment, please.'],
      decided: ['endpoint sentence', 'bridge stalled', 'failover text-to-speech'],
    });
  });

  it('the voice is dead: another one speaks', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    story.voice.dies();
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+740 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence', 'failover text-to-speech'],
    });
  });

  it('no voice is left: the call ends', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    story.voice.dies();
    story.spare.voice.dies();
    await story.user.says('Two pizzas, please.');
    await story.user.pauses(3_000);
    await story.ends({
      heard: ['user: Two pizzas, please.'],
      history: ['user: Two pizzas, please.'],
      decided: [
        'endpoint sentence',
        'failover text-to-speech',
        'failover text-to-speech',
        'failover text-to-speech',
        'failover text-to-speech',
        'failover text-to-speech',
        'failover text-to-speech',
      ],
      faults: ['reply_failed', 'reply_failed', 'reply_failed'],
      ended: 'failed',
    });
  });

  it('the model is slow: the silence is bridged', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.', { firstTokenMs: 2_500 });
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+1420 agent: One moment, please.', '+440 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: One moment, please. Two pizzas.'],
      decided: ['endpoint sentence', 'bridge stalled'],
    });
  });

  it('the model stalls after a word: another one goes on with the next', async () => {
    const story = await Story.begins();
    story.model.stallsAfter('I,');
    story.spare.model.answers(' for one, like it.');
    await story.user.says('Do you like pizza?');
    await story.agent.isHeard('for one, like it.');
    await story.ends({
      heard: ['user: Do you like pizza?', '+1405 agent: One moment, please.', '+360 agent: I, for one, like it.'],
      history: ['user: Do you like pizza?', 'agent: One moment, please. I, for one, like it.'],
      decided: ['endpoint sentence', 'bridge stalled', 'failover language-model'],
    });
  });

  it('the model says nothing: another one answers', async () => {
    const story = await Story.begins();
    story.model.stallsAfter();
    story.spare.model.answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+1420 agent: One moment, please.', '+2140 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: One moment, please. Two pizzas.'],
      decided: ['endpoint sentence', 'bridge stalled', 'failover language-model'],
    });
  });

  it('the model refuses: nobody notices', async () => {
    const story = await Story.begins();
    story.model.fails();
    story.spare.model.answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+740 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence', 'failover language-model'],
    });
  });

  it('both models refuse, and answer when they are asked again', async () => {
    const story = await Story.begins();
    story.model.fails().answers('Two pizzas.');
    story.spare.model.fails();
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Sorry, one moment, please. Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+620 agent: Sorry, one moment, please. Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Sorry, one moment, please. Two pizzas.'],
      decided: ['endpoint sentence', 'failover language-model', 'failover language-model'],
      faults: ['reply_failed'],
    });
  });

  it('nobody can answer, again and again: a polite end', async () => {
    const story = await Story.begins();
    story.model.fails().fails();
    story.spare.model.fails().fails();
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Please try again later. Goodbye.');
    await story.ends({
      heard: [
        'user: Two pizzas, please.',
        '+620 agent: Sorry, one moment, please. I am sorry, this does not work at the moment. Please try again later. Goodbye.',
      ],
      history: [
        'user: Two pizzas, please.',
        'agent: Sorry, one moment, please.',
        'agent: I am sorry, this does not work at the moment. Please try again later. Goodbye.',
      ],
      decided: [
        'endpoint sentence',
        'failover language-model',
        'failover language-model',
        'failover language-model',
        'failover language-model',
      ],
      faults: ['reply_failed', 'reply_failed'],
      ended: 'failed',
    });
  });

  it('the answer breaks off after words that were heard: an apology, and the next turn is as ever', async () => {
    const story = await Story.begins();
    story.model.fails('Your order comes at six. It', 500).answers('Two pizzas.');
    story.spare.model.fails();
    await story.user.says('When will it come?');
    await story.agent.isHeard('I am sorry, something went wrong. Please say that again.');
    await story.user.pauses(300);
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: [
        'user: When will it come?',
        '+720 agent: Your order comes at six. I am sorry, something went wrong. Please say that again.',
        '+320 user: Two pizzas, please.',
        '+660 agent: Two pizzas.',
      ],
      history: [
        'user: When will it come?',
        'agent: Your order comes at six.',
        'agent: I am sorry, something went wrong. Please say that again.',
        'user: Two pizzas, please.',
        'agent: Two pizzas.',
      ],
      decided: ['endpoint sentence', 'failover language-model', 'failover language-model', 'endpoint sentence'],
      faults: ['reply_failed'],
    });
  });

  it('the model answers without a word: it is asked again', async () => {
    const story = await Story.begins();
    story.model.answers(' ').answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+420 agent: Sorry, one moment, please. Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Sorry, one moment, please. Two pizzas.'],
      decided: ['endpoint sentence'],
      faults: ['reply_failed'],
    });
  });

  it('the model writes markup and numbers: they are spoken, and the history keeps them as they were written', async () => {
    const story = await Story.begins();
    story.model.answers('**Two** pizzas are $21.50, at 18:30.');
    await story.user.says('How much is it?');
    await story.agent.isHeard('at eighteen thirty.');
    await story.ends({
      heard: [
        'user: How much is it?',
        '+720 agent: Two pizzas are twenty-one dollars and fifty cents, at eighteen thirty.',
      ],
      history: ['user: How much is it?', 'agent: **Two** pizzas are $21.50, at 18:30.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the voice is slow, and the silence before it is bridged', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    story.voice.takes(3_000);
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+1420 agent: One moment, please.', '+1040 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: One moment, please. Two pizzas.'],
      decided: ['endpoint sentence', 'bridge stalled'],
    });
  });

  it('the model hangs without ever failing: it is given up, and asked again', async () => {
    const story = await Story.begins();
    story.model.hangs().answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Sorry, one moment, please. Two pizzas.');
    await story.ends({
      heard: [
        'user: Two pizzas, please.',
        '+1420 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+2280 agent: Sorry, one moment, please. Two pizzas.',
      ],
      history: [
        'user: Two pizzas, please.',
        'agent: One moment, please. I am still working on it.',
        'agent: Sorry, one moment, please. Two pizzas.',
      ],
      decided: ['endpoint sentence', 'bridge stalled', 'bridge stalled long'],
      faults: ['reply_failed'],
    });
  });

  it('the model hangs twice: an apology, and the next turn is as ever', async () => {
    const story = await Story.begins();
    story.model.hangs().hangs().answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('I am sorry, something went wrong. Please say that again.');
    await story.user.pauses(300);
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: [
        'user: Two pizzas, please.',
        '+1420 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+2280 agent: Sorry, one moment, please.',
        '+1480 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+2240 agent: I am sorry, something went wrong. Please say that again.',
        '+320 user: Two pizzas, please.',
        '+660 agent: Two pizzas.',
      ],
      history: [
        'user: Two pizzas, please.',
        'agent: One moment, please. I am still working on it.',
        'agent: Sorry, one moment, please. One moment, please. I am still working on it.',
        'agent: I am sorry, something went wrong. Please say that again.',
        'user: Two pizzas, please.',
        'agent: Two pizzas.',
      ],
      decided: [
        'endpoint sentence',
        'bridge stalled',
        'bridge stalled long',
        'bridge stalled',
        'bridge stalled long',
        'endpoint sentence',
      ],
      faults: ['reply_failed', 'reply_failed'],
    });
  });
});
