import { expect } from 'chai';
import { AbsentPods } from '../../signalling/absent-pods.ts';
import { isAbsenceCertain, WRITE_BACK_MS } from '../../signalling/certain-absence.ts';

describe('that there is no such session', () => {
  const nobody = { absent: () => [] };

  it('is certain once owners have had the time to write back what they hold, and nobody is missing', () => {
    expect(isAbsenceCertain({ steadySince: 1_000 }, nobody, 1_000 + WRITE_BACK_MS)).to.equal(true);
    expect(isAbsenceCertain({ steadySince: 1_000 }, nobody, 999 + WRITE_BACK_MS)).to.equal(false);
    expect(isAbsenceCertain({ steadySince: undefined }, nobody, 1_000_000)).to.equal(false);
  });

  it('is not while a pod is missing that may hold it', () => {
    expect(isAbsenceCertain({ steadySince: 0 }, { absent: () => ['ada'] }, 1_000_000)).to.equal(false);
  });
});

describe('pods that are missing', () => {
  const minute = 60_000;

  it('are those heard of not long ago that are not there now', () => {
    const pods = new AbsentPods();
    pods.heard('ada', 0);
    pods.heard('bob', 0);
    expect(pods.list(new Set(['ada', 'bob']), 0, 1_000)).to.deep.equal([]);
    expect(pods.list(new Set(['bob']), 0, 1_000)).to.deep.equal(['ada']);
  });

  it('are none that said that they close', () => {
    const pods = new AbsentPods();
    pods.heard('ada', 0);
    pods.closed('ada');
    expect(pods.list(new Set(), 0, 1_000)).to.deep.equal([]);
  });

  it('are taken for dead after a minute in which they could have been heard', () => {
    const pods = new AbsentPods();
    pods.heard('ada', 0);
    expect(pods.list(new Set(), undefined, 10 * minute), 'Redis was away').to.deep.equal(['ada']);
    expect(pods.list(new Set(), 10 * minute, 11 * minute - 1)).to.deep.equal(['ada']);
    expect(pods.list(new Set(), 10 * minute, 11 * minute)).to.deep.equal([]);
  });
});
