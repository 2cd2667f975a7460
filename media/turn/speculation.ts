/**
 * Whether a reply is begun before the caller's turn is known to be over, and whether it may be used. Pure; times are ms on
 * the caller's clock.
 */
import { endpointing, type PreemptiveGenerationOptions } from '../agent/agent.ts';
import { endpointDelay } from './endpoint-delay.ts';
import { WINDOW_MS } from '../vad/speech-detector.ts';

/** What a recogniser told last: words that may change, words that will not, or something of the turn. */
export type Heard = 'partial' | 'final' | 'flushed' | 'start' | 'eager-end' | 'resumed' | 'end';

export type BeginReason =
  /** The recogniser takes the turn as over, or is about to. */
  | 'eager end'
  /** No word of it will change. */
  | 'final words'
  /** They could have changed, and have not. */
  | 'stable words';

export type DiscardReason =
  /** Other words came, or the turn ended with others. */
  | 'words'
  /** The caller went on. */
  | 'speech'
  /** The recogniser says that the caller goes on. */
  | 'resumed'
  /** It failed, or the vendors had no place to spare. */
  | 'failed'
  /** The turn is none that is answered: the client is gone, or something else is said. */
  | 'unanswered';

export type SpeculationAction =
  { do: 'begin'; text: string; reason: BeginReason } | { do: 'discard'; reason: DiscardReason } | { do: 'use' };

/** Words that may change and have not for so long are taken as they are. Smaller: more are begun for nothing. */
const STABLE_MS = 160;
/** Speech that the recogniser has not told of. More than this is at least a word that is missing. */
const UNTOLD_MS = 256;
/** Speech within a silence from which on it is no click and no breath. */
const GOES_ON_MS = 96;

/** In the midst of a sentence or a number nothing is begun in a shorter silence: more is likely to come. */
const GOES_ON_AFTER_MS = 1_000;

export class Speculation {
  readonly #options: PreemptiveGenerationOptions;
  #text = '';
  #changedMs = 0;
  /** The last words may change. */
  #open = false;
  /** The recogniser says that all is told. */
  #settled = false;
  #silenceMs = 0;
  /** Speech since the recogniser told anything, and since the silence in which a reply was begun. */
  #untoldMs = 0;
  #againMs = 0;
  #speechMs = 0;
  #begun = 0;
  #running: string | undefined;
  #failed: string | undefined;

  constructor(options: PreemptiveGenerationOptions) {
    this.#options = options;
  }

  /** A reply has been begun, and is neither used nor discarded. */
  get running(): boolean {
    return this.#running !== undefined;
  }

  /** @param text all words of the turn @param free a turn that ended now would be answered */
  recognised(heard: Heard, text: string, free: boolean, nowMs: number): SpeculationAction[] {
    if (text !== this.#text) {
      this.#text = text;
      this.#changedMs = nowMs;
      this.#settled = false;
    }
    if (heard === 'partial' || heard === 'final') {
      this.#open = heard === 'partial';
      this.#untoldMs = 0;
    }
    if (heard === 'flushed' || heard === 'eager-end' || heard === 'end') this.#settled = true;
    if (heard === 'resumed') {
      this.#settled = false;
      return this.#discard('resumed');
    }
    const changed = this.#running !== undefined && !sameWords(this.#running, text);
    return [...(changed ? this.#discard('words') : []), ...this.#begin(free, nowMs)];
  }

  /** A window of the turn that runs. @param silenceMs 0 in speech */
  window(silenceMs: number, free: boolean, nowMs: number): SpeculationAction[] {
    this.#silenceMs = silenceMs;
    if (silenceMs > 0) {
      this.#againMs = 0;
      return this.#begin(free, nowMs);
    }
    this.#speechMs += WINDOW_MS;
    this.#untoldMs += WINDOW_MS;
    this.#againMs += WINDOW_MS;
    if (this.#againMs < GOES_ON_MS) return [];
    this.#settled = false;
    return this.#discard('speech');
  }

  /** The turn is over. @param text its words; what comes from now on is of the next one */
  turnEnded(text: string): SpeculationAction[] {
    const running = this.#running;
    this.#text = '';
    this.#open = this.#settled = false;
    this.#silenceMs = this.#untoldMs = this.#againMs = this.#speechMs = this.#begun = 0;
    this.#running = this.#failed = undefined;
    if (running === undefined) return [];
    return [text && sameWords(running, text) ? { do: 'use' } : { do: 'discard', reason: 'words' }];
  }

  /** It came to nothing: with these words it is not tried again. */
  failed(): SpeculationAction[] {
    this.#failed = this.#running;
    return this.#discard('failed');
  }

  /** What runs is not answered as it was thought to be. */
  unanswered(): SpeculationAction[] {
    return this.#discard('unanswered');
  }

  #discard(reason: DiscardReason): SpeculationAction[] {
    if (this.#running === undefined) return [];
    this.#running = undefined;
    return [{ do: 'discard', reason }];
  }

  #begin(free: boolean, nowMs: number): SpeculationAction[] {
    const { maxPerTurn, maxSpeechMs } = this.#options;
    if (!free || this.#running !== undefined || this.#silenceMs === 0 || !this.#text) return [];
    if (this.#begun >= maxPerTurn || this.#speechMs > maxSpeechMs) return [];
    if (this.#silenceMs < GOES_ON_AFTER_MS && goesOn(this.#text)) return [];
    const reason = this.#stability(nowMs);
    if (!reason || (this.#failed !== undefined && sameWords(this.#failed, this.#text))) return [];
    this.#begun++;
    this.#running = this.#text;
    return [{ do: 'begin', text: this.#text, reason }];
  }

  #stability(nowMs: number): BeginReason | undefined {
    if (this.#settled) return 'eager end';
    if (this.#untoldMs > UNTOLD_MS) return undefined;
    if (!this.#open) return 'final words';
    return nowMs - this.#changedMs >= STABLE_MS ? 'stable words' : undefined;
  }
}

/** What the words say is asked for, not for how long that is waited. */
const ANY_DELAY = endpointing.parse({});

function goesOn(text: string): boolean {
  const { reason } = endpointDelay(text, ANY_DELAY, 0);
  return reason === 'unfinished' || reason === 'reading';
}

/**
 * Whether an answer to one text is an answer to the other: case, spaces and punctuation do not count. What changes a number
 * or an amount does, and so does a question where another kind of sentence was heard before.
 */
export function sameWords(before: string, after: string): boolean {
  const turned =
    endOf(before) !== '' && endOf(before) !== endOf(after) && [before, after].some((text) => endOf(text) === '?');
  return !turned && plain(before) === plain(after);
}

function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[!?;…"“”„«»()]|(?<!\d)[.,:]|[.,:](?!\d)|[-–—](?!\d)/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The mark that ends the last sentence; '' where there is none. */
function endOf(text: string): string {
  return /([.!?])["'”’)\s]*$/.exec(text)?.[1] ?? '';
}
