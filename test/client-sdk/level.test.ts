import { expect } from 'chai';
import { meterLevel, rootMeanSquare } from '../../client-sdk/src/level.ts';

describe('levels for meters', () => {
  it('measures the root mean square', () => {
    expect(rootMeanSquare(new Float32Array([0.5, -0.5, 0.5, -0.5]))).to.equal(0.5);
    expect(rootMeanSquare(new Float32Array())).to.equal(0);
  });

  it('rests at 0 in a quiet room and is full for loud speech', () => {
    expect(meterLevel(0)).to.equal(0);
    expect(meterLevel(0.0009)).to.equal(0);
    expect(meterLevel(0.3)).to.equal(1);
    expect(meterLevel(1)).to.equal(1);
  });

  it('goes in even steps of decibels', () => {
    const levels = [-48, -36, -24].map((db) => meterLevel(10 ** (db / 20)));
    expect(levels.map((level) => Math.round(level * 100))).to.deep.equal([25, 50, 75]);
  });
});
