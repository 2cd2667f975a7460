/** What both sides of a call said, as the packets that came and went: two files beside its journal. */
import { randomInt } from 'node:crypto';
import { AppendedFile } from '../runtime/appended-file.ts';
import { AudioTrack } from './audio-track.ts';
import { RTP_HEADER_BYTES } from '../rtp/rtp.ts';

export type JournalAudioOptions = {
  /** Of the journal; `-caller.opus` and `-agent.opus` stand in the place of its ending. */
  journalPath: string;
  /** When both begin, on the clock of `nowMs`. */
  startMs: number;
  onFault: (fault: unknown) => void;
};

/** Each; four hours of speech that never pauses. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_WAITING_BYTES = 1024 * 1024;
/** Where the timestamp stands in a packet of RTP. */
const TIMESTAMP_OFFSET = 4;

export class JournalAudio {
  readonly #caller: RecordedTrack;
  readonly #agent: RecordedTrack;

  constructor({ journalPath, startMs, onFault }: JournalAudioOptions) {
    const base = journalPath.replace(/\.jsonl$/, '');
    const record = (side: string) => new RecordedTrack(`${base}-${side}.opus`, startMs, onFault);
    this.#caller = record('caller');
    this.#agent = record('agent');
  }

  /** In the order of the timestamps. */
  caller(payload: Uint8Array, timestamp: number, nowMs: number): void {
    this.#caller.packet(payload, timestamp, nowMs);
  }

  /** A packet of RTP that leaves. */
  agent(packet: Uint8Array, nowMs: number): void {
    const timestamp = Buffer.from(packet.buffer, packet.byteOffset, packet.length).readUInt32BE(TIMESTAMP_OFFSET);
    this.#agent.packet(packet.subarray(RTP_HEADER_BYTES), timestamp, nowMs);
  }

  /** Idempotent. */
  async close(nowMs: number): Promise<void> {
    await Promise.all([this.#caller.close(nowMs), this.#agent.close(nowMs)]);
  }
}

/** A way out on which all packets are kept, too. */
export function recording(audio: JournalAudio, now: () => number, send: (packet: Uint8Array) => void) {
  return (packet: Uint8Array): void => {
    audio.agent(packet, now());
    send(packet);
  };
}

class RecordedTrack {
  readonly #track: AudioTrack;
  readonly #file: AppendedFile;
  #closed = false;

  constructor(path: string, startMs: number, onFault: (fault: unknown) => void) {
    this.#track = new AudioTrack(randomInt(2 ** 32 - 1), startMs);
    const bounds = { maxFileBytes: MAX_FILE_BYTES, maxWaitingBytes: MAX_WAITING_BYTES };
    this.#file = new AppendedFile({ path, ...bounds, onFault });
    this.#file.append(this.#track.head());
  }

  packet(payload: Uint8Array, timestamp: number, nowMs: number): void {
    if (!this.#closed) this.#file.append(this.#track.packet(payload, timestamp, nowMs));
  }

  close(nowMs: number): Promise<void> {
    if (!this.#closed) this.#file.append(this.#track.end(nowMs));
    this.#closed = true;
    return this.#file.close();
  }
}
