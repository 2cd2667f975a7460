import { expect } from 'chai';
import { globSync } from 'node:fs';
import { stages } from '../../scripts/setup/test-lanes.mjs';

const filesOf = (patterns: readonly string[]): string[] => globSync([...patterns]);

describe('the lanes of the tests', () => {
  it('have every test file once', () => {
    const run = stages
      .flat()
      .flatMap(({ patterns }) => filesOf(patterns))
      .sort();
    expect(run).to.deep.equal(globSync('test/**/*.test.ts').sort());
  });

  it('have patterns that mocha reads as this test does: it knows no braces', () => {
    for (const pattern of stages.flat().flatMap(({ patterns }) => patterns)) {
      expect(pattern).to.match(/^test\/([\w-]+\/)?([\w-]+\/|\*\/)?(\*\*\/)?[\w*!()[\]-]+\.test\.ts$/);
    }
  });
});
