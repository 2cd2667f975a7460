/** The way of a story's packets, in place of the sockets: from the caller to the calls that hear it, and back. */
import { parseRtp, RtpHeader } from '../../../media/rtp/rtp.ts';
import type { RtpReceiver } from '../../../media/rtp/rtp-socket.ts';

export class StoryLink {
  readonly #receivers = new Map<number, RtpReceiver>();
  readonly #header = new RtpHeader();
  readonly #onPacket: (packet: Uint8Array) => void;

  /** @param onPacket given a copy of each packet of the agent's */
  constructor(onPacket: (packet: Uint8Array) => void) {
    this.#onPacket = onPacket;
  }

  receive(ssrc: number, receiver: RtpReceiver): void {
    this.#receivers.set(ssrc, receiver);
  }

  forget(ssrc: number): void {
    this.#receivers.delete(ssrc);
  }

  send(packet: Uint8Array): void {
    this.#onPacket(packet.slice());
  }

  /** A packet of the caller arrives. */
  deliver(packet: Uint8Array, nowMs: number): void {
    if (!parseRtp(packet, packet.length, this.#header)) throw new Error('the caller sent what is no RTP');
    this.#receivers.get(this.#header.ssrc)?.(this.#header, Buffer.from(packet), nowMs);
  }
}
