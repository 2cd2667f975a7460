/** When a caller talks and what of its prepared speech leaves with each frame of 20 ms. Pure: a seed gives the same talk. */

export type Pattern =
  /** Never stops. */
  | { kind: 'always' }
  /** Says nothing: what a browser with DTX sends of silence. */
  | { kind: 'silent' }
  /**
   * Turns of `shortestMs` to `longestMs`, and after each the time in which the agent answers as long as the caller spoke,
   * with `gapMs` for both to notice that the other one has ended. Open loop: it waits for nobody.
   */
  | { kind: 'turns'; shortestMs: number; longestMs: number; gapMs: number; dtx: boolean };

export const FRAME_MS = 20;
/** 45 % of the caller, 45 % of the agent, who answers after 550 ms: a turn of 4 s, a reply of 4 s, 0.9 s between them. */
export const CONVERSATION: Pattern = { kind: 'turns', shortestMs: 2000, longestMs: 6000, gapMs: 890, dtx: true };

/** 20 ms of digital silence: CELT, full band, mono, with the silence flag (RFC 6716 §4.3). */
const SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);
/** Chromium goes on for 0.2 s after speech, and sends one packet in 0.4 s from then on. */
const HANGOVER_FRAMES = 10;
const SILENT_FRAMES_PER_PACKET = 20;
/** Before the first turn: the greeting, and each caller at its own time. */
const FIRST_TURN_MS = { least: 500, most: 8000 };

export class TalkPattern {
  readonly #pattern: Pattern;
  readonly #loop: readonly Uint8Array[];
  readonly #random: () => number;
  /** Where in its speech it is. */
  #at: number;
  /** Frames left of the turn, or of the silence after it. */
  #speaking = false;
  #left: number;
  #turnFrames = 0;
  #silent = HANGOVER_FRAMES;
  /** Turns begun, and frames of speech given out. */
  turns = 0;
  spokenFrames = 0;
  /** The frame given out last begins a turn. */
  begins = false;

  /** @param loop packets of 20 ms, spoken over and over */
  constructor(pattern: Pattern, loop: readonly Uint8Array[], seed: number) {
    this.#pattern = pattern;
    this.#loop = loop;
    this.#random = randomOf(seed);
    this.#at = Math.floor(this.#random() * loop.length);
    const { least, most } = FIRST_TURN_MS;
    this.#left = pattern.kind === 'turns' ? framesOf(least + this.#random() * (most - least)) : 0;
  }

  /** What is sent with the next frame; undefined: nothing (DTX). */
  next(): Uint8Array | undefined {
    this.begins = false;
    if (this.#pattern.kind === 'always') return this.#speech(this.spokenFrames === 0);
    if (this.#pattern.kind === 'silent') return this.#silence(true);
    if (this.#left === 0) this.#turn(this.#pattern);
    this.#left--;
    return this.#speaking ? this.#speech(this.begins) : this.#silence(this.#pattern.dtx);
  }

  #turn({ shortestMs, longestMs, gapMs }: Extract<Pattern, { kind: 'turns' }>): void {
    this.#speaking = !this.#speaking;
    if (!this.#speaking) {
      this.#left = this.#turnFrames + framesOf(gapMs);
      this.#silent = 0;
      return;
    }
    this.#turnFrames = framesOf(shortestMs + this.#random() * (longestMs - shortestMs));
    this.#left = this.#turnFrames;
    this.begins = true;
  }

  #speech(begins: boolean): Uint8Array {
    this.begins = begins;
    if (begins) this.turns++;
    this.spokenFrames++;
    this.#at = (this.#at + 1) % this.#loop.length;
    return this.#loop[this.#at]!;
  }

  #silence(dtx: boolean): Uint8Array | undefined {
    const frame = this.#silent++;
    const sends = !dtx || frame < HANGOVER_FRAMES || frame % SILENT_FRAMES_PER_PACKET === 0;
    return sends ? SILENCE : undefined;
  }
}

function framesOf(ms: number): number {
  return Math.round(ms / FRAME_MS);
}

/** mulberry32: 32 bits of state are enough for who talks when. @returns numbers from 0 to below 1 */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
