/** Where a call's packets come from and go to: a link, and the SSRC of the caller on it. */
import type { RtpHeader } from './rtp.ts';
import type { RtpSocket } from './rtp-socket.ts';

/** What a call needs of a link. */
export type CallLink = Pick<RtpSocket, 'send' | 'receive' | 'forget'>;
type Receive = (header: RtpHeader, packet: Buffer, nowMs: number) => void;

export class CallerLink {
  #link: CallLink;
  #callerSsrc: number | undefined;

  constructor(link: CallLink) {
    this.#link = link;
  }

  readonly send = (packet: Uint8Array): void => this.#link.send(packet);

  /** The caller's packets come with this SSRC from now on; undefined: none come. */
  receiveFrom(ssrc: number | undefined, receive: Receive): void {
    if (this.#callerSsrc !== undefined) this.#link.forget(this.#callerSsrc);
    this.#callerSsrc = ssrc;
    if (ssrc !== undefined) this.#link.receive(ssrc, receive);
  }

  moveTo(link: CallLink): void {
    if (this.#callerSsrc !== undefined) this.#link.forget(this.#callerSsrc);
    this.#callerSsrc = undefined;
    this.#link = link;
  }
}
