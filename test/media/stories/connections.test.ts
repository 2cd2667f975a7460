import { Story } from '../../support/story.ts';

const LIST = 'Here are the pizzas. Here are the salads. Here are the drinks.';

async function listBegins(): Promise<Story> {
  const story = await Story.begins();
  story.model.answers(LIST);
  await story.user.says('What do you have?');
  return story;
}

describe('Stories of connections', () => {
  it('the client goes away in the middle of a reply, and is back', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(1_500);
    story.client.goesAway();
    await story.user.pauses(3_000);
    story.client.arrives();
    await story.agent.isHeard('Here are the drinks.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+700 agent: Here are the pizzas. Here',
        '+3040 agent: Here are the salads. Here are the drinks.',
      ],
      history: [
        'user: What do you have?',
        'agent: Here are the pizzas.',
        'agent: Here are the salads. Here are the drinks.',
      ],
      decided: ['endpoint sentence'],
    });
  });

  it('the client goes away before the answer', async () => {
    const story = await listBegins();
    story.client.goesAway();
    await story.user.pauses(3_000);
    story.client.arrives();
    await story.agent.isHeard(LIST);
    await story.ends({
      heard: ['user: What do you have?', '+3360 agent: Here are the pizzas. Here are the salads. Here are the drinks.'],
      history: ['user: What do you have?', 'agent: Here are the pizzas. Here are the salads. Here are the drinks.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the client goes away while the user speaks', async () => {
    const story = await Story.begins();
    story.model.answers('What would you like?').answers('Two pizzas.');
    await story.user.says('I would like');
    story.client.goesAway();
    await story.user.pauses(5_000);
    story.client.arrives();
    await story.agent.isHeard('What would you like?');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: [
        'user: I would like',
        '+5360 agent: What would you like?',
        '+20 user: Two pizzas, please.',
        '+660 agent: Two pizzas.',
      ],
      history: ['user: I would like', 'agent: What would you like?', 'user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint unfinished', 'endpoint sentence'],
    });
  });

  it('the pod dies in the middle of a reply: another one goes on with the clause', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(1_800);
    await story.pod.dies();
    await story.agent.isHeard('Here are the drinks.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+700 agent: Here are the pizzas. Here are',
        '+1600 agent: Here are the pizzas. Here are the salads. Here are the drinks.',
      ],
      history: ['user: What do you have?', 'agent: Here are the pizzas. Here are the salads. Here are the drinks.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the pod dies while the user speaks', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    await story.user.says('I would like two');
    await story.pod.dies();
    await story.agent.isHeard('Sorry, I lost that. Please say it again.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: [
        'user: I would like two',
        '+1600 agent: Sorry, I lost that. Please say it again.',
        '+20 user: Two pizzas, please.',
        '+640 agent: Two pizzas.',
      ],
      history: ['agent: Sorry, I lost that. Please say it again.', 'user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the pod dies while the model thinks', async () => {
    const story = await Story.begins();
    story.model.answers('Never heard.', { firstTokenMs: 5_000 }).answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.user.pauses(700);
    await story.pod.dies();
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+2520 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the call is handed over in a pause of the agent', async () => {
    const story = await listBegins();
    await story.agent.speaksFor(600);
    await story.pod.handsOver();
    await story.agent.isHeard('Here are the drinks.');
    await story.ends({
      heard: ['user: What do you have?', '+700 agent: Here are the pizzas. Here are the salads. Here are the drinks.'],
      history: [
        'user: What do you have?',
        'agent: Here are the pizzas.',
        'agent: Here are the salads. Here are the drinks.',
      ],
      decided: ['endpoint sentence'],
    });
  });

  it('the call is handed over while nobody speaks', async () => {
    const story = await listBegins();
    await story.agent.isHeard(LIST);
    await story.pod.handsOver();
    story.model.answers('A pizza.');
    await story.user.says('A pizza, please.');
    await story.agent.isHeard('A pizza.');
    await story.ends({
      heard: [
        'user: What do you have?',
        '+700 agent: Here are the pizzas. Here are the salads. Here are the drinks.',
        '+520 user: A pizza, please.',
        '+620 agent: A pizza.',
      ],
      history: [
        'user: What do you have?',
        'agent: Here are the pizzas. Here are the salads. Here are the drinks.',
        'user: A pizza, please.',
        'agent: A pizza.',
      ],
      decided: ['endpoint sentence', 'endpoint sentence'],
    });
  });

  it('the call is handed over while the model thinks', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.', { firstTokenMs: 2_000 });
    await story.user.says('Two pizzas, please.');
    await story.user.pauses(400);
    await story.pod.handsOver();
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+1420 agent: One moment, please. Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: One moment, please. Two pizzas.'],
      decided: ['endpoint sentence', 'bridge stalled'],
    });
  });

  it('words are typed while the user is away: they are answered on the return', async () => {
    const story = await Story.begins();
    story.client.goesAway();
    story.user.types('Two pizzas');
    await story.user.pauses(2_000);
    story.model.answers('Two pizzas.');
    story.client.arrives();
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['agent: Two pizzas.'],
      history: ['user: Two pizzas', 'agent: Two pizzas.'],
      decided: [],
    });
  });
});
