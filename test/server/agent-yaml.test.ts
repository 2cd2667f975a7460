import { expect } from 'chai';
import { parseYaml } from '../../server/agent-yaml.ts';

const problemOf = (text: string): string => {
  try {
    parseYaml(text);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('YAML of agents', () => {
  it('is what it says', () => {
    const text = 'a: &a [1, x]\nb: *a\nc: >-\n  folded\n  text\n"d": {e: null}';
    expect(parseYaml(text)).to.deep.equal({ a: [1, 'x'], b: [1, 'x'], c: 'folded text', d: { e: null } });
    expect(parseYaml('')).to.equal(null);
  });

  it('is refused with the place of the mistake', () => {
    expect(problemOf('name: a\ngreeting: [')).to.match(/^is not YAML \(.+ at line 2, column \d+\)$/);
    expect(problemOf('name: a\nname: b')).to.equal('is not YAML (Map keys must be unique at line 2, column 1)');
    expect(problemOf('? [a]\n: b')).to.equal('is not YAML (A key must be a text at line 1, column 3)');
  });

  it('is refused where it is made to keep the reader busy', () => {
    expect(problemOf('? '.repeat(400))).to.include('A key must be a text');
    expect(problemOf(`a: &a [x]\n? *a\n: b`)).to.include('A key must be a text');
    expect(problemOf(`{a: ${'{"po{'.repeat(2_000)}`)).to.include('more than 64 levels');
    expect(problemOf('k: v\n'.repeat(20_000))).to.include('more than 6000 words');
    const doubling = ['a: &a0 [x]', ...Array.from({ length: 30 }, (_, n) => `b${n}: &a${n + 1} [*a${n}, *a${n}]`)];
    expect(problemOf(doubling.join('\n'))).to.include('alias');
    expect(problemOf('- '.repeat(2_900))).to.include('is not YAML');
  });
});
