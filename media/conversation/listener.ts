/**
 * How far a listener has heard a speech: packets that have left, less the time from here to the loudspeaker, as the client
 * reports it. Pure; times are ms on the worker's clock, positions samples of the speech.
 */
import type { ReplyProgress } from './conversation-events.ts';
import type { Playout } from '../speech/playout.ts';
import type { SpeechAudio } from '../speech/speech-audio.ts';

/** Longer delays count as this one: no call with more is a conversation, and a client may report anything. */
export const LONGEST_DELAY_MS = 2000;
/** Frames of 20 ms that are remembered: those of the longest delay, and some. */
const FRAMES = 128;

export class Listener {
  readonly #sentAtMs = new Float64Array(FRAMES);
  readonly #positions = new Float64Array(FRAMES);
  #sent = 0;
  #furthest = 0;
  #nowMs = 0;
  #delayMs: number | undefined;

  /** From a packet's leaving to its sound; undefined before the client has told of it. */
  get delayMs(): number | undefined {
    return this.#delayMs;
  }

  hearsAfter(delayMs: number): void {
    this.#delayMs = Math.min(LONGEST_DELAY_MS, Math.max(0, delayMs));
  }

  /** Another speech begins. */
  restart(): void {
    this.#sent = 0;
    this.#furthest = 0;
  }

  /** The frame that ends at `position` has left. */
  sent(position: number, nowMs: number): void {
    // A voice that has gone back says again what was heard before.
    this.#furthest = Math.max(this.#furthest, position);
    const slot = this.#sent++ % FRAMES;
    this.#sentAtMs[slot] = nowMs;
    this.#positions[slot] = this.#furthest;
    this.#nowMs = nowMs;
  }

  /** Nothing has left, and time goes by. */
  rested(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /**
   * How far `speech` has come.
   * @param position up to where it was sent, or is about to be
   */
  progress(speech: SpeechAudio, position: number): ReplyProgress {
    const heardAt = this.#delayMs === undefined ? position : this.#heardAt(this.#nowMs - this.#delayMs);
    const heard = speech.heardText(heardAt);
    const estimated = heard !== '' && (this.#delayMs === undefined || !speech.isExactAt(heardAt));
    return {
      heard,
      unheard: speech.unheardText(heardAt),
      whole: speech.wholeClauses(heardAt),
      bridgesOnly: !speech.hasContent,
      ...(estimated && { estimated }),
    };
  }

  #heardAt(leftUntilMs: number): number {
    const oldest = Math.max(0, this.#sent - FRAMES);
    for (let frame = this.#sent - 1; frame >= oldest; frame--) {
      if (this.#sentAtMs[frame % FRAMES]! <= leftUntilMs) return this.#positions[frame % FRAMES]!;
    }
    return 0;
  }
}

type Sent = Pick<Playout, 'audible' | 'position' | 'speech'>;

/** The words of the reply that have left, be they heard or not yet. @param begunMs with those that end so much later */
export function sentText({ audible, position, speech }: Sent, begunMs = 0): string {
  return audible && speech ? speech.heardText(position + (begunMs * speech.sampleRateHz) / 1000) : '';
}
