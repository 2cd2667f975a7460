/** Gathers the windows of all calls of a voice worker and runs them through the model together. */
import { after as realAfter, type After } from '../runtime/clock.ts';
import { StandingQueue } from '../runtime/standing-queue.ts';
import { MAX_BATCH, SileroStream, WINDOW_SAMPLES, type Silero } from './silero.ts';

/**
 * Least time between two runs while windows are waiting. A run costs about 60 µs plus 20 µs a window: at 2 ms a lone
 * call is answered at once, and 300 calls share some 20 windows a run. Larger: later verdicts; smaller: more runs.
 */
const RUN_INTERVAL_MS = 2;

/**
 * Most windows of one stream that wait: 8 s, as after a long break of the network. A sender of more audio than time has
 * for it would otherwise fill the memory that all calls share.
 */
export const MAX_WAITING = 256;

/** Where more comes than can be judged, windows older than this are passed over: about one of each stream stays. */
const STALE_MS = 40;

/** Told the probability of speech of one window. `endMs`: when the window's last sample was captured. */
export type VerdictSink = (probability: number, endMs: number, queuedMs: number) => void;

/** One call's place in the batcher: the model's memory of its audio, and who is told. */
export class VadStream {
  readonly silero = new SileroStream();
  readonly onVerdict: VerdictSink;
  closed = false;
  /** The last verdict; it stands for windows that are passed over. */
  probability = 0;
  /** Windows without a verdict: what they hold may still be speech. */
  waiting = 0;

  constructor(onVerdict: VerdictSink) {
    this.onVerdict = onVerdict;
  }
}

type Queued = { stream: VadStream; window: Float32Array; endMs: number; queuedMs: number };

export class VadBatcher {
  readonly #silero: Pick<Silero, 'run'>;
  readonly #now: () => number;
  readonly #onFault: (fault: unknown) => void;
  readonly #after: After;
  readonly #windows = new Float32Array(MAX_BATCH * WINDOW_SAMPLES);
  readonly #probabilities = new Float32Array(MAX_BATCH);
  readonly #streams: SileroStream[] = [];
  readonly #batch: Queued[] = [];
  #queue: Queued[] = [];
  readonly #standing = new StandingQueue();
  /** Spent windows, used again so that none leaves garbage. */
  readonly #spare: Float32Array[] = [];
  #running = false;
  #lastRunMs = -Infinity;
  #callOff: (() => void) | undefined;
  #closed = false;
  /** Windows and runs so far; their ratio is the mean batch. */
  windows = 0;
  runs = 0;
  /** Windows passed over so far. */
  skipped = 0;

  constructor(silero: Pick<Silero, 'run'>, now: () => number, onFault: (fault: unknown) => void, after = realAfter) {
    this.#silero = silero;
    this.#now = now;
    this.#onFault = onFault;
    this.#after = after;
  }

  /**
   * Queues one window (512 samples, copied). Windows of one stream are answered in order, one a run; those of a stream
   * with `MAX_WAITING` of them are not taken.
   */
  add(stream: VadStream, window: Float32Array, endMs: number): void {
    if (this.#closed || stream.waiting >= MAX_WAITING) return;
    const copy = this.#spare.pop() ?? new Float32Array(WINDOW_SAMPLES);
    copy.set(window);
    stream.waiting++;
    this.#queue.push({ stream, window: copy, endMs, queuedMs: this.#now() });
    this.#schedule();
  }

  get waiting(): number {
    return this.#queue.length;
  }

  close(): void {
    this.#closed = true;
    this.#callOff?.();
    this.#queue = [];
  }

  #schedule(): void {
    if (this.#running || this.#closed || this.#callOff) return;
    const waitMs = this.#lastRunMs + RUN_INTERVAL_MS - this.#now();
    if (waitMs <= 0 || this.#queue.length >= MAX_BATCH / 2) void this.#run();
    else this.#callOff = this.#after(waitMs, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#callOff = undefined;
    if (!this.#running && !this.#closed) void this.#run();
  };

  async #run(): Promise<void> {
    this.#running = true;
    this.#lastRunMs = this.#now();
    // The model runs one turn of the event loop later, so packets that are being read now still get into this batch.
    await new Promise<void>((resolve) => setImmediate(resolve));
    try {
      if (!this.#closed && this.#standing.look(this.#now())) this.#passOver(this.#now() - STALE_MS);
      const count = this.#closed ? 0 : this.#take();
      if (count > 0) await this.#silero.run(this.#streams, this.#windows, count, this.#probabilities);
      if (count > 0) this.#answer(count);
    } catch (fault) {
      this.#onFault(fault);
    } finally {
      // Those of a run that failed are given up as well.
      for (const { stream } of this.#batch) stream.waiting--;
      this.#batch.length = 0;
      this.#running = false;
      if (this.#queue.length > 0) this.#schedule();
    }
  }

  /** Takes the oldest windows, at most one a stream: a second one needs the state that the first leaves. */
  #take(): number {
    let count = 0;
    let kept = 0;
    this.#streams.length = 0;
    for (const entry of this.#queue) {
      if (entry.stream.closed) this.#spare.push(entry.window);
      else if (count < MAX_BATCH && !this.#streams.includes(entry.stream.silero)) {
        this.#windows.set(entry.window, count * WINDOW_SAMPLES);
        this.#streams[count] = entry.stream.silero;
        this.#batch.push(entry);
        count++;
      } else this.#queue[kept++] = entry;
    }
    this.#queue.length = kept;
    return count;
  }

  #answer(count: number): void {
    this.windows += count;
    this.runs++;
    const nowMs = this.#now();
    for (const [row, entry] of this.#batch.entries()) {
      entry.stream.probability = this.#probabilities[row]!;
      this.#standing.served(nowMs - entry.queuedMs);
      this.#tell(entry);
    }
  }

  /**
   * Verdicts that come ever later are worth less than ones that are a guess: what has waited since before `beforeMs` is
   * answered as the window before it was. Otherwise what was too much for a moment would be late for good.
   */
  #passOver(beforeMs: number): void {
    const stale = this.#queue.filter(({ queuedMs }) => queuedMs < beforeMs);
    this.#queue = this.#queue.filter(({ queuedMs }) => queuedMs >= beforeMs);
    this.skipped += stale.length;
    for (const entry of stale) {
      entry.stream.waiting--;
      this.#tell(entry);
    }
  }

  #tell({ stream, window, endMs, queuedMs }: Queued): void {
    this.#spare.push(window);
    try {
      if (!stream.closed) stream.onVerdict(stream.probability, endMs, queuedMs);
    } catch (fault) {
      // One call's fault is not that of the others.
      this.#onFault(fault);
    }
  }
}
