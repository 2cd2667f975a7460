/** Whether anything of a client arrives, by a counter of bytes that grows with whatever it sends. */
import { setTimeout as wait } from 'node:timers/promises';

export type MediaArrivalOptions = {
  /** Bytes received so far. */
  read: () => Promise<number>;
  now: () => number;
};

/** Twice what Chromium leaves between two packets of a silent microphone (DTX), 400 ms. */
const LONGEST_SILENCE_MS = 800;
const LOOK_EVERY_MS = 50;
/** Clients without a microphone send ICE checks and receiver reports only: Chromium a check every 2.5 s. */
const SAMPLE_EVERY_MS = 1000;
const LONGEST_SILENCE_WITHOUT_MICROPHONE_MS = 3500;

export class MediaArrival {
  readonly #options: MediaArrivalOptions;
  #bytes = 0;
  #grownAtMs: number;
  #sampler: NodeJS.Timeout | undefined;

  constructor(options: MediaArrivalOptions) {
    this.#options = options;
    this.#grownAtMs = options.now();
  }

  /** The client has no microphone: what arrives is too rare to be waited for, and is looked at all the time. */
  watch(): void {
    this.#sampler ??= setInterval(() => void this.#look().catch(() => undefined), SAMPLE_EVERY_MS);
    this.#sampler.unref();
  }

  /** Looks for up to 800 ms. A counter that cannot be read has stopped. */
  async isFlowing(signal: AbortSignal): Promise<boolean> {
    const { now } = this.#options;
    const untilMs = now() + LONGEST_SILENCE_MS;
    try {
      await this.#look();
      if (this.#sampler && now() - this.#grownAtMs < LONGEST_SILENCE_WITHOUT_MICROPHONE_MS) return true;
      while (now() < untilMs) {
        await wait(LOOK_EVERY_MS, undefined, { signal });
        if (await this.#look()) return true;
      }
    } catch {
      signal.throwIfAborted();
    }
    return false;
  }

  close(): void {
    clearInterval(this.#sampler);
  }

  async #look(): Promise<boolean> {
    const bytes = await this.#options.read();
    const grew = bytes > this.#bytes;
    if (grew) this.#grownAtMs = this.#options.now();
    this.#bytes = bytes;
    return grew;
  }
}
