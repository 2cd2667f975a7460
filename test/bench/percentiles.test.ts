import { expect } from 'chai';
import { median, percentile, summarise } from '../../bench/percentiles.ts';

describe('percentiles', () => {
  it('are values that were measured, by nearest rank', () => {
    const values = [50, 15, 40, 20, 35];
    expect(percentile(values, 0.3)).to.equal(20);
    expect(percentile(values, 0.4)).to.equal(20);
    expect(percentile(values, 0.5)).to.equal(35);
    expect(percentile(values, 1)).to.equal(50);
    expect(percentile(values, 0)).to.equal(15);
  });

  it('leave the values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).to.deep.equal([3, 1, 2]);
  });

  it('do not exist without values', () => {
    expect(median([])).to.be.NaN;
  });

  it('sort by size, not by spelling', () => {
    expect(median([9, 10, 100])).to.equal(10);
  });
});

describe('a summary', () => {
  it('holds what at most a twentieth, a hundredth and none of the values exceed', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(summarise(values)).to.deep.equal({ count: 200, p50: 100, p95: 190, p99: 198, max: 200 });
  });

  it('leaves out what could not be measured', () => {
    expect(summarise([NaN, 4, NaN, 2])).to.include({ count: 2, p50: 2, max: 4 });
  });
});
