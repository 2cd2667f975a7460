import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

type Outcome = { code: number | null; lines: Record<string, unknown>[]; errors: string };

/** Where the set-up has put mediasoup's worker. */
const { MEDIASOUP_WORKER_BIN } = process.env;
const worker = MEDIASOUP_WORKER_BIN === undefined ? {} : { MEDIASOUP_WORKER_BIN };

/** Runs the program with this environment alone. `onLine` may send it a signal. */
const run = async (
  environment: Record<string, string>,
  onLine: (message: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Outcome> => {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...worker, ...environment },
  });
  const lines: Record<string, unknown>[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    onLine(String(line['msg']), (signal) => child.kill(signal));
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, lines, errors };
};

describe('the program', function () {
  // A whole server starts in a process of its own.
  this.timeout(60_000);

  it('names all that is wrong with its environment, in words, and fails', async () => {
    const { code, lines, errors } = await run({ PORT: 'x', LOG_LEVEL: 'loud', TOKEN_SECRET: 'short-secret' });
    expect(code).to.equal(1);
    expect(lines).to.deep.equal([]);
    expect(errors.trim().split('\n')).to.have.lengthOf(4);
    expect(errors).to.include('PORT=x').and.include('LOG_LEVEL=loud').and.not.include('short-secret');
  });

  it('names agents that cannot be used, and fails', async () => {
    const { code, errors } = await run({ PORT: '0', AGENTS_DIR: '/nowhere' });
    expect(code).to.equal(1);
    expect(errors).to.include('/nowhere').and.not.include('    at ');
  });

  it('does not start where journals could not be written', async () => {
    const { code, errors } = await run({ PORT: '0', JOURNAL_DIR: '/dev/null/journals' });
    expect(code).to.equal(1);
    expect(errors).to.match(/^JOURNAL_DIR=\/dev\/null\/journals: cannot be written \(\w+\)\. Set it to a folder/);
  });

  it('says where it is, and closes at a signal', async () => {
    const { code, lines, errors } = await run(
      { PORT: '0', MEDIA_WORKERS: '1', WORKER_POOL_SIZE: '1' },
      (message, kill) => {
        if (message.includes('is ready')) kill('SIGTERM');
      },
    );
    expect(errors).to.equal('');
    expect(code).to.equal(0);
    const messages = lines.map(({ msg }) => String(msg)).join('\n');
    expect(messages).to.match(/open http:\/\/localhost:\d+/);
    expect(messages).to.include('API_KEYS is not set').and.include('SIGTERM: closing');
  });
});
