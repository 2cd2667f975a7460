import { expect } from 'chai';
import { show, table } from '../../bench/table.ts';

describe('a table', () => {
  it('puts names to the left and numbers to the right', () => {
    const text = table([
      ['ms', 'p50', 'max'],
      ['greeting', 12, 3456],
      ['end', 9.876, 1],
    ]);
    expect(text.split('\n')).to.deep.equal([
      'ms         p50    max',
      '─────────────────────',
      'greeting    12  3,456',
      'end       9.88      1',
    ]);
  });

  it('is empty without rows', () => {
    expect(table([])).to.equal('\n');
  });
});

describe('a cell', () => {
  it('has three digits that count, and whole numbers whole', () => {
    expect([0.01234, 0.1234, 1.234, 12.34, 123.4, 1234.5, 7].map(show)).to.deep.equal([
      '0.012',
      '0.12',
      '1.23',
      '12.3',
      '123',
      '1,235',
      '7',
    ]);
  });

  it('shows a dash for what could not be measured', () => {
    expect([NaN, Infinity].map(show)).to.deep.equal(['–', '–']);
  });
});
