/** The caller's audio that no transcript covers yet, to be heard again by another recogniser. Pure. */

const SAMPLES_PER_MS = 16;
/** Of one utterance; what is older is let go. 1 MB. */
const MAX_MS = 30_000;
/** Below this peak a chunk is quiet: −36 dB of full scale. */
const QUIET_PEAK = 520;
/** After this much quiet in a row there is no utterance to keep. */
const QUIET_MS = 2_000;
/** Kept of quiet, since speech begins before it is loud. */
const KEPT_QUIET_MS = 500;

export class AudioBacklog {
  #chunks: Int16Array[] = [];
  /** The position in the call's audio of the first sample kept, and of the next to come. */
  #from = 0;
  #to = 0;
  #quiet = 0;

  get fromMs(): number {
    return this.#from / SAMPLES_PER_MS;
  }

  get toMs(): number {
    return this.#to / SAMPLES_PER_MS;
  }

  write(pcm: Int16Array): void {
    this.#chunks.push(pcm.slice());
    this.#to += pcm.length;
    this.#quiet = isQuiet(pcm) ? this.#quiet + pcm.length : 0;
    if (this.#quiet > QUIET_MS * SAMPLES_PER_MS) this.settle(this.toMs - KEPT_QUIET_MS);
    else this.settle(this.toMs - MAX_MS);
  }

  /** Audio before this time is understood, or of no use. */
  settle(beforeMs: number): void {
    const before = Math.min(Math.round(beforeMs * SAMPLES_PER_MS), this.#to);
    while (this.#chunks.length > 0 && this.#from < before) {
      const first = this.#chunks[0]!;
      const drop = Math.min(first.length, before - this.#from);
      if (drop === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(drop);
      this.#from += drop;
    }
  }

  chunks(): readonly Int16Array[] {
    return this.#chunks;
  }
}

function isQuiet(pcm: Int16Array): boolean {
  return pcm.every((sample) => sample < QUIET_PEAK && sample > -QUIET_PEAK);
}
