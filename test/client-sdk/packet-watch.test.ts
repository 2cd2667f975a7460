import { expect } from 'chai';
import { PacketWatch } from '../../client-sdk/src/packet-watch.ts';
import type { PacketVerdict } from '../../client-sdk/src/packet-watch.ts';

/** Looks every 250 ms from `fromMs`; `packetsAt` says how many packets have arrived by then. */
function watch(watched: PacketWatch, fromMs: number, toMs: number, packetsAt: (nowMs: number) => number) {
  const verdicts: [number, PacketVerdict][] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 250) {
    const verdict = watched.look(packetsAt(nowMs), nowMs);
    if (verdict) verdicts.push([nowMs, verdict]);
  }
  return verdicts;
}

describe('PacketWatch', () => {
  it('says when it would suspect something, once', () => {
    const watched = new PacketWatch();
    expect(watched.suspicionDueMs).to.equal(undefined);
    watched.look(5, 1000);
    watched.look(5, 1200);
    expect(watched.suspicionDueMs).to.equal(1500);
    expect(watched.look(5, 1500)).to.deep.equal({ suspectedMs: 500 });
    expect(watched.suspicionDueMs).to.equal(undefined);
    watched.look(6, 1600);
    expect(watched.suspicionDueMs).to.equal(2100);
  });

  it('is content with one packet each 400 ms', () => {
    expect(watch(new PacketWatch(), 0, 10_000, (nowMs) => Math.floor(nowMs / 400))).to.deep.equal([]);
  });

  it('knows when it last found packets, also over a change of the connection', () => {
    const watched = new PacketWatch();
    watched.look(0, 1000);
    expect(watched.heardMs).to.equal(undefined);
    watched.look(5, 1200);
    watched.look(5, 1400);
    expect(watched.heardMs).to.equal(1200);
    watched.restart(1500);
    watched.look(0, 1600);
    expect(watched.heardMs).to.equal(1200);
    watched.look(1, 1800);
    expect(watched.heardMs).to.equal(1800);
  });

  it('suspects once, when a packet is late, and tells after each further second and when they are back', () => {
    const verdicts = watch(new PacketWatch(), 0, 6000, (nowMs) => (nowMs < 1000 || nowMs > 4500 ? nowMs / 20 : 45));
    expect(verdicts).to.deep.equal([
      [1500, { suspectedMs: 500 }],
      [2000, { silentMs: 1000 }],
      [3000, { silentMs: 2000 }],
      [4000, { silentMs: 3000 }],
      [4750, { backAfterMs: 3750 }],
    ]);
  });

  it('counts a silence from the first look when nothing ever arrives', () => {
    expect(watch(new PacketWatch(), 500, 1500, () => 0)).to.deep.equal([
      [1000, { suspectedMs: 500 }],
      [1500, { silentMs: 1000 }],
    ]);
  });

  it('says nothing more of a suspicion that came to nothing, and suspects anew', () => {
    const packetsAt = (nowMs: number): number => [0, 700, 1400].filter((atMs) => atMs <= nowMs).length;
    expect(watch(new PacketWatch(), 0, 2000, packetsAt)).to.deep.equal([
      [500, { suspectedMs: 500 }],
      [1250, { suspectedMs: 500 }],
      [2000, { suspectedMs: 500 }],
    ]);
  });

  it('gives another connection its time, and measures the silence from its beginning', () => {
    const watched = new PacketWatch();
    watch(watched, 0, 1250, () => 25);
    watched.restart(1500);
    expect(watch(watched, 1500, 2250, () => 0)).to.deep.equal([[2000, { suspectedMs: 500 }]]);
    expect(watched.look(1, 2300)).to.deep.equal({ backAfterMs: 2300 });
  });

  it('concludes nothing from the time in which the machine slept', () => {
    const watched = new PacketWatch();
    watch(watched, 0, 250, () => 25);
    expect(watched.look(25, 60_000)).to.equal(undefined);
    expect(watched.look(25, 60_400)).to.equal(undefined);
    expect(watched.look(25, 60_900)).to.deep.equal({ suspectedMs: 900 });
    expect(watched.look(25, 61_000)).to.deep.equal({ silentMs: 1000 });
  });
});
