/** Gathers the windows of all calls of a voice worker and runs them through the model together. */
import { MAX_BATCH, SileroStream, WINDOW_SAMPLES, type Silero } from './silero.ts';

/**
 * Least time between two runs while windows are waiting. A run costs about 60 µs plus 30 µs a window: at 2 ms a lone
 * call is answered at once, and 300 calls share some 20 windows a run. Larger: later verdicts; smaller: more runs.
 */
const RUN_INTERVAL_MS = 2;

/** Told the probability of speech of one window. `endMs`: when the window's last sample was captured. */
export type VerdictSink = (probability: number, endMs: number, queuedMs: number) => void;

/** One call's place in the batcher: the model's memory of its audio, and who is told. */
export class VadStream {
  readonly silero = new SileroStream();
  readonly onVerdict: VerdictSink;
  closed = false;

  constructor(onVerdict: VerdictSink) {
    this.onVerdict = onVerdict;
  }
}

type Queued = { stream: VadStream; window: Float32Array; endMs: number; queuedMs: number };

export class VadBatcher {
  readonly #silero: Silero;
  readonly #now: () => number;
  readonly #onFault: (fault: unknown) => void;
  readonly #windows = new Float32Array(MAX_BATCH * WINDOW_SAMPLES);
  readonly #probabilities = new Float32Array(MAX_BATCH);
  readonly #streams: SileroStream[] = [];
  readonly #batch: Queued[] = [];
  #queue: Queued[] = [];
  /** Spent entries, used again so that a window leaves no garbage. */
  readonly #spare: Queued[] = [];
  #running = false;
  #lastRunMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Windows and runs so far; their ratio is the mean batch. */
  windows = 0;
  runs = 0;

  constructor(silero: Silero, now: () => number, onFault: (fault: unknown) => void) {
    this.#silero = silero;
    this.#now = now;
    this.#onFault = onFault;
  }

  /** Queues one window (512 samples, copied). Windows of one stream are answered in order, one a run. */
  add(stream: VadStream, window: Float32Array, endMs: number): void {
    const entry = this.#spare.pop() ?? { stream, window: new Float32Array(WINDOW_SAMPLES), endMs, queuedMs: 0 };
    entry.stream = stream;
    entry.window.set(window);
    entry.endMs = endMs;
    entry.queuedMs = this.#now();
    this.#queue.push(entry);
    this.#schedule();
  }

  get waiting(): number {
    return this.#queue.length;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #schedule(): void {
    if (this.#running || this.#closed || this.#timer) return;
    const waitMs = this.#lastRunMs + RUN_INTERVAL_MS - this.#now();
    if (waitMs <= 0 || this.#queue.length >= MAX_BATCH / 2) void this.#run();
    else this.#timer = setTimeout(this.#onTimer, waitMs);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (!this.#running && !this.#closed) void this.#run();
  };

  async #run(): Promise<void> {
    this.#running = true;
    this.#lastRunMs = this.#now();
    // The model runs one turn of the event loop later, so packets that are being read now still get into this batch.
    await new Promise<void>((resolve) => setImmediate(resolve));
    try {
      const count = this.#take();
      if (count > 0) await this.#silero.run(this.#streams, this.#windows, count, this.#probabilities);
      this.#answer(count);
    } catch (fault) {
      this.#onFault(fault);
    } finally {
      this.#running = false;
      if (this.#queue.length > 0) this.#schedule();
    }
  }

  /** Takes the oldest windows, at most one a stream: a second one needs the state that the first leaves. */
  #take(): number {
    let count = 0;
    let kept = 0;
    for (const entry of this.#queue) {
      if (entry.stream.closed) this.#spare.push(entry);
      else if (count < MAX_BATCH && !this.#streams.includes(entry.stream.silero)) {
        this.#windows.set(entry.window, count * WINDOW_SAMPLES);
        this.#streams[count] = entry.stream.silero;
        this.#batch[count++] = entry;
      } else this.#queue[kept++] = entry;
    }
    this.#queue.length = kept;
    return count;
  }

  #answer(count: number): void {
    this.windows += count;
    this.runs++;
    this.#streams.length = 0;
    for (let row = 0; row < count; row++) {
      const entry = this.#batch[row]!;
      if (!entry.stream.closed) entry.stream.onVerdict(this.#probabilities[row]!, entry.endMs, entry.queuedMs);
      this.#spare.push(entry);
    }
    this.#batch.length = 0;
  }
}
