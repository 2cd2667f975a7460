/** A program on a host of a test's network: what it says is kept, and it can be stopped, continued and ended. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { NetworkHost } from './network-host.ts';

export type HostProcessOptions = {
  program: string;
  args: readonly string[];
  /** The program's whole environment. Default: this process's. */
  environment?: Readonly<Record<string, string | undefined>>;
};

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** How long a program has to say something, or to end: the machine may be busy. */
const PATIENCE_MS = 30_000;

export class HostProcess {
  readonly host: NetworkHost;
  /** What it said on either output, line by line. */
  readonly lines: string[] = [];
  readonly exited: Promise<Exit>;
  readonly #program: string;
  readonly #process: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #exit: Exit | undefined;

  constructor(host: NetworkHost, { program, args, environment }: HostProcessOptions) {
    this.host = host;
    this.#program = `${program} on ${host.name}`;
    this.#process = host.spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(environment && { env: environment }),
    });
    // Read to the end: a program whose output nobody takes comes to a stop.
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        this.#wake();
      });
    }
    // `close` comes after the last line, `exit` need not.
    this.exited = once(this.#process, 'close').then(([code, signal]) => {
      this.#exit = { code: code as number | null, signal: signal as NodeJS.Signals | null };
      this.#wake();
      return this.#exit;
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** The first line that matches, said already or later. Rejects with what it said instead when it ends, or in time. */
  async said(pattern: RegExp, timeoutMs = PATIENCE_MS): Promise<string> {
    const find = () => this.lines.find((line) => pattern.test(line));
    await this.#until(() => find() !== undefined || !this.running, timeoutMs);
    const line = find();
    if (line !== undefined) return line;
    const why = this.running ? `within ${timeoutMs} ms` : 'before it ended';
    throw new Error(`${this.#program} did not say ${pattern.source} ${why}:\n${this.lines.slice(-25).join('\n')}`);
  }

  /** To the program alone; `freeze` reaches its children as well. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Stops everything on its host, as a machine that hangs does. */
  async freeze(): Promise<void> {
    for (const pid of await this.host.pids()) process.kill(pid, 'SIGSTOP');
  }

  async thaw(): Promise<void> {
    for (const pid of await this.host.pids()) process.kill(pid, 'SIGCONT');
  }

  /** Ends it in good order. @throws Error when it has not ended in time; it is killed then */
  async stop(timeoutMs = PATIENCE_MS): Promise<Exit> {
    this.signal('SIGTERM');
    await this.#until(() => !this.running, timeoutMs);
    if (this.running) {
      await this.kill();
      throw new Error(`${this.#program} did not end within ${timeoutMs} ms:\n${this.lines.slice(-25).join('\n')}`);
    }
    return this.exited;
  }

  /** Ends it at once, as a crash does. */
  kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  async #until(condition: () => boolean, timeoutMs: number): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      const timer = setTimeout(settle, timeoutMs);
      const watcher = () => {
        if (condition()) settle();
      };
      this.#watchers.add(watcher);
    });
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
