import { expect } from 'chai';
import { SilenceBridge } from '../../../media/conversation/silence-bridge.ts';

const AT_MS = 10_000;

/** When each of the words is said to a reply of which nothing comes, in ms after the caller's last sound. */
function bridged(bridge: SilenceBridge, untilMs: number, dry = (_ms: number) => true): number[] {
  const times: number[] = [];
  for (let ms = 0; ms <= untilMs; ms += 50) if (bridge.poll(dry(ms), AT_MS + ms) !== undefined) times.push(ms);
  return times;
}

describe('SilenceBridge', () => {
  it('says something 1.4 s after the caller, once more 4 s later, and then no more', () => {
    const bridge = new SilenceBridge();
    bridge.begin(AT_MS, AT_MS + 300);
    expect(bridged(bridge, 20_000)).to.deep.equal([1_400, 5_400]);
  });

  it('counts anew from the last sound of the reply', () => {
    const bridge = new SilenceBridge();
    bridge.begin(AT_MS, AT_MS + 300);
    expect(bridged(bridge, 4_000, (ms) => ms < 1_000 || ms >= 2_000)).to.deep.equal([3_400]);
  });

  it('leaves a reply some time of its own where the turn took long to end', () => {
    const bridge = new SilenceBridge();
    bridge.begin(AT_MS - 2_500, AT_MS);
    expect(bridged(bridge, 1_000)).to.deep.equal([600]);
  });

  it('has nothing to do before a reply, and after it', () => {
    const bridge = new SilenceBridge();
    bridge.begin(AT_MS, AT_MS);
    bridge.end();
    expect(bridge.poll(false, AT_MS + 5_000)).to.equal(undefined);
  });
});
