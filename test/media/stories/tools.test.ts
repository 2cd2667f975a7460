import { expect } from 'chai';
import { Story } from '../../support/story.ts';
import { toolNamed } from '../../support/story/story-tool.ts';

const WITH_TOOL = { tools: [toolNamed('order')] };

const WITH_ORDERS = { tools: [toolNamed('order', { method: 'POST', timeoutMs: 120_000 })] };

describe('Stories of tools', () => {
  it('a quick one is not noticed', async () => {
    const story = await Story.begins(WITH_TOOL);
    story.model.calls('order').answers('It is ordered.');
    await story.user.says('Order it.');
    await story.agent.isHeard('It is ordered.');
    await story.ends({
      heard: ['user: Order it.', '+980 agent: It is ordered.'],
      history: ['user: Order it.', 'agent: It is ordered.'],
      decided: ['endpoint sentence', 'tool order'],
    });
  });

  it('one that takes eight seconds: the silence is filled', async () => {
    const story = await Story.begins(WITH_TOOL);
    story.model.calls('order').answers('It is ordered.');
    story.tool.takes(8_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('It is ordered.');
    await story.ends({
      heard: [
        'user: Order it.',
        '+1405 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+760 agent: It is ordered.',
      ],
      history: ['user: Order it.', 'agent: One moment, please. I am still working on it. It is ordered.'],
      decided: ['endpoint sentence', 'bridge stalled', 'bridge stalled long', 'tool order'],
    });
  });

  it('the model says what it does, and then does it', async () => {
    const story = await Story.begins(WITH_TOOL);
    story.model.calls('order', {}, 'I am ordering it.').answers('Done.');
    story.tool.takes(1_500);
    await story.user.says('Order it.');
    await story.agent.isHeard('Done.');
    await story.ends({
      heard: ['user: Order it.', '+900 agent: I am ordering it.', '+940 agent: Done.'],
      history: ['user: Order it.', 'agent: I am ordering it. Done.'],
      decided: ['endpoint sentence', 'tool order'],
    });
  });

  it('one that fails: the model tells', async () => {
    const story = await Story.begins(WITH_TOOL);
    story.model.calls('order').answers('The kitchen does not answer.');
    story.tool.fails();
    await story.user.says('Order it.');
    await story.agent.isHeard('The kitchen does not answer.');
    await story.ends({
      heard: ['user: Order it.', '+1000 agent: The kitchen does not answer.'],
      history: ['user: Order it.', 'agent: The kitchen does not answer.'],
      decided: ['endpoint sentence', 'tool order'],
    });
  });

  it('the user interrupts while a tool runs, and is answered', async () => {
    const story = await Story.begins(WITH_TOOL);
    story.model.calls('order', {}, 'I am ordering it.').answers('Then I leave it.');
    story.tool.takes(6_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('I am ordering it.');
    await story.user.pauses(600);
    await story.user.says('No, leave it.');
    await story.agent.isHeard('Then I leave it.');
    await story.ends({
      heard: [
        'user: Order it.',
        '+900 agent: I am ordering it.',
        '+620 user: No, leave it.',
        '+650 agent: Then I leave it.',
      ],
      history: ['user: Order it.', 'agent: I am ordering it.', 'user: No, leave it.', 'agent: Then I leave it.'],
      decided: [
        'endpoint sentence',
        'duck speech',
        'pause speech',
        'interrupt words',
        'tool order',
        'endpoint sentence',
      ],
    });
  });

  it('a later turn knows what a tool has done', async () => {
    const story = await Story.begins(WITH_TOOL);
    story.model.calls('order').answers('It is ordered.').answers('You are welcome.');
    await story.user.says('Order it.');
    await story.agent.isHeard('It is ordered.');
    await story.user.says('Thank you.');
    await story.agent.isHeard('You are welcome.');
    expect(story.model.told).to.deep.equal([
      'user: Order it.',
      'tool-calls',
      'tool-result',
      'agent: It is ordered.',
      'user: Thank you.',
    ]);
    await story.ends({
      heard: ['user: Order it.', '+980 agent: It is ordered.', '+20 user: Thank you.', '+660 agent: You are welcome.'],
      history: ['user: Order it.', 'agent: It is ordered.', 'user: Thank you.', 'agent: You are welcome.'],
      decided: ['endpoint sentence', 'tool order', 'endpoint sentence'],
    });
  });

  it('one that takes longer than a reply may otherwise be silent', async () => {
    const story = await Story.begins({ tools: [toolNamed('order', { timeoutMs: 30_000 })] });
    story.model.calls('order').answers('It is ordered.');
    story.tool.takes(15_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('It is ordered.');
    await story.ends({
      heard: [
        'user: Order it.',
        '+1405 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+7760 agent: It is ordered.',
      ],
      history: ['user: Order it.', 'agent: One moment, please. I am still working on it. It is ordered.'],
      decided: ['endpoint sentence', 'bridge stalled', 'bridge stalled long', 'tool order'],
    });
  });

  it('one that does not answer in time: the model tells', async () => {
    const story = await Story.begins(WITH_TOOL);
    story.model.calls('order').answers('The kitchen does not answer.');
    story.tool.takes(60_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('The kitchen does not answer.');
    await story.ends({
      heard: [
        'user: Order it.',
        '+1405 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+2780 agent: The kitchen does not answer.',
      ],
      history: ['user: Order it.', 'agent: One moment, please. I am still working on it. The kitchen does not answer.'],
      decided: ['endpoint sentence', 'bridge stalled', 'bridge stalled long', 'tool order'],
    });
  });

  it('the pod dies in the midst of one, when the silence has been bridged: another one answers what was asked', async () => {
    const story = await Story.begins(WITH_ORDERS);
    story.model.calls('order').answers('I do not know whether it was ordered.');
    story.tool.takes(60_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('One moment, please.');
    await story.pod.dies();
    await story.agent.isHeard('I do not know whether it was ordered.');
    expect(story.model.told).to.deep.equal(['user: Order it.', 'tool-calls', 'tool-result']);
    expect(story.tool.asked).to.have.length(1);
    await story.ends({
      heard: [
        'user: Order it.',
        '+1405 agent: One moment, please.',
        '+1940 agent: I do not know whether it was ordered.',
      ],
      history: ['user: Order it.', 'agent: I do not know whether it was ordered.'],
      decided: ['endpoint sentence', 'bridge stalled'],
    });
  });

  it('the pod dies in the midst of one that the agent had announced: another one tells what came of it', async () => {
    const story = await Story.begins(WITH_ORDERS);
    story.model.calls('order', {}, 'Let me see.').answers('I do not know whether it was ordered.');
    story.tool.takes(60_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('Let me see.');
    await story.user.pauses(500);
    await story.pod.dies();
    await story.agent.isHeard('I do not know whether it was ordered.');
    expect(story.tool.asked).to.have.length(1);
    await story.ends({
      heard: ['user: Order it.', '+880 agent: Let me see.', '+2440 agent: I do not know whether it was ordered.'],
      history: ['user: Order it.', 'agent: I do not know whether it was ordered.'],
      decided: ['endpoint sentence'],
    });
  });

  it('the call is handed over in the midst of one: the other pod answers what was asked', async () => {
    const story = await Story.begins(WITH_ORDERS);
    story.model.calls('order').answers('I do not know whether it was ordered.');
    story.tool.takes(60_000);
    await story.user.says('Order it.');
    await story.agent.isHeard('One moment, please.');
    await story.pod.handsOver();
    await story.agent.isHeard('I do not know whether it was ordered.');
    expect(story.tool.asked).to.have.length(1);
    await story.ends({
      heard: [
        'user: Order it.',
        '+1405 agent: One moment, please.',
        '+4080 agent: I am still working on it.',
        '+2300 agent: I do not know whether it was ordered.',
      ],
      history: [
        'user: Order it.',
        'agent: One moment, please. I am still working on it.',
        'agent: I do not know whether it was ordered.',
      ],
      decided: ['endpoint sentence', 'bridge stalled', 'bridge stalled long'],
    });
  });
});
