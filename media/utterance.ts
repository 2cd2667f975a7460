/**
 * Keeps what the caller says, as the Opus packets it came in: 5 kB a second instead of the 32 kB of its samples. It is
 * decoded when somebody wants to hear it.
 */
import { OpusDecoder } from './opus.ts';
import type { TurnAudio } from './providers/provider.ts';

export type UtteranceOptions = {
  /** Audio kept from before speech is noticed, in ms. */
  preRollMs: number;
  /** Longest utterance kept, in ms; what comes after is not kept. Default 30,000: some 150 kB. */
  maxMs?: number;
};

/** A packet, or (without payload) time in which none came. `endMs`: when its last sample was heard. */
type Piece = { payload: Uint8Array | undefined; lost: boolean; durationMs: number; endMs: number };

/** Silence in an utterance is played back no longer than this. */
const MAX_GAP_MS = 2000;
const DEFAULT_MAX_MS = 30_000;

export class UtteranceRecorder {
  readonly #preRollMs: number;
  readonly #maxMs: number;
  #pieces: Piece[] = [];
  #keepFromMs: number | undefined;

  constructor(options: UtteranceOptions) {
    this.#preRollMs = options.preRollMs;
    this.#maxMs = options.maxMs ?? DEFAULT_MAX_MS;
  }

  packet(payload: Uint8Array, durationMs: number, endMs: number): void {
    this.#add({ payload, lost: false, durationMs, endMs });
  }

  lost(durationMs: number, endMs: number): void {
    this.#add({ payload: undefined, lost: true, durationMs, endMs });
  }

  gap(durationMs: number, endMs: number): void {
    this.#add({ payload: undefined, lost: false, durationMs: Math.min(durationMs, MAX_GAP_MS), endMs });
  }

  /** From here on (less the pre-roll) everything is kept, until `discard`; or from an earlier start not yet too old. */
  keepFrom(startMs: number): void {
    const fromMs = startMs - this.#preRollMs;
    if (this.#keepFromMs === undefined || fromMs - this.#keepFromMs > this.#maxMs) this.#keepFromMs = fromMs;
  }

  discard(): void {
    this.#keepFromMs = undefined;
  }

  /** What was said from `startMs` (less the pre-roll) to `endMs`. */
  take(startMs: number, endMs: number): TurnAudio {
    const pieces = this.#pieces.filter((piece) => piece.endMs > startMs - this.#preRollMs && piece.endMs <= endMs);
    return new RecordedUtterance(pieces);
  }

  #add(piece: Piece): void {
    const keepFromMs = this.#keepFromMs ?? piece.endMs - this.#preRollMs - MAX_GAP_MS;
    let old = 0;
    while (old < this.#pieces.length && this.#pieces[old]!.endMs < keepFromMs) old++;
    if (old > 0) this.#pieces.splice(0, old);
    if (piece.endMs - keepFromMs <= this.#maxMs) this.#pieces.push(piece);
  }
}

class RecordedUtterance implements TurnAudio {
  readonly #pieces: readonly Piece[];
  readonly durationMs: number;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    this.durationMs = pieces.reduce((sum, { durationMs }) => sum + durationMs, 0);
  }

  *pcm(sampleRateHz: 16_000 | 24_000 | 48_000): Iterable<Int16Array> {
    const decoder = new OpusDecoder(sampleRateHz);
    let block = new Int16Array(sampleRateHz);
    let filled = 0;
    for (const piece of this.#pieces) {
      for (const samples of decode(piece, decoder, sampleRateHz)) {
        if (filled + samples.length > block.length) {
          yield block.subarray(0, filled);
          block = new Int16Array(Math.max(sampleRateHz, samples.length));
          filled = 0;
        }
        block.set(samples, filled);
        filled += samples.length;
      }
    }
    if (filled > 0) yield block.subarray(0, filled);
  }
}

function* decode(piece: Piece, decoder: OpusDecoder, sampleRateHz: number): Iterable<Int16Array> {
  if (piece.payload) {
    const samples = decoder.decode(piece.payload) ?? decoder.conceal();
    if (samples) yield samples;
    return;
  }
  let restMs = piece.durationMs;
  while (restMs > 0) {
    const samples = (piece.lost && decoder.conceal()) || new Int16Array(sampleRateHz / 50);
    yield samples;
    restMs -= (samples.length / sampleRateHz) * 1000;
  }
}
