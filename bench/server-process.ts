/** The server as people start it, in a process of its own. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ANSWER_MS = 30_000;
const MAIN = new URL('../server/main.ts', import.meta.url);

export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  /**
   * Starts it on a free port of loopback. Rejects with what it said when it cannot be started.
   * @param environment settings beside the process's own
   * @param main another program that starts the server and can be told things (`tell`)
   */
  static async start(environment: NodeJS.ProcessEnv = {}, main = MAIN): Promise<ServerProcess> {
    const env = { ...process.env, PORT: '0', LOG_LEVEL: 'info', DRAIN_TIMEOUT_MS: '0', ...environment };
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(main === MAIN ? [] : ['ipc' as const])];
    // As `npm start` starts it.
    const child = spawn(process.execPath, ['--max-semi-space-size=16', fileURLToPath(main)], { env, stdio });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream! }).on('line', (line) => said.push(line));
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

  /** The text of `/metrics`, for a server without API keys. */
  async metrics(): Promise<string> {
    return (await fetch(new URL('/metrics', this.url))).text();
  }

  /** For a program that is not the plain server. */
  tell(message: object): void {
    this.#process.send(message);
  }

  /** As `tell`, for what is answered by one message. */
  async ask<Answer>(message: object): Promise<Answer> {
    const answered = once(this.#process, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
    this.tell(message);
    return ((await answered) as [Answer])[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
  // It has ended; whoever waits for that tells what it said.
  return Promise.withResolvers<string>().promise;
}
