/** What a scripted caller heard of the agent: every packet with its time, and who sent it. */
import { RtpHeader, parseRtp } from '../../media/rtp/rtp.ts';

/** Times are monotonic ms, as `performance.now()` gives them. */
export type HeardPacket = {
  atMs: number;
  /** Which set of transports it came over, from 0. */
  link: number;
  /** Whether that set was in use; one that stands by, or is about to be closed, is not played. */
  played: boolean;
  sequence: number;
  timestamp: number;
  /** It carries sound; otherwise it says that there is none. */
  voice: boolean;
};

/** A frame of digital silence has 3 bytes; speech, down to the pause before a consonant, has more than this. */
const SILENCE_BYTES = 8;

export class HeardVoice {
  readonly packets: HeardPacket[] = [];
  /** The epoch of each set of transports; undefined until its owner has been heard of. */
  readonly epochs: (number | undefined)[] = [];
  readonly #header = new RtpHeader();
  /** How many packets of any kind came over transports in use. */
  played = 0;

  note(packet: Uint8Array, link: number, played: boolean, atMs: number): void {
    if (!parseRtp(packet, packet.length, this.#header)) return;
    const { sequence, timestamp, payloadOffset, payloadEnd } = this.#header;
    const voice = payloadEnd - payloadOffset > SILENCE_BYTES;
    this.packets.push({ atMs, link, played, sequence, timestamp, voice });
    if (played) this.played++;
  }

  /** When the agent's voice was first played in this time; undefined where it was not. */
  firstVoiceMs(fromMs = 0, toMs = Infinity): number | undefined {
    return this.#voice(fromMs, toMs)[0]?.atMs;
  }

  /**
   * The longest time without a packet of the agent's voice being played, from `fromMs` to `toMs`, in which it is known
   * to speak all the time.
   */
  longestGapMs(fromMs: number, toMs: number): number {
    const times = [fromMs, ...this.#voice(fromMs, toMs).map(({ atMs }) => atMs), toMs];
    return Math.max(...times.slice(1).map((atMs, index) => atMs - times[index]!));
  }

  /** How much of its voice was played, in ms: 20 for each packet. */
  voiceMs(fromMs = 0, toMs = Infinity): number {
    return this.#voice(fromMs, toMs).length * 20;
  }

  /** The epoch that was played last at this moment. */
  epochAt(atMs: number): number | undefined {
    const link = this.#voice(0, atMs).at(-1)?.link;
    return link === undefined ? undefined : this.epochs[link];
  }

  /**
   * Packets of voice from an owner that had been replaced: they came, over whichever transports, after the first voice of
   * a later owner. Two owners are heard where there are any.
   */
  get fromFormerOwners(): HeardPacket[] {
    let highest = -1;
    return this.packets.filter(({ voice, link }) => {
      const epoch = this.epochs[link];
      if (!voice || epoch === undefined) return false;
      highest = Math.max(highest, epoch);
      return epoch < highest;
    });
  }

  #voice(fromMs: number, toMs: number): HeardPacket[] {
    return this.packets.filter(({ voice, played, atMs }) => voice && played && atMs >= fromMs && atMs < toMs);
  }
}
