/**
 * The words of the turn that runs, from what the recogniser tells, and what they say about its end. Pure; times are ms on
 * the caller's clock.
 */
import type { EndpointingOptions } from '../agent/agent.ts';
import { endpointDelay, SpeakersPauses, type TurnEndReason } from './endpoint-delay.ts';
import type { SpeechToTextEvent } from '../providers/provider.ts';
import { WINDOW_MS } from '../vad/speech-detector.ts';
import { wordsOf } from './words.ts';

/** In the first silence of this length what is pending is asked for. Smaller: at each breath; larger: later turns. */
const FLUSH_AFTER_MS = 192;
/** Where turns may end sooner: so long before, for the answer to be in time … */
const FLUSH_BEFORE_MS = 100;
/** … and never in shorter breaks, which are between words. */
const FLUSH_AT_LEAST_AFTER_MS = 64;
/** Recognisers that tell the end of a turn themselves are left to it for so long. */
const FLUSH_LATER_AFTER_MS = 900;
/** Those that hear an utterance as a whole should get more of it at once. */
const FLUSH_UTTERANCE_AFTER_MS = 350;
/** Recognisers may notice an end of speech sooner than the detector, by a few of its windows: less than a word. */
const HEARD_LATER_MS = 96;
/** Where nothing is pending, recognisers need not answer that: after this long without news there is nothing. */
const NO_NEWS_MS = 250;
/** Words that may change are taken as they are after this much silence. */
const TEXT_WAIT_MS = 1_000;
/** Where not a word has come by then, the recogniser has failed the turn. */
const NO_TEXT_WAIT_MS = 1_600;

export type TurnTextOptions = {
  endpointing: EndpointingOptions;
  perUtterance: boolean;
  /** The recogniser tells when turns end. */
  endsTurns: boolean;
  /** A BCP 47 tag: of the words that decide. */
  language?: string | undefined;
};

export type Vote = { delayMs: number; reason: TurnEndReason };

export class TurnText {
  readonly #options: TurnTextOptions;
  readonly #pauses: SpeakersPauses;
  #finals: string[] = [];
  #partial = '';
  /** Words of the former turn that were not final when it ended: the recogniser will tell them again. */
  #taken = '';
  /** The recogniser was asked for the rest, and when; it has not answered. */
  #flushedMs: number | undefined;
  #settled = false;
  #vendorEnded = false;
  /** Speech since final words came, where none came after them that may change; else ∞. */
  #speechSinceFinalMs = Infinity;
  #silenceMs = 0;

  constructor(options: TurnTextOptions) {
    this.#options = options;
    this.#pauses = new SpeakersPauses(options.endpointing);
  }

  /** All words so far. */
  get text(): string {
    return [...this.#finals, this.#partial].filter(Boolean).join(' ');
  }

  /** All that was said has been told of. */
  get settled(): boolean {
    return this.#settled;
  }

  /** A window of speech. */
  speech(): void {
    if (this.#silenceMs > 0 && this.text) this.#pauses.note(this.#silenceMs);
    this.#silenceMs = 0;
    this.#flushedMs = undefined;
    this.#settled = false;
    this.#vendorEnded = false;
    this.#speechSinceFinalMs += WINDOW_MS;
  }

  /** A window without speech. @returns whether the recogniser is to be asked for what is pending */
  silence(silenceMs: number, nowMs: number): boolean {
    this.#silenceMs = silenceMs;
    if (this.#settled) return false;
    const complete = this.#finals.length > 0 && !this.#partial;
    const told = complete && this.#speechSinceFinalMs <= HEARD_LATER_MS;
    if (this.#flushedMs !== undefined) {
      this.#settled = told || (complete && nowMs - this.#flushedMs >= NO_NEWS_MS);
      return false;
    }
    if (silenceMs < this.#flushAfterMs) return false;
    this.#flushedMs = nowMs;
    // Not only with the next window: after the last packets of speech the clock feeds it, some 60 ms later than packets would.
    this.#settled = told && !this.#options.perUtterance;
    return true;
  }

  get #flushAfterMs(): number {
    const { perUtterance, endsTurns, endpointing } = this.#options;
    if (perUtterance) return FLUSH_UTTERANCE_AFTER_MS;
    if (endsTurns) return FLUSH_LATER_AFTER_MS;
    const inTimeMs = Math.max(FLUSH_AT_LEAST_AFTER_MS, endpointing.minimumDelayMs - FLUSH_BEFORE_MS);
    return Math.min(FLUSH_AFTER_MS, inTimeMs);
  }

  /** @returns whether the words have changed */
  note(event: Exclude<SpeechToTextEvent, { type: 'error' }>): boolean {
    const before = this.text;
    switch (event.type) {
      case 'partial':
        this.#partial = beyond(this.#taken, event.text);
        this.#speechSinceFinalMs = Infinity;
        this.#settled = false;
        break;
      case 'final':
        this.#finals.push(beyond(this.#taken, event.text));
        this.#partial = this.#taken = '';
        this.#speechSinceFinalMs = 0;
        break;
      case 'flushed':
        if (this.#flushedMs === undefined) break;
        this.#flushedMs = undefined;
        this.#settled = true;
        break;
      case 'turn':
        if (event.event === 'end' && this.#silenceMs > 0) this.#vendorEnded = this.#settled = true;
        if (event.event === 'resumed') this.#vendorEnded = this.#settled = false;
    }
    return this.text !== before;
  }

  /** How long the silence has to be for the turn to be over. */
  vote(): Vote {
    const { endpointing, language } = this.#options;
    if (this.#vendorEnded) return { delayMs: endpointing.minimumDelayMs, reason: 'vendor' };
    const { text } = this;
    const { ordinaryMs } = this.#pauses;
    if (!text) {
      const waitMs = this.#settled ? ordinaryMs : NO_TEXT_WAIT_MS;
      return { delayMs: Math.min(waitMs, endpointing.maximumDelayMs), reason: this.#settled ? 'pause' : 'unsettled' };
    }
    const vote = endpointDelay(text, endpointing, ordinaryMs, language);
    if (this.#settled || vote.delayMs >= TEXT_WAIT_MS) return vote;
    return { delayMs: Math.min(TEXT_WAIT_MS, endpointing.maximumDelayMs), reason: 'unsettled' };
  }

  /** The turn is over: its words; what comes from now on is the next one's. */
  take(): { text: string; settled: boolean } {
    const taken = { text: this.text, settled: this.#settled };
    this.#finals = [];
    this.#taken = this.#partial;
    this.#partial = '';
    this.#vendorEnded = false;
    return taken;
  }

  /** Final words that come when their turn is over. @returns those that it did not have; '' where there are none */
  late(text: string): string {
    const added = beyond(this.#taken, text);
    this.#taken = '';
    return added;
  }
}

/** What a text has after words that are known already; all of it where it begins otherwise. */
function beyond(known: string, text: string): string {
  const [before, all] = [wordsOf(known), wordsOf(text)];
  if (before.length === 0 || before.some((word, index) => word !== all[index])) return text.trim();
  let rest = text;
  for (const _ of before) rest = rest.replace(/^[^\p{L}\p{N}]*[\p{L}\p{N}’']+/u, '');
  return rest.replace(/^[^\p{L}\p{N}]+/u, '').trim();
}
