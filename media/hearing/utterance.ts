/**
 * Keeps what the caller says, as the Opus packets it came in: 5 kB a second instead of the 32 kB of its samples. It is
 * decoded when somebody wants to hear it.
 */
import { OpusDecoder } from '../audio/opus.ts';
import type { TurnAudio } from '../providers/provider.ts';

export type UtteranceOptions = {
  /** Audio kept from before speech is noticed, in ms. */
  preRollMs: number;
  /** Longest utterance kept, in ms; what comes after is not kept. Default 30,000: some 150 kB. */
  maxMs?: number;
};

/**
 * A packet, or (without a block) time in which none came. `endMs`: when its last sample was captured. The packet is
 * `bytes` bytes of the block, from `from` on: an array of its own for each packet would take several times its size.
 */
type Piece = {
  block: Uint8Array | undefined;
  from: number;
  bytes: number;
  lost: boolean;
  durationMs: number;
  endMs: number;
};

const NOTHING = { block: undefined, from: 0, bytes: 0 } as const;
/** Silence in an utterance is played back no longer than this. */
const MAX_GAP_MS = 2000;
const DEFAULT_MAX_MS = 30_000;
/** Bytes kept, whatever the time: 30 s at Opus's highest rate. Only a flood of packets needs more. */
const MAX_BYTES = 2 << 20;
/** Packets are copied into blocks of this size: a second of speech. Larger: callers who say nothing hold more. */
const BLOCK_BYTES = 4096;
/** What a piece takes beside its payload, about. */
const PIECE_BYTES = 100;

export class UtteranceRecorder {
  readonly #preRollMs: number;
  readonly #maxMs: number;
  #pieces: Piece[] = [];
  #bytes = 0;
  #block = new Uint8Array(0);
  #blockUsed = 0;
  /** Silence before the next piece. */
  #gapMs = 0;
  #keepFromMs: number | undefined;

  constructor(options: UtteranceOptions) {
    this.#preRollMs = options.preRollMs;
    this.#maxMs = options.maxMs ?? DEFAULT_MAX_MS;
  }

  /** Keeps a copy of a packet. @param endMs when its last sample was captured */
  packet(payload: Uint8Array, durationMs: number, endMs: number): void {
    this.#add({ ...this.#store(payload), lost: false, durationMs, endMs });
  }

  /** Audio that did not come. */
  lost(durationMs: number, endMs: number): void {
    this.#add({ ...NOTHING, lost: true, durationMs, endMs });
  }

  /** Silence that was not sent, up to the next piece. */
  gap(durationMs: number): void {
    this.#gapMs = Math.min(this.#gapMs + durationMs, MAX_GAP_MS);
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
    const fromMs = startMs - this.#preRollMs;
    const pieces = this.#pieces.filter((piece) => piece.endMs > fromMs && piece.endMs - piece.durationMs < endMs);
    return new RecordedUtterance(pieces.map((piece) => within(piece, fromMs, endMs)));
  }

  #add(piece: Piece): void {
    const durationMs = this.#gapMs;
    this.#gapMs = 0;
    if (durationMs > 0) this.#keep({ ...NOTHING, lost: false, durationMs, endMs: piece.endMs - piece.durationMs });
    this.#keep(piece);
  }

  #store(payload: Uint8Array): Pick<Piece, 'block' | 'from' | 'bytes'> {
    const bytes = payload.length;
    if (this.#blockUsed + bytes > this.#block.length) {
      this.#block = new Uint8Array(Math.max(BLOCK_BYTES, bytes));
      this.#blockUsed = 0;
    }
    const from = this.#blockUsed;
    this.#block.set(payload, from);
    this.#blockUsed += bytes;
    return { block: this.#block, from, bytes };
  }

  #keep(piece: Piece): void {
    const keepFromMs = this.#keepFromMs ?? piece.endMs - this.#preRollMs - MAX_GAP_MS;
    let old = 0;
    while (old < this.#pieces.length && this.#pieces[old]!.endMs < keepFromMs) old++;
    for (const gone of this.#pieces.splice(0, old)) this.#bytes -= PIECE_BYTES + gone.bytes;
    if (piece.endMs - keepFromMs > this.#maxMs || this.#bytes + PIECE_BYTES + piece.bytes > MAX_BYTES) return;
    this.#pieces.push(piece);
    this.#bytes += PIECE_BYTES + piece.bytes;
  }
}

/** Packets stay whole; silence is cut to what lies within. */
function within(piece: Piece, fromMs: number, toMs: number): Piece {
  if (piece.block) return piece;
  const startMs = Math.max(fromMs, piece.endMs - piece.durationMs);
  return { ...piece, durationMs: Math.min(piece.endMs, toMs) - startMs };
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
  if (piece.block) {
    const payload = piece.block.subarray(piece.from, piece.from + piece.bytes);
    const samples = decoder.decode(payload) ?? decoder.conceal();
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
