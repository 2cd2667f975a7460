/** Opus frames of speech that recurs (a greeting, numbers), encoded once and shared by all calls of a voice worker. */
import { LRUCache } from 'lru-cache';
import { frameSamples, OpusEncoder, type PlayoutRateHz } from './opus.ts';

/** Clips kept, the least recently heard going first. A clause of 4 s takes 16 kB at 32 kbit/s. */
const MAX_CLIPS = 256;

type Clip = { packets: Uint8Array[]; encoder: OpusEncoder | undefined };

export class EncodedClips {
  readonly #rateHz: PlayoutRateHz;
  readonly #clips = new LRUCache<string, Clip>({ max: MAX_CLIPS });
  readonly #frame: Int16Array;

  constructor(rateHz: PlayoutRateHz) {
    this.#rateHz = rateHz;
    this.#frame = new Int16Array(frameSamples(rateHz));
  }

  /**
   * The encoded frame `index` of a clip. A clip is encoded by an encoder of its own as it is first heard, so its frames
   * follow from one another whoever listens. `undefined` when a listener starts in the middle of one not heard before.
   */
  packet(key: string, samples: Int16Array, index: number): Uint8Array | undefined {
    let clip = this.#clips.get(key);
    if (!clip) {
      if (index !== 0) return undefined;
      clip = { packets: [], encoder: new OpusEncoder(this.#rateHz) };
      this.#clips.set(key, clip);
    }
    if (index === clip.packets.length && clip.encoder) this.#encodeNext(clip, samples);
    return clip.packets[index];
  }

  #encodeNext(clip: Clip, samples: Int16Array): void {
    const from = clip.packets.length * this.#frame.length;
    this.#frame.fill(0);
    this.#frame.set(samples.subarray(from, from + this.#frame.length));
    clip.packets.push(clip.encoder!.encode(this.#frame));
    if (from + this.#frame.length >= samples.length) clip.encoder = undefined;
  }
}
