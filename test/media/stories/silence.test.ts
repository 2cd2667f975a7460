import { Story } from '../../support/story.ts';
import { toolNamed } from '../../support/story/story-tool.ts';

const idle = { askAfterSeconds: 5, times: 2, endAfterSeconds: 4 };
const texts = {
  areYouThere: ['Still there?', 'Hello?'],
  idleGoodbye: 'Goodbye.',
  timeIsShort: 'Soon.',
  timeIsUp: 'Over.',
};
const ATTENTIVE = { limits: { idle }, texts };

describe('Stories of silence', () => {
  it('nobody ever answers: the agent asks twice, and hangs up', async () => {
    const story = await Story.begins({ ...ATTENTIVE, greeting: 'Welcome.' });
    await story.agent.isHeard('Goodbye.');
    await story.user.pauses(1_000);
    await story.ends({
      heard: ['agent: Welcome.', '+5180 agent: Still there?', '+5180 agent: Hello?', '+4180 agent: Goodbye.'],
      history: ['agent: Welcome.', 'agent: Still there?', 'agent: Hello?', 'agent: Goodbye.'],
      decided: ['idle ask', 'idle ask', 'idle end'],
      ended: 'idle',
    });
  });

  it('the user answers the question, and is asked anew later', async () => {
    const story = await Story.begins(ATTENTIVE);
    story.model.answers('Good.');
    await story.agent.isHeard('Still there?');
    await story.user.says('I am here.');
    await story.agent.isHeard('Good.');
    await story.agent.isHeard('Still there?');
    await story.ends({
      heard: ['agent: Still there?', '+20 user: I am here.', '+605 agent: Good.', '+5180 agent: Still there?'],
      history: ['agent: Still there?', 'user: I am here.', 'agent: Good.', 'agent: Still there?'],
      decided: ['idle ask', 'endpoint sentence', 'idle ask'],
    });
  });

  it('a cough puts the question off, and is no answer', async () => {
    const story = await Story.begins(ATTENTIVE);
    await story.agent.isHeard('Still there?');
    await story.user.pauses(3_000);
    await story.user.coughs();
    await story.agent.isHeard('Hello?');
    await story.ends({
      heard: ['agent: Still there?', '+3000 user: (coughs)', '+5660 agent: Hello?'],
      history: ['agent: Still there?', 'agent: Hello?'],
    });
  });

  it('nobody is asked while a tool runs, however long', async () => {
    const story = await Story.begins({ ...ATTENTIVE, tools: [toolNamed('order', { timeoutMs: 30_000 })] });
    story.model.calls('order', {}, 'I am ordering it.').answers('Done.');
    story.tool.takes(12_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('Done.');
    await story.ends({
      heard: [
        'user: Order it.',
        '+900 agent: I am ordering it.',
        '+1480 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+3240 agent: Done.',
      ],
      history: ['user: Order it.', 'agent: I am ordering it. One moment, please. I am still working on it. Done.'],
      decided: ['endpoint sentence', 'bridge stalled', 'bridge stalled long', 'tool order'],
    });
  });

  it('nobody is asked while the client is away, nor at once when it is back', async () => {
    const story = await Story.begins(ATTENTIVE);
    await story.user.pauses(4_000);
    story.client.goesAway();
    await story.user.pauses(20_000);
    story.client.arrives();
    await story.user.pauses(4_800);
    await story.agent.isHeard('Still there?');
    await story.ends({ heard: ['agent: Still there?'], history: ['agent: Still there?'], decided: ['idle ask'] });
  });

  it('the pod dies between two questions: the other one asks the second', async () => {
    const story = await Story.begins(ATTENTIVE);
    await story.agent.isHeard('Still there?');
    await story.user.pauses(2_000);
    await story.pod.dies();
    await story.agent.isHeard('Hello?');
    await story.ends({
      heard: ['agent: Still there?', '+8640 agent: Hello?'],
      history: ['agent: Still there?', 'agent: Hello?'],
      decided: ['idle ask', 'idle ask'],
    });
  });

  it('the call is handed over in a silence, which goes on', async () => {
    const story = await Story.begins(ATTENTIVE);
    await story.user.coughs();
    await story.user.pauses(3_000);
    await story.pod.handsOver();
    await story.agent.isHeard('Still there?');
    await story.agent.isHeard('Hello?');
    await story.ends({
      heard: ['user: (coughs)', '+5670 agent: Still there?', '+5180 agent: Hello?'],
      history: ['agent: Still there?', 'agent: Hello?'],
    });
  });

  it('the user cuts in on the goodbye, and stays', async () => {
    const own = { ...texts, idleGoodbye: 'I cannot hear anybody, so I am going to hang up now.' };
    const story = await Story.begins({ limits: { idle: { ...idle, times: 0 } }, texts: own });
    story.model.answers('Good.');
    await story.user.interruptsAfter(800, 'Wait, I am here.');
    await story.agent.isHeard('Good.');
    await story.ends({
      heard: ['agent: I cannot hear (anybody,-)', '@800 user: Wait, I am here.', '+625 agent: Good.'],
      history: ['agent: I cannot hear', 'user: Wait, I am here.', 'agent: Good.'],
    });
  });

  it('the time is up: it is announced in a pause, and said goodbye to', async () => {
    const limits = { sessionMinutes: 1, warningSeconds: 50 };
    const story = await Story.begins({ limits, texts });
    story.model.answers('Two.');
    await story.agent.isHeard('Soon.');
    await story.user.says('Two pizzas.');
    await story.agent.isHeard('Two.');
    await story.user.pauses(28_000);
    await story.agent.isHeard('Over.');
    await story.user.pauses(1_000);
    await story.ends({
      heard: ['agent: Soon.', '+20 user: Two pizzas.', '+640 agent: Two.', '+36060 agent: Over.'],
      history: ['agent: Soon.', 'user: Two pizzas.', 'agent: Two.', 'agent: Over.'],
      decided: ['limit warn', 'endpoint sentence', 'limit end'],
      ended: 'expired',
    });
  });
});
