import { expect } from 'chai';
import { assert, nat, property } from 'fast-check';
import { CONVERSATION, TalkPattern, type Pattern } from '../../bench/callers/talk-pattern.ts';

const loop = Array.from({ length: 50 }, (_, index) => new Uint8Array(60).fill(index));
const PER_SECOND = 50;

const talk = (pattern: Pattern, seconds: number, seed = 1) => {
  const talking = new TalkPattern(pattern, loop, seed);
  return Array.from({ length: seconds * PER_SECOND }, () => {
    const payload = talking.next();
    return { payload, begins: talking.begins, speech: payload !== undefined && payload.length > 8 };
  });
};

describe('the talk of a caller', () => {
  it('that never stops is one packet of speech after the other', () => {
    const frames = talk({ kind: 'always' }, 10);
    expect(frames.every(({ speech }) => speech)).to.equal(true);
    expect(frames.filter(({ begins }) => begins)).to.have.length(1);
  });

  it('of a conversation fills 45 % of the time, in turns of 2 to 6 s', () => {
    assert(
      property(nat(1000), (seed) => {
        const frames = talk(CONVERSATION, 600, seed);
        const share = frames.filter(({ speech }) => speech).length / frames.length;
        expect(share).to.be.within(0.4, 0.5);
        for (const length of lengthsOf(frames.map(({ speech }) => speech)).slice(0, -1))
          expect(length * 20).to.be.within(2000, 6000);
      }),
      { numRuns: 20 },
    );
  });

  it('sends through a pause what a browser with DTX does: 0.2 s, then one packet in 0.4 s', () => {
    const frames = talk(CONVERSATION, 60);
    const end = frames.findIndex(({ speech }, at) => !speech && frames[at - 1]?.speech);
    const pause = frames.slice(end, end + 110).map(({ payload }) => payload !== undefined);
    expect(pause.slice(0, 10).every(Boolean)).to.equal(true);
    expect(pause.slice(10, 100).filter(Boolean)).to.have.length(4);
  });

  it('sends every frame without DTX', () => {
    const frames = talk({ ...CONVERSATION, dtx: false } as Pattern, 60);
    const first = frames.findIndex(({ begins }) => begins);
    expect(frames.slice(first).every(({ payload }) => payload !== undefined)).to.equal(true);
  });

  it('is the same for the same seed, and another for another one', () => {
    const said = (seed: number) => talk(CONVERSATION, 60, seed).map(({ speech }) => speech);
    expect(said(7)).to.deep.equal(said(7));
    expect(said(7)).to.not.deep.equal(said(8));
  });
});

/** Lengths of the stretches of `true`. */
function lengthsOf(values: boolean[]): number[] {
  const lengths: number[] = [];
  values.forEach((value, index) => {
    if (value && !values[index - 1]) lengths.push(0);
    if (value) lengths[lengths.length - 1]!++;
  });
  return lengths;
}
