import { expect } from 'chai';
import { globSync } from 'node:fs';
import { runLanes, stages } from '../../scripts/setup/test-lanes.mjs';

const filesOf = (patterns: readonly string[]): string[] => globSync([...patterns]);

describe('the lanes of the tests', () => {
  it('have every test file once', () => {
    const run = stages.flat().flatMap(filesOf).sort();
    expect(run).to.deep.equal(globSync('test/**/*.test.ts').sort());
  });

  it('have patterns that mocha reads as this test does: it knows no braces', () => {
    for (const pattern of stages.flat(2)) expect(pattern).to.match(/^test\/[\w-]*(\/\*\*\/)?\*\.test\.ts$/);
  });

  it('run side by side, stage after stage, show the first of each as it comes, and the others after it', async () => {
    const events: string[] = [];
    const status = await runLanes(
      async (patterns, output) => {
        events.push(`start ${patterns[0]} ${output}`);
        await Promise.resolve();
        events.push(`end ${patterns[0]}`);
        return { status: 0, output: output === 'kept' ? 'what was kept' : '' };
      },
      (text) => {
        if (text) events.push(text);
      },
    );
    expect(status).to.equal(0);
    expect(events).to.deep.equal([
      'start test/*.test.ts shown',
      'start test/media/**/*.test.ts kept',
      'start test/fleet/**/*.test.ts kept',
      'end test/*.test.ts',
      'end test/media/**/*.test.ts',
      'end test/fleet/**/*.test.ts',
      'what was kept',
      'what was kept',
      'start test/browser/**/*.test.ts shown',
      'end test/browser/**/*.test.ts',
    ]);
  });

  it('all run though one fails, and the failure is the status', async () => {
    const ran: string[] = [];
    const status = await runLanes(
      async ([first = '']) => {
        ran.push(first);
        return { status: first.includes('media') ? 3 : 0, output: '' };
      },
      () => undefined,
    );
    expect(status).to.equal(3);
    expect(ran).to.have.lengthOf(4);
  });
});
