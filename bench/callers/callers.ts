/**
 * Callers that are real but for their browser, hundreds of them in a process of their own:
 *
 *   const callers = await Callers.launch({ core: 1 });
 *   callers.arrive({ url: 'http://127.0.0.1:3000', pattern: CONVERSATION, calls: 50, perSecond: 10 });
 *   await callers.standing(50);
 *   await callers.report();                       // begins a stretch
 *   const report = await callers.report();        // what happened in it; `voidReasons` tells whether it counts
 *   callers.leave(50);
 *   await callers.close();
 *
 * What one costs is in bench/README.md.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pin } from '../process-usage.ts';
import type { Arrival, Arrivals, CallersReport, FromCallers, ToCallers } from './messages.ts';

export type CallersOptions = {
  /** The core that they are kept on; absent: any. */
  core?: number | undefined;
};

const FILE = fileURLToPath(new URL('./callers-process.ts', import.meta.url));
const LEAVE_PER_SECOND = 50;
const STANDING_PATIENCE_MS = 60_000;
const LOOK_MS = 250;

export class Callers {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<CallersReport>>();
  #nextId = 1;
  /** Arrivals that were told of in `standing`; the next `report` has them, too. */
  #early: Arrival[] = [];

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (message: FromCallers) => {
      if (message.type !== 'report') return;
      this.#waiting.get(message.id)?.resolve(message.report);
      this.#waiting.delete(message.id);
    });
    process.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process of the callers is gone'));
    });
  }

  /** Starts their process; resolves when what they will say is encoded. */
  static async launch({ core }: CallersOptions = {}): Promise<Callers> {
    const child = fork(FILE, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    const callers = new Callers(child);
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the callers could not be started'))),
    ]);
    if (core !== undefined) await pin(child.pid!, core);
    return callers;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Callers come from now on; those that were told of before still do. */
  arrive(arrivals: Arrivals): void {
    this.#tell({ type: 'arrive', ...arrivals });
  }

  /** Those that have not come yet do not come. */
  turnAway(): void {
    this.#tell({ type: 'turn-away' });
  }

  /** Those that came first hang up. */
  leave(calls: number, perSecond = LEAVE_PER_SECOND): void {
    this.#tell({ type: 'leave', calls, perSecond });
  }

  /** What happened since this was asked last. */
  async report(): Promise<CallersReport> {
    const report = await this.#ask();
    report.arrivals.unshift(...this.#early);
    this.#early = [];
    return report;
  }

  /**
   * Waits until so many callers have media.
   * @returns how many have, which are fewer where time is over or no more are on their way
   */
  async standing(calls: number, patienceMs = STANDING_PATIENCE_MS): Promise<number> {
    const endMs = performance.now() + patienceMs;
    for (;;) {
      const { live, arrivals } = await this.#ask();
      this.#early.push(...arrivals);
      if (live >= calls || performance.now() > endMs) return live;
      await pause(LOOK_MS);
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || !this.#process.connected) return;
    const exited = once(this.#process, 'exit');
    this.#tell({ type: 'stop' });
    await exited;
  }

  #ask(): Promise<CallersReport> {
    const id = this.#nextId++;
    const answered = Promise.withResolvers<CallersReport>();
    this.#waiting.set(id, answered);
    this.#tell({ type: 'report', id });
    return answered.promise;
  }

  #tell(message: ToCallers): void {
    this.#process.send(message);
  }
}
