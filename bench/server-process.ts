/** The server as people start it, in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export class ServerProcess {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  /**
   * Starts it on a free port of loopback. Rejects with what it said when it cannot be started.
   * @param environment beside this process's own
   */
  static async start(environment: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const main = fileURLToPath(new URL('../server/main.ts', import.meta.url));
    const env = { ...process.env, ...environment, PORT: '0', LOG_LEVEL: 'info', DRAIN_TIMEOUT_MS: '0' };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => said.push(line));
    }
    const url = await Promise.race([
      readyUrl(child),
      once(child, 'exit').then(() => Promise.reject(new Error(`the server did not start:\n${said.join('\n')}`))),
    ]);
    return new ServerProcess(child, url);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exited;
  }
}

async function readyUrl({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout! })) {
    const url = /Parley is ready: open (http[^\s"]+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('the server ended before it was ready');
}
