/** The caller's ear: decodes what the agent sends and tells which words are heard, when, and how loud. */
import { frameSamples, OpusDecoder } from '../../../media/audio/opus.ts';
import { parseRtp, RtpHeader, sequenceDistance, timestampDistance } from '../../../media/rtp/rtp.ts';
import { codeOf, levelOf, LOUD, type WordSounds } from './word-sounds.ts';

export const EAR_RATE_HZ = 24_000;
const FRAME_MS = 20;
/** Of the pods, on which packets leave. */
const TICK_MS = 5;
/** Below this nothing is heard: some 40 dB under a full voice. */
const INAUDIBLE = 50;
/** A voice at less than half its strength is a lowered one. */
const LOWERED = LOUD / 2 / 2;
/** Frames that may be missing at the edges of a word that was heard whole: they are mixed with the next, or faded. */
const EDGE_FRAMES = 1;
/** The same word after a longer break has been begun again. */
const BREAK_MS = 60;
/** A break that parts two lines of what is heard. */
export const LINE_BREAK_MS = 300;

/** A stretch of one word. `whole`: from its first sound to its last. */
export type HeardWord = {
  code: number;
  word: string;
  startMs: number;
  endMs: number;
  whole: boolean;
  lowered: boolean;
};

/** What a browser keeps of one SSRC. */
type Stream = { decoder: OpusDecoder; sequence: number; timestamp: number };
type Run = { code: number; startMs: number; endMs: number; frames: number; loweredFrames: number };

export class StoryEar {
  readonly #sounds: WordSounds;
  readonly #header = new RtpHeader();
  readonly #streams = new Map<number, Stream>();
  readonly #runs: Run[] = [];
  /** Asked for all the time, and seldom another. */
  #words: HeardWord[] | undefined;
  #lastMs = -Infinity;
  #sinceMs = -Infinity;
  /** What the loudspeaker gives, by the time at which it begins. */
  readonly #played = new Map<number, Int16Array>();
  packets = 0;

  constructor(sounds: WordSounds) {
    this.#sounds = sounds;
  }

  /** When the agent was heard last; −∞ before. */
  get lastHeardMs(): number {
    return this.#lastMs;
  }

  /** When what is heard now, or was heard last, began: without a longer break since. */
  get heardSinceMs(): number {
    return this.#sinceMs;
  }

  /** The frame that the loudspeaker gives at that time. */
  playedAt(atMs: number): Int16Array | undefined {
    for (let backMs = 0; backMs < FRAME_MS; backMs += TICK_MS) {
      const played = this.#played.get(atMs - backMs);
      if (played) return played;
    }
    return undefined;
  }

  /** A packet arrives. @throws where a browser would go deaf, or hear a burst */
  take(packet: Uint8Array, atMs: number): void {
    const header = this.#header;
    if (!parseRtp(packet, packet.length, header)) throw new Error('the agent sent what is no RTP');
    this.packets++;
    const stream = this.#streams.get(header.ssrc);
    if (stream) checkOrder(stream, header);
    const decoder = stream?.decoder ?? new OpusDecoder(EAR_RATE_HZ);
    this.#streams.set(header.ssrc, { decoder, sequence: header.sequence, timestamp: header.timestamp });
    const samples = decoder.decode(packet.subarray(header.payloadOffset, header.payloadEnd));
    if (!samples || samples.length < frameSamples(EAR_RATE_HZ)) return;
    const level = levelOf(samples);
    this.#played.set(atMs, samples);
    if (level < INAUDIBLE) return;
    const code = codeOf(samples, EAR_RATE_HZ);
    if (code === undefined || !this.#sounds.word(code)) return;
    if (atMs - this.#lastMs >= LINE_BREAK_MS) this.#sinceMs = atMs;
    this.#lastMs = atMs + FRAME_MS;
    this.#note(code, atMs, level < LOWERED);
  }

  /** In order. A single frame between two words is the way from one to the other. */
  get words(): readonly HeardWord[] {
    this.#words ??= this.#runs
      .filter(({ frames }) => frames > 1)
      .map(({ code, startMs, endMs, frames, loweredFrames }) => {
        const { word, ms } = this.#sounds.word(code)!;
        const whole = frames * FRAME_MS >= ms - EDGE_FRAMES * FRAME_MS;
        return { code, word, startMs, endMs, whole, lowered: loweredFrames * 2 > frames };
      });
    return this.#words;
  }

  #note(code: number, atMs: number, lowered: boolean): void {
    let run = this.#runs.findLast((one) => one.code === code && atMs - one.endMs < BREAK_MS);
    if (!run) {
      run = { code, startMs: atMs, endMs: atMs, frames: 0, loweredFrames: 0 };
      this.#runs.push(run);
    }
    this.#words = undefined;
    run.endMs = atMs + FRAME_MS;
    run.frames++;
    if (lowered) run.loweredFrames++;
  }
}

function checkOrder(before: Stream, { sequence, timestamp }: RtpHeader): void {
  if (sequenceDistance(before.sequence, sequence) <= 0) throw new Error('the agent sent an old sequence number');
  if (timestampDistance(before.timestamp, timestamp) <= 0) throw new Error('the agent sent an old timestamp');
}
