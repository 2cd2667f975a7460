import { Story } from '../../support/story.ts';

describe('Stories of microphones and keyboards', () => {
  it('typed words are answered at once', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    story.user.types('Two pizzas');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['agent: Two pizzas.'],
      history: ['user: Two pizzas', 'agent: Two pizzas.'],
      decided: [],
    });
  });

  it('typed words take the place of what the agent says', async () => {
    const story = await Story.begins();
    story.model.answers('Here is the list of all that we have.').answers('Two pizzas.');
    await story.user.says('What do you have?');
    await story.agent.speaksFor(700);
    story.user.types('Two pizzas');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: What do you have?', '+760 agent: Here is the list- Two pizzas.'],
      history: ['user: What do you have?', 'agent: Here is the', 'user: Two pizzas', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('words are typed while the user speaks', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas with cheese.').answers('And a salad.');
    const speaking = story.user.says('With cheese and tomatoes please and a salad.');
    story.user.types('Two pizzas');
    await speaking;
    await story.user.pauses(4_000);
    await story.ends({
      heard: ['user: With cheese and tomatoes please and a salad.', '+640 agent: And a salad.'],
      history: ['user: Two pizzas', 'user: With cheese and tomatoes please and a salad.', 'agent: And a salad.'],
      decided: ['hold speech', 'interrupt words', 'endpoint sentence'],
    });
  });

  it('who mutes in the middle of a sentence is answered', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    await story.user.says('Two pizzas and');
    await story.user.pauses(300);
    story.user.mutes();
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas and', '+620 agent: Two pizzas.'],
      history: ['user: Two pizzas and', 'agent: Two pizzas.'],
      decided: ['endpoint unfinished'],
    });
  });

  it('what is said to a muted microphone is not heard', async () => {
    const story = await Story.begins();
    story.model.answers('A salad.');
    story.user.mutes();
    await story.user.says('Two pizzas, please.');
    await story.user.pauses(2_000);
    story.user.unmutes();
    await story.user.says('A salad, please.');
    await story.agent.isHeard('A salad.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+2000 user: A salad, please.', '+660 agent: A salad.'],
      history: ['user: A salad, please.', 'agent: A salad.'],
      decided: ['endpoint sentence'],
    });
  });

  it('a soft voice is heard as a loud one', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    await story.user.says('Two pizzas, please.', { loud: 0.25 });
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+640 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('after twenty seconds in which the browser sent next to nothing, a turn is as ever', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    await story.user.pauses(20_000);
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+640 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('a sentence with a breath in it is one turn', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    await story.user.says('I would like');
    await story.user.pauses(400);
    await story.user.says('two pizzas.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: I would like', '+400 user: two pizzas.', '+660 agent: Two pizzas.'],
      history: ['user: I would like two pizzas.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('a speaker who pauses long is waited for, once it is known', async () => {
    const story = await Story.begins();
    story.model.answers('All of that.');
    for (const item of ['pizzas and', 'salads and', 'drinks and']) {
      await story.user.says(item);
      await story.user.pauses(900);
    }
    await story.user.says('bread');
    await story.user.pauses(800);
    await story.user.says('water');
    await story.agent.isHeard('All of that.');
    await story.ends({
      heard: [
        'user: pizzas and',
        '+900 user: salads and',
        '+900 user: drinks and',
        '+900 user: bread',
        '+800 user: water',
        '+1460 agent: All of that.',
      ],
      history: ['user: pizzas and salads and drinks and bread water', 'agent: All of that.'],
      decided: ['endpoint pause'],
    });
  });
});
