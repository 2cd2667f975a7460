import { expect } from 'chai';
import { scaleOf } from '../../web/src/waterfall-scale.ts';
import type { TurnPicture } from '../../web/src/waterfall-model.ts';

const picture: TurnPicture = {
  turnId: 't2',
  user: { startMs: 1000, endMs: 2000, typed: false },
  timings: { endOfSpeechMs: 2000, endpointMs: 2500, firstPacketMs: 3000 },
  agent: { startMs: 3000, endMs: 9000 },
  decisions: [{ decision: 'duck', reason: 'speech', inputs: {}, atMs: 8000 }],
};

describe('the scale of a waterfall', () => {
  it('gives most of its width to the delay, and keeps the order of time', () => {
    const { zones, x } = scaleOf(picture, 0);
    expect(zones.delay.width).to.be.above(zones.before.width + zones.after.width);
    const moments = [-1000, -500, 0, 500, 1000, 3000, 6000, 7000].map(x);
    expect(moments).to.deep.equal(moments.toSorted((left, right) => left - right));
    expect(moments[0]).to.equal(0);
    expect(moments.at(-1)).to.be.closeTo(100, 1e-9);
  });

  it('has no zone for what did not happen', () => {
    const typed: TurnPicture = {
      turnId: 't3',
      user: { startMs: 1, endMs: 1, typed: true },
      timings: {},
      decisions: [],
    };
    const { zones, x } = scaleOf(typed, 0);
    expect([zones.before.width, zones.delay.width, zones.after.width]).to.deep.equal([0, 100, 0]);
    expect(x(0)).to.equal(0);
  });

  it('goes on with a voice that lasts', () => {
    const lasting = { ...picture, agent: { startMs: 3000, endMs: undefined }, decisions: [] };
    expect(scaleOf(lasting, 12_000).zones.after.toMs).to.equal(10_000);
  });

  it('marks round numbers, and few of them', () => {
    expect(scaleOf(picture, 0).ticks).to.deep.equal([0, 500, 1000]);
    const long = { ...picture, timings: { endOfSpeechMs: 2000, endpointMs: 14_000 } };
    expect(scaleOf(long, 0).ticks).to.deep.equal([0, 5000, 10_000]);
  });
});
