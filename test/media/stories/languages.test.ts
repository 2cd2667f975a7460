import { Story } from '../../support/story.ts';

const GERMAN = { language: 'de-DE' };
const LIST = 'Wir haben Pizza, Salat, Nudeln, Suppe, Eis und Kuchen.';

describe('Stories in German', () => {
  it('listening sounds let the agent go on', async () => {
    const story = await Story.begins(GERMAN);
    story.model.answers(LIST);
    await story.user.says('Was haben Sie?');
    await story.agent.speaksFor(700);
    await story.user.says('Ja, genau.');
    await story.agent.isHeard('Kuchen.');
    await story.ends({
      heard: [
        'user: Was haben Sie?',
        '+660 agent: Wir haben Pizza, (Salat,-)',
        '@700 user: Ja, genau.',
        '+440 agent: Salat, Nudeln, Suppe, Eis und Kuchen.',
      ],
      history: ['user: Was haben Sie?', `agent: ${LIST}`],
    });
  });

  it('“einen Moment” stops it', async () => {
    const story = await Story.begins(GERMAN);
    story.model.answers(LIST).answers('Gern.');
    await story.user.says('Was haben Sie?');
    await story.user.interruptsAfter(700, 'Einen Moment bitte.');
    await story.agent.isHeard('Gern.');
    await story.ends({
      heard: [
        'user: Was haben Sie?',
        '+660 agent: Wir haben Pizza, (Salat,-)',
        '@700 user: Einen Moment bitte.',
        '+620 agent: Gern.',
      ],
      history: ['user: Was haben Sie?', 'agent: Wir haben Pizza,', 'user: Einen Moment bitte.', 'agent: Gern.'],
    });
  });

  it('a sentence that goes on is waited for', async () => {
    const story = await Story.begins(GERMAN);
    story.model.answers('Gern.');
    await story.user.says('Ich hätte gern zwei Pizzen und');
    await story.user.pauses(1_500);
    await story.user.says('einen Salat.');
    await story.agent.isHeard('Gern.');
    await story.ends({
      heard: ['user: Ich hätte gern zwei Pizzen und', '+1500 user: einen Salat.', '+640 agent: Gern.'],
      history: ['user: Ich hätte gern zwei Pizzen und einen Salat.', 'agent: Gern.'],
    });
  });

  it('what fails is apologised for', async () => {
    const story = await Story.begins(GERMAN);
    story.model.fails().fails();
    story.spare.model.fails().fails();
    await story.user.says('Was haben Sie?');
    await story.user.pauses(4_000);
    const farewell =
      'Es tut mir leid, das geht im Moment nicht. Bitte versuchen Sie es später noch einmal. Auf Wiederhören.';
    await story.ends({
      heard: ['user: Was haben Sie?', `+620 agent: Entschuldigung, einen Moment bitte. ${farewell}`],
      history: ['user: Was haben Sie?', 'agent: Entschuldigung, einen Moment bitte.', `agent: ${farewell}`],
      faults: ['reply_failed', 'reply_failed'],
      ended: 'failed',
    });
  });
});
