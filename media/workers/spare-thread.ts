/**
 * A voice worker's thread that has loaded everything and has no place: one that goes is replaced by it without the time
 * that starting takes. There is one for all places of a pool. It needs about 100 MB and no CPU time while it waits.
 */
import { monotonicMs } from '../runtime/clock.ts';
import type { VoiceThread } from './voice-thread.ts';

export type SpareThreadOptions = {
  start: () => VoiceThread;
  /** Silent for longer than this, in ms, it counts as hung. */
  silenceLimitMs: number;
  /** Not ready after this, in ms, it is ended. */
  startLimitMs: number;
  /** Default: 3,000. `never`: there is none. */
  delayMs?: number | 'never';
};

/**
 * Starting takes most of a core for most of a second. A pool that has just been started, or has calls to carry over, has
 * better use for it; and what makes one worker after another exit would have a spare one each time, too.
 */
const DELAY_MS = 3000;

export class SpareThread {
  readonly #options: SpareThreadOptions;
  #timer: NodeJS.Timeout | undefined;
  #thread: VoiceThread | undefined;
  #startedMs = 0;
  #ready = false;
  #closed = false;

  constructor(options: SpareThreadOptions) {
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Has one started in a while, if there is none. */
  order(): void {
    const { delayMs = DELAY_MS } = this.#options;
    if (delayMs === 'never' || this.#closed || this.#thread || this.#timer) return;
    this.#timer = setTimeout(() => this.#start(), delayMs);
    this.#timer.unref();
  }

  /**
   * The thread, which is the caller's from now on; undefined where there is none. One that still starts is ready sooner
   * than one that starts now.
   */
  take(): VoiceThread | undefined {
    this.check();
    const thread = this.#thread;
    this.#forget();
    return thread;
  }

  /** Ends it where it hangs; another one follows. */
  check(): void {
    if (!this.#thread) return;
    const { silenceLimitMs, startLimitMs } = this.#options;
    const nowMs = monotonicMs();
    const hangs = this.#ready ? nowMs - this.#thread.heardMs > silenceLimitMs : nowMs - this.#startedMs > startLimitMs;
    if (hangs) this.#end(this.#thread);
  }

  /** The main thread itself stood still for so long, in ms: that is not this one's fault. */
  forgive(stallMs: number): void {
    this.#startedMs += stallMs;
    if (this.#thread) this.#thread.heardMs += stallMs;
  }

  /** @returns whether it was this one that exited; another one follows. */
  exited(thread: VoiceThread): boolean {
    if (thread !== this.#thread) return false;
    this.#forget();
    this.order();
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#thread?.close();
  }

  #start(): void {
    this.#timer = undefined;
    const thread = this.#options.start();
    this.#thread = thread;
    this.#startedMs = monotonicMs();
    thread.ready().then(
      () => {
        if (thread === this.#thread) this.#ready = true;
      },
      // Its exit is told of, too.
      () => undefined,
    );
  }

  #end(thread: VoiceThread): void {
    this.#forget();
    thread.kill('it did not answer');
    this.order();
  }

  #forget(): void {
    this.#thread = undefined;
    this.#ready = false;
  }
}
