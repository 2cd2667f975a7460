import { Story } from '../../support/story.ts';

describe('Stories of turns', () => {
  it('a question is answered', async () => {
    const story = await Story.begins();
    const { user, agent, model } = story;
    model.answers('Two pizzas, coming up. Anything else?');
    await user.says('Two pizzas, please.');
    await agent.isHeard('Two pizzas, coming up. Anything else?');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+660 agent: Two pizzas, coming up. Anything else?'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas, coming up. Anything else?'],
      decided: ['endpoint sentence'],
    });
  });

  it('a sentence without a full stop is waited for a little longer', async () => {
    const story = await Story.begins();
    story.model.answers('Noted.');
    await story.user.says('two pizzas');
    await story.agent.isHeard('Noted.');
    await story.ends({
      heard: ['user: two pizzas', '+870 agent: Noted.'],
      history: ['user: two pizzas', 'agent: Noted.'],
      decided: ['endpoint pause'],
    });
  });

  it('"and" at the end keeps the turn open', async () => {
    const story = await Story.begins();
    story.model.answers('A pizza and a salad.');
    await story.user.says('I want a pizza and');
    await story.user.pauses(1_800);
    await story.user.says('a salad.');
    await story.agent.isHeard('A pizza and a salad.');
    await story.ends({
      heard: ['user: I want a pizza and', '+1800 user: a salad.', '+720 agent: A pizza and a salad.'],
      history: ['user: I want a pizza and a salad.', 'agent: A pizza and a salad.'],
      decided: ['endpoint sentence'],
    });
  });

  it('a telephone number that is read with pauses is one turn', async () => {
    const story = await Story.begins();
    story.model.answers('Thank you.');
    await story.user.says('zero four two one');
    await story.user.pauses(1_200);
    await story.user.says('five five five');
    await story.user.pauses(1_300);
    await story.user.says('seven eight nine');
    await story.agent.isHeard('Thank you.');
    await story.ends({
      heard: [
        'user: zero four two one',
        '+1200 user: five five five',
        '+1300 user: seven eight nine',
        '+870 agent: Thank you.',
      ],
      history: ['user: zero four two one five five five seven eight nine', 'agent: Thank you.'],
      decided: ['endpoint pause'],
    });
  });

  it('a name that is spelled is not cut off between its letters', async () => {
    const story = await Story.begins();
    story.model.answers('Thank you.');
    await story.user.says('My name is M');
    for (const letter of ['E', 'Y', 'E', 'R']) {
      await story.user.pauses(700);
      await story.user.says(letter);
    }
    await story.agent.isHeard('Thank you.');
    await story.ends({
      heard: [
        'user: My name is M',
        '+700 user: E',
        '+700 user: Y',
        '+700 user: E',
        '+700 user: R',
        '+1925 agent: Thank you.',
      ],
      history: ['user: My name is M E Y E R', 'agent: Thank you.'],
      decided: ['endpoint reading'],
    });
  });
});
