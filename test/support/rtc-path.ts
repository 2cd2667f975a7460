/** One WebRTC connection of a caller without a browser: sends or receives one Opus stream. libdatachannel does the work. */
import { PeerConnection, Audio, type Track } from 'node-datachannel';
import { isRtcp } from '../../media/rtp/rtp.ts';
import type { DtlsParameters, TransportOptions } from '../../signalling/protocol.ts';

export type RtcPathOptions = {
  transport: TransportOptions;
  direction: 'send' | 'receive';
  /** SSRC and payload type of what is sent, or received. */
  ssrc: number;
  payloadType: number;
  /** The machine's address to use; absent: all of them. */
  bindAddress?: string | undefined;
  onPacket?: (packet: Buffer) => void;
  /** RTCP, as it came. Default: it is dropped. */
  onRtcp?: (packet: Buffer) => void;
  /** It stood, and does not any more. */
  onLost: () => void;
};

const MID = '0';
const CNAME = 'scripted';
/** ICE and DTLS take tens of milliseconds; a server that has moved on never answers. */
const CONNECT_TIMEOUT_MS = 10_000;

export class RtcPath {
  readonly id: string;
  readonly #options: RtcPathOptions;
  readonly #connection: PeerConnection;
  readonly #track: Track;
  readonly #offer: Promise<string>;
  readonly #opened = Promise.withResolvers<void>();
  #closed = false;

  constructor(options: RtcPathOptions) {
    const { transport, direction, ssrc, payloadType, bindAddress, onLost } = options;
    this.id = transport.id;
    this.#options = options;
    this.#connection = new PeerConnection(transport.id, { iceServers: [], ...(bindAddress && { bindAddress }) });
    const offered = Promise.withResolvers<string>();
    this.#offer = offered.promise;
    this.#connection.onLocalDescription((sdp) => offered.resolve(sdp));
    this.#connection.onStateChange((state) => {
      if (!this.#closed && ['disconnected', 'failed', 'closed'].includes(state)) onLost();
    });
    const audio = new Audio(MID, direction === 'send' ? 'SendOnly' : 'RecvOnly');
    audio.addOpusCodec(payloadType);
    if (direction === 'send') audio.addSSRC(ssrc, CNAME, CNAME, CNAME);
    this.#track = this.#connection.addTrack(audio);
    this.#track.onOpen(() => this.#opened.resolve());
    // RTCP comes the same way (RFC 5761).
    this.#track.onMessage((packet) => {
      if (this.#closed) return;
      if (isRtcp(packet)) options.onRtcp?.(packet);
      else options.onPacket?.(packet);
    });
    // Nobody need be waiting when it is closed.
    this.#opened.promise.catch(() => undefined);
    this.#connection.setLocalDescription();
  }

  get open(): boolean {
    return !this.#closed && this.#connection.state() === 'connected';
  }

  /** What the server has to know before it can be connected to. */
  async dtlsParameters(): Promise<DtlsParameters> {
    const [, algorithm, value] = /a=fingerprint:(\S+) (\S+)/.exec(await this.#offer) ?? [];
    if (value === undefined) throw new Error('libdatachannel offered no fingerprint');
    const fingerprints = [{ algorithm: algorithm!.toLowerCase() as 'sha-256', value }];
    return { role: 'client', fingerprints };
  }

  /**
   * Connects to a server that knows of it. One that does not ignores the first DTLS packet, and libdatachannel sends the
   * next a whole second later; a browser takes 50 ms.
   */
  async connect(): Promise<void> {
    if (this.#closed) throw new Error('this path is closed');
    this.#connection.setRemoteDescription(answerOf(this.#options), 'answer');
    const timer = setTimeout(
      () => this.#opened.reject(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    await this.#opened.promise.finally(() => clearTimeout(timer));
  }

  /** RTP in its direction, RTCP in either. @returns whether it could be sent */
  send(packet: Buffer): boolean {
    return this.open && this.#track.sendMessageBinary(packet);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opened.reject(new Error('this path was closed'));
    this.#connection.close();
  }
}

/** The session description that a browser on the other side would have answered with. */
function answerOf({ transport, direction, ssrc, payloadType }: RtcPathOptions): string {
  const { iceParameters, iceCandidates, dtlsParameters } = transport;
  const fingerprint = dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256');
  if (!fingerprint) throw new Error('the server has no SHA-256 fingerprint');
  const candidates = iceCandidates.filter(({ protocol }) => protocol === 'udp');
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${MID}`,
    `m=audio 9 UDP/TLS/RTP/SAVPF ${payloadType}`,
    'c=IN IP4 127.0.0.1',
    `a=mid:${MID}`,
    direction === 'send' ? 'a=recvonly' : 'a=sendonly',
    'a=rtcp-mux',
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    `a=fingerprint:sha-256 ${fingerprint.value}`,
    'a=setup:passive',
    `a=rtpmap:${payloadType} opus/48000/2`,
    ...(direction === 'receive' ? [`a=ssrc:${ssrc} cname:${CNAME}`] : []),
    ...candidates.map(
      ({ foundation, protocol, priority, ip, port, type }) =>
        `a=candidate:${foundation} 1 ${protocol} ${priority} ${ip} ${port} typ ${type}`,
    ),
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}
