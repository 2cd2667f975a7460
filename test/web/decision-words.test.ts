import { expect } from 'chai';
import type { Decision } from '../../client-sdk/src/types.ts';
import { wordsOfDecision } from '../../web/src/decision-words.ts';

function words(decision: string, reason: string, inputs: Decision['inputs'] = {}): string {
  const { what, why } = wordsOfDecision({ decision, reason, inputs, atMs: 0 });
  return `${what}: ${why}`;
}

describe('the words for a decision', () => {
  it('say why a turn was taken as ended', () => {
    expect(words('endpoint', 'sentence', { endpointingMs: 320 })).to.equal(
      'Your turn is over: the sentence was complete, and you were silent for 320 ms',
    );
    expect(words('endpoint', 'pause', { endpointingMs: 550 })).to.include('you were silent for 550 ms');
  });

  it('say what the caller’s voice or words did to the agent’s', () => {
    expect(words('duck', 'speech', { speechMs: 96 })).to.equal('Lowers its voice: you had spoken for 96 ms');
    expect(words('interrupt', 'words', { words: 'stop' })).to.equal('Gives you the floor: you told it to stop');
    expect(words('resume', 'speech', { silenceMs: 400 })).to.equal('Goes on: you were silent again for 400 ms');
  });

  it('say which provider failed, and how', () => {
    expect(
      words('failover', 'language-model', {
        provider: 'openai/x',
        code: 'vendor_failed',
        afterMs: 210,
        delivered: 'none',
      }),
    ).to.equal('Switches to another language model: openai/x: vendor failed after 210 ms');
  });

  it('say what a tool did', () => {
    expect(words('tool', 'weather', { tookMs: 120 })).to.equal('Uses the tool “weather”: it took 120 ms');
    expect(words('tool', 'weather', { tookMs: 120, error: 'timed_out' })).to.include(
      'it failed after 120 ms (timed out)',
    );
  });

  it('show decisions that this page does not know as the server names them', () => {
    expect(words('transfer', 'asked for')).to.equal('Transfer: asked for');
  });
});
