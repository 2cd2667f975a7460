import { Story } from '../../support/story.ts';

describe('Stories of recognisers', () => {
  it('the final comes half a second late', async () => {
    const story = await Story.begins();
    story.recogniser.deliversFinalLate(600);
    story.model.answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+1140 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the final never comes: the partial words are answered', async () => {
    const story = await Story.begins();
    story.recogniser.deliversNoFinal();
    story.model.answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+1340 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint unsettled'],
    });
  });

  it('not a word comes of what was surely speech: the agent asks', async () => {
    const story = await Story.begins();
    story.recogniser.deliversNothing();
    await story.user.says('Two pizzas with cheese, please.');
    await story.agent.isHeard('Sorry, I did not catch that. Could you say it again?');
    await story.ends({
      heard: [
        'user: Two pizzas with cheese, please.',
        '+1705 agent: Sorry, I did not catch that. Could you say it again?',
      ],
      history: ['agent: Sorry, I did not catch that. Could you say it again?'],
      decided: ['endpoint unsettled'],
    });
  });

  it('a transcript that is empty is no turn', async () => {
    const story = await Story.begins();
    story.recogniser.understandsNothing();
    await story.user.says('hm hm');
    await story.user.pauses(3_000);
    await story.ends({ heard: ['user: hm hm'], history: [], decided: ['endpoint pause'] });
  });

  it('a cough while the agent listens is no turn', async () => {
    const story = await Story.begins();
    await story.user.coughs(300);
    await story.user.pauses(2_000);
    await story.ends({ heard: ['user: (coughs)'], history: [], decided: ['endpoint pause'] });
  });

  it('the recogniser tells by itself that the turn is over', async () => {
    const story = await Story.begins({}, ({ recogniser }) => recogniser.endsTurnsItself(260));
    story.model.answers('Noted.');
    await story.user.says('two pizzas');
    await story.agent.isHeard('Noted.');
    await story.ends({
      heard: ['user: two pizzas', '+660 agent: Noted.'],
      history: ['user: two pizzas', 'agent: Noted.'],
      decided: ['endpoint vendor'],
    });
  });

  it('a recogniser of whole utterances', async () => {
    const story = await Story.begins({}, ({ recogniser, spare }) => {
      recogniser.hearsWholeUtterances();
      spare.recogniser.hearsWholeUtterances();
    });
    story.model.answers('Two pizzas.');
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas, please.', '+1000 agent: Two pizzas.'],
      history: ['user: Two pizzas, please.', 'agent: Two pizzas.'],
      decided: ['endpoint sentence'],
    });
  });

  it('one that dies in the middle of a sentence: another one hears all of it', async () => {
    const story = await Story.begins();
    story.model.answers('Two pizzas.');
    await story.user.says('Two pizzas');
    story.recogniser.dies();
    await story.user.says('with cheese, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: ['user: Two pizzas', '+0 user: with cheese, please.', '+660 agent: Two pizzas.'],
      history: ['user: Two pizzas with cheese, please.', 'agent: Two pizzas.'],
      decided: ['failover speech-to-text', 'endpoint sentence'],
    });
  });

  it('all of them die, and come back', async () => {
    const story = await Story.begins();
    story.recogniser.dies();
    story.spare.recogniser.dies();
    await story.user.pauses(3_000);
    story.recogniser.recovers();
    await story.agent.isHeard('Sorry, I cannot hear you well at the moment. Give me a second.');
    story.model.answers('Two pizzas.');
    await story.user.pauses(1_000);
    await story.user.says('Two pizzas, please.');
    await story.agent.isHeard('Two pizzas.');
    await story.ends({
      heard: [
        'agent: Sorry, I cannot hear you well at the moment. Give me a second. Sorry, I cannot (hear) (you-)',
        '@4740 user: Two pizzas, please.',
        '+640 agent: Two pizzas.',
      ],
      history: [
        'agent: Sorry, I cannot hear you well at the moment. Give me a second.',
        'agent: Sorry, I cannot hear',
        'user: Two pizzas, please.',
        'agent: Two pizzas.',
      ],
      decided: [
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'duck speech',
        'pause speech',
        'interrupt words',
        'endpoint sentence',
      ],
      faults: ['recogniser_failed', 'recogniser_failed', 'recogniser_failed'],
    });
  });

  it('all of them die for good: a polite end', async () => {
    const story = await Story.begins();
    story.recogniser.dies();
    story.spare.recogniser.dies();
    await story.agent.isHeard('I am sorry, this does not work at the moment. Please try again later. Goodbye.');
    await story.ends({
      heard: [
        'agent: Sorry, I cannot hear you well at the moment. Give me a second. I am sorry, this does not work at the moment. Please try again later. Goodbye.',
      ],
      history: [
        'agent: Sorry, I cannot hear you well at the moment. Give me a second.',
        'agent: I am sorry, this does not work at the moment. Please try again later. Goodbye.',
      ],
      decided: [
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
        'failover speech-to-text',
      ],
      faults: ['recogniser_failed', 'recogniser_failed', 'recogniser_failed', 'recogniser_failed', 'recogniser_failed'],
      ended: 'failed',
    });
  });
});
