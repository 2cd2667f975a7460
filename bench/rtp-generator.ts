/** The process that sends the callers' RTP, seen from the measurement. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type ToGenerator =
  | {
      type: 'start';
      port: number;
      calls: number;
      /** Of the first caller; the others' follow. */
      firstSsrc: number;
      payloadType: number;
    }
  | { type: 'report' }
  | { type: 'stop' };

/** Since the report before. The first one comes unasked, when the callers' speech is made. */
export type FromGenerator = { sent: number; failed: number; lateP99Ms: number; lateMaxMs: number };

export class RtpGenerator {
  readonly #process: ChildProcess;

  private constructor() {
    const file = fileURLToPath(new URL('./rtp-generator-process.ts', import.meta.url));
    this.#process = fork(file);
  }

  static async launch(): Promise<RtpGenerator> {
    const generator = new RtpGenerator();
    await once(generator.#process, 'message');
    return generator;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  start(options: Omit<Extract<ToGenerator, { type: 'start' }>, 'type'>): void {
    this.#tell({ type: 'start', ...options });
  }

  /** What it did since this was last asked. */
  async report(): Promise<FromGenerator> {
    const answered = once(this.#process, 'message');
    this.#tell({ type: 'report' });
    const [report] = (await answered) as [FromGenerator];
    return report;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || !this.#process.connected) return;
    const exited = once(this.#process, 'exit');
    this.#tell({ type: 'stop' });
    await exited;
  }

  #tell(message: ToGenerator): void {
    this.#process.send(message);
  }
}
