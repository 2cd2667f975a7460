/** One set of transports of a scripted caller, as the SDK's `MediaLink` is one of a browser's. */
import { randomInt } from 'node:crypto';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../media/rtp/rtp.ts';
import type { Answers, MediaOptions, Request, RequestName, RtpParameters } from '../../signalling/protocol.ts';
import { MissingPackets, SentPackets } from './nack.ts';
import { RtcPath } from './rtc-path.ts';

export type RtcLinkOptions = {
  media: MediaOptions;
  bindAddress?: string | undefined;
  request: <Name extends RequestName>(name: Name, request: Request<Name>) => Promise<Answers[Name]>;
  onPacket: (packet: Buffer) => void;
  /** Asks for packets that are missing, and sends again what it is asked for. Default: it does neither. */
  repairs?: boolean;
  /** It stood, and does not any more. */
  onLost: () => void;
};

const PAYLOAD_TYPE = 111;
const LARGEST_PACKET = 1500;

export class RtcLink {
  readonly #options: RtcLinkOptions;
  readonly #ssrc = randomInt(1, 2 ** 31);
  readonly #sending: RtcPath;
  readonly #receiving: RtcPath;
  readonly #packet = Buffer.alloc(LARGEST_PACKET);
  readonly #sent: SentPackets;
  readonly #missing: MissingPackets;
  #sequence = randomInt(2 ** 16);
  #connected = false;
  #closed = false;

  constructor(options: RtcLinkOptions) {
    const { media, bindAddress, onPacket } = options;
    this.#options = options;
    const onLost = () => {
      if (this.#connected && !this.#closed) options.onLost();
    };
    const { rtpParameters } = media.consumer;
    const agentSsrc = rtpParameters.encodings?.[0]?.ssrc ?? 0;
    this.#sent = new SentPackets((packet) => void this.#sending.send(packet));
    this.#missing = new MissingPackets(agentSsrc, (rtcp) => void this.#receiving.send(rtcp));
    this.#receiving = new RtcPath({
      transport: media.receive,
      direction: 'receive',
      ssrc: agentSsrc,
      payloadType: rtpParameters.codecs[0]!.payloadType,
      bindAddress,
      onPacket: (packet) => {
        if (options.repairs) this.#missing.onRtp(packet, performance.now());
        onPacket(packet);
      },
      onLost,
    });
    const own = { direction: 'send' as const, ssrc: this.#ssrc, payloadType: PAYLOAD_TYPE };
    const onRtcp = (rtcp: Buffer) => this.#sent.onRtcp(rtcp);
    this.#sending = new RtcPath({ ...own, transport: media.send, bindAddress, onLost, onRtcp });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What the server is asked to keep on a reconnection; undefined until all of it stands. */
  get keep(): { send: string; receive: string; consumer: string } | undefined {
    if (!this.#connected || !this.#receiving.open || !this.#sending.open) return undefined;
    return { send: this.#sending.id, receive: this.#receiving.id, consumer: this.#options.media.consumer.id };
  }

  /** What was asked for again, by either end. */
  get repairs(): { asked: MissingPackets['statistics']; answered: SentPackets['statistics'] } {
    return { asked: this.#missing.statistics, answered: this.#sent.statistics };
  }

  /** Time goes by: what is still missing is asked for once more. */
  tick(nowMs: number): void {
    if (this.#options.repairs && this.#connected && !this.#closed) this.#missing.tick(nowMs);
  }

  /** Resolves when both directions stand. It takes one round trip more than the SDK, see `RtcPath.connect`. */
  async connect(): Promise<void> {
    const { request } = this.#options;
    const produced = request('produce', { transportId: this.#sending.id, rtpParameters: this.#rtpParameters() });
    await Promise.all([
      produced,
      ...[this.#receiving, this.#sending].map(async (path) => {
        const dtlsParameters = await path.dtlsParameters();
        await request('connect-transport', { transportId: path.id, dtlsParameters });
        await path.connect();
      }),
    ]);
    this.#connected = true;
  }

  /** @param timestamp in samples at 48 kHz */
  send(payload: Uint8Array, timestamp: number, marker: boolean): void {
    if (!this.#connected || this.#closed) return;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    writeRtpHeader(this.#packet, PAYLOAD_TYPE, marker, this.#sequence, timestamp, this.#ssrc);
    this.#packet.set(payload, RTP_HEADER_BYTES);
    const packet = this.#packet.subarray(0, RTP_HEADER_BYTES + payload.length);
    if (this.#options.repairs) this.#sent.note(packet);
    this.#sending.send(packet);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sending.close();
    this.#receiving.close();
  }

  #rtpParameters(): RtpParameters {
    const codec = { mimeType: 'audio/opus', payloadType: PAYLOAD_TYPE, clockRate: 48_000, channels: 2 };
    return {
      codecs: [{ ...codec, parameters: { usedtx: 1 }, rtcpFeedback: [{ type: 'nack' }] }],
      encodings: [{ ssrc: this.#ssrc, dtx: true }],
      rtcp: { cname: 'scripted' },
    };
  }
}
