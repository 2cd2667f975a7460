/** A voice worker's UDP socket towards one media worker: plain RTP and RTCP of all the calls that the two share. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isRtcp, parseRtp, RtpHeader } from './rtp.ts';
import { dropsAtPort } from './udp-drops.ts';

const LOOPBACK = '127.0.0.1';
/**
 * Asked of the kernel for each direction. A caller sends 50 packets/s of some 100 bytes, which the kernel counts as
 * about 800; 4 MiB bridge 100 ms for 1,000 callers. Linux gives no more than net.core.rmem_max.
 */
const BUFFER_BYTES = 4 << 20;

export type RtpSocketOptions = {
  /** The clock that packets are stamped with on arrival, in ms. */
  now: () => number;
  /** RTCP from the media worker; valid during the call only. */
  onRtcp: (packet: Buffer, nowMs: number) => void;
  /** A receiver threw: a mistake of ours, told so that it can be mended. */
  onFault: (fault: unknown) => void;
};

/** Takes the packets of one SSRC. `header` is shared and valid during the call only; `packet` may be kept. */
export type RtpReceiver = (header: RtpHeader, packet: Buffer, nowMs: number) => void;

export class RtpSocket {
  readonly #socket: Socket;
  readonly #options: RtpSocketOptions;
  readonly #receivers = new Map<number, RtpReceiver>();
  readonly #header = new RtpHeader();
  #remotePort = 0;
  #connected = false;
  #closed = false;
  /** Packets that were no RTP, came from elsewhere, or belonged to no call. */
  readonly statistics = { received: 0, malformed: 0, strangers: 0, unclaimed: 0, sendFailures: 0 };

  constructor(options: RtpSocketOptions) {
    this.#options = options;
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES });
    this.#socket.on('message', this.#onMessage);
    // A connected UDP socket hears "port unreachable" when the media worker has died; its replacement is on the way.
    this.#socket.on('error', () => this.statistics.sendFailures++);
  }

  /** Binds to 127.0.0.1. @param port the port of a predecessor, or 0 for a free one. @returns the bound port. */
  async bind(port = 0): Promise<number> {
    this.#socket.bind({ port, address: LOOPBACK, exclusive: true });
    await once(this.#socket, 'listening');
    return this.#socket.address().port;
  }

  /** From now on the kernel drops whatever does not come from this port of 127.0.0.1. */
  async connect(remotePort: number): Promise<void> {
    this.#remotePort = remotePort;
    this.#socket.connect(remotePort, LOOPBACK);
    await once(this.#socket, 'connect');
    this.#connected = true;
  }

  receive(ssrc: number, receiver: RtpReceiver): void {
    this.#receivers.set(ssrc, receiver);
  }

  forget(ssrc: number): void {
    this.#receivers.delete(ssrc);
  }

  /** Sends at once, if there is anybody to send to. The bytes must stay as they are until the next turn of the loop. */
  send(packet: Uint8Array): void {
    if (this.#connected && !this.#closed) this.#socket.send(packet, this.#onSent);
  }

  /** Bytes of receive buffer that the kernel really gave. */
  get receiveBufferBytes(): number {
    return this.#closed ? 0 : this.#socket.getRecvBufferSize();
  }

  /** Packets that the kernel dropped because this socket's buffer was full; 0 where it does not tell (not Linux). */
  async kernelDrops(): Promise<number> {
    if (this.#closed) return 0;
    return dropsAtPort(this.#socket.address().port);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receivers.clear();
    this.#socket.close();
  }

  readonly #onMessage = (packet: Buffer, from: RemoteInfo): void => {
    // Packets that arrived between bind and connect are still in the kernel's queue, from wherever they came.
    if (from.port !== this.#remotePort || from.address !== LOOPBACK) {
      this.statistics.strangers++;
      return;
    }
    const nowMs = this.#options.now();
    this.statistics.received++;
    if (isRtcp(packet)) {
      this.#options.onRtcp(packet, nowMs);
    } else if (!parseRtp(packet, packet.length, this.#header)) {
      this.statistics.malformed++;
    } else {
      const receiver = this.#receivers.get(this.#header.ssrc);
      if (receiver) this.#hand(receiver, packet, nowMs);
      else this.statistics.unclaimed++;
    }
  };

  /** A packet that a call cannot take must not be the end of all the calls on this thread. */
  #hand(receiver: RtpReceiver, packet: Buffer, nowMs: number): void {
    try {
      receiver(this.#header, packet, nowMs);
    } catch (fault) {
      this.#options.onFault(fault);
    }
  }

  readonly #onSent = (error: Error | null): void => {
    if (error) this.statistics.sendFailures++;
  };
}
