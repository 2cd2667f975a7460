import { Story } from '../../support/story.ts';
import { toolNamed } from '../../support/story/story-tool.ts';

describe('Stories of what fails', () => {
  it('the voice dies in the middle of a word: another one goes on', async () => {
    const story = await Story.begins();
    story.model.answers('One two three four five six.');
    story.voice.diesAfter(2);
    await story.user.says('Please count.');
    await story.agent.isHeard('One two three four five six.');
    await story.ends({
      heard: ['user: Please count.', '+700 agent: One two three- three four five six.'],
      history: ['user: Please count.', 'agent: One two three four five six.'],
      decided: ['endpoint sentence', 'failover text-to-speech'],
    });
  });

  it('a tool takes eight seconds: the silence is filled', async () => {
    const story = await Story.begins({ tools: [toolNamed('order')] });
    story.model.calls('order').answers('It is ordered.');
    story.tool.takes(8_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('One moment, please. I am still working on it. It is ordered.');
    await story.ends({
      heard: [
        'user: Order it.',
        '+1440 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+720 agent: It is ordered.',
      ],
      history: ['user: Order it.', 'agent: One moment, please. I am still working on it. It is ordered.'],
    });
  });
});
