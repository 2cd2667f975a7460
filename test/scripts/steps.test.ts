import { expect } from 'chai';
import { CommandFailedError, runCommand } from '../../scripts/setup/run-command.mjs';
import { StepFailedError, describeFailure, runSteps } from '../../scripts/setup/steps.mjs';

/** A log, not a screen, that keeps what is written. */
function log() {
  const lines: string[] = [];
  return { lines, terminal: { write: (text: string) => void lines.push(text), rewritesLines: false } };
}

describe('runSteps', () => {
  it('runs what is not done, in order, and says what it does and how long it took', async () => {
    const { lines, terminal } = log();
    const ran: string[] = [];
    await runSteps(
      [
        { name: 'first', isDone: () => false, run: () => Promise.resolve(void ran.push('first')) },
        { name: 'second', isDone: () => true, run: () => Promise.resolve(void ran.push('second')) },
        { name: 'third', isDone: () => false, run: () => Promise.resolve('with a note') },
      ],
      terminal,
    );
    expect(ran).to.deep.equal(['first']);
    expect(lines.join('')).to.match(
      /^parley: first …\nparley: first: done in \d\.\d s\nparley: third …\n.* \(with a note\)\n$/,
    );
  });

  it('stops at the step that fails, names it, and passes the failure on', async () => {
    const { lines, terminal } = log();
    const ran: string[] = [];
    const failure = new StepFailedError('no room', 'make some');
    const outcome = await runSteps(
      [
        { name: 'first', isDone: () => false, run: () => Promise.reject(failure) },
        { name: 'second', isDone: () => false, run: () => Promise.resolve(void ran.push('second')) },
      ],
      terminal,
    ).catch((error: unknown) => error);
    expect(outcome).to.equal(failure);
    expect(ran).to.be.empty;
    expect(lines.at(-1)).to.match(/^parley: first: FAILED after \d\.\d s\n {2}no room\n {2}What to do: make some\n$/);
  });
});

describe('a failure', () => {
  it('shows the end of what the command printed', () => {
    const cause = new CommandFailedError('make', 'exited with 2', 'one\ntwo');
    expect(describeFailure('build', '1.0 s', new StepFailedError('it broke', 'mend it', cause))).to.equal(
      'parley: build: FAILED after 1.0 s\n  | one\n  | two\n  it broke\n  because: make exited with 2\n  What to do: mend it\n',
    );
  });

  it('of a command carries its last lines only', async () => {
    const script = 'for (let line = 1; line <= 100; line++) console.log(line); process.exitCode = 3;';
    const failure = await runCommand(process.execPath, ['-e', script]).catch((error: unknown) => error);
    if (!(failure instanceof CommandFailedError)) throw new Error('it did not fail');
    expect(failure.message).to.match(/ exited with 3$/);
    expect(failure.tail.split('\n')).to.have.lengthOf(25);
    expect(failure.tail).to.match(/^76\n[\s\S]*\n100$/);
  });

  it('of a program that is not there says so', async () => {
    const failure = await runCommand('/nowhere/program', ['--now']).catch(String);
    expect(failure).to.equal('CommandFailedError: /nowhere/program --now could not be started');
  });
});

describe('runCommand', () => {
  it('hands on each line as it comes, of both outputs, and resolves to all of it', async () => {
    const seen: string[] = [];
    const script = "console.error('to one'); console.log('to the other')";
    const printed = await runCommand(process.execPath, ['-e', script], { onLine: (line) => seen.push(line) });
    expect(seen).to.have.members(['to one', 'to the other']);
    expect(printed).to.equal(seen.join('\n'));
  });
});
