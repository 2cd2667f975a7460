import type { Consumer, ConsumerOptions, Device, Producer, Transport } from 'mediasoup-client/types';
import type { IceServer, MediaOptions, RtpParameters } from '../../signalling/protocol.ts';
import { ParleyError } from './errors.ts';
import type { IceState } from './ice-recovery.ts';
import { plain } from './host-addresses.ts';
import type { NetworkRealm } from './network-realm.ts';
import type { Signalling } from './signalling.ts';
import type { StatsEntry } from './statistics.ts';

export type MediaLinkOptions = {
  device: Device;
  iceServers: IceServer[];
  media: MediaOptions;
  signalling: Pick<Signalling, 'request'>;
  /** Whose connections to use; it is closed with them. Absent: the page's own. */
  realm?: NetworkRealm | undefined;
  /** The worse of both transports' states has changed. */
  onState: (state: IceState) => void;
  /** The server refused a transport: this link will not work. */
  onFailed: (error: ParleyError) => void;
};

/** From the first packet of ICE to a standing connection; past it the person is told that sound does not get through. */
const connectTimeoutMs = 15_000;
/** Shorter than other requests: it is sent when the network is in doubt, and shows whether the socket still lives. */
const restartTimeoutMs = 3000;

/** What the caller sends. In-band error correction is off because the server does not decode it; NACK repairs instead. */
const codecOptions = { opusStereo: false, opusDtx: true, opusFec: false, opusNack: true } as const;

/** One set of transports: the caller's voice to the server, the agent's back. Nothing is repaired here. */
export class MediaLink {
  readonly #options: MediaLinkOptions;
  readonly #send: Transport;
  readonly #receive: Transport;
  readonly #waiting = new Set<() => void>();
  #producer: Producer | undefined;
  #consumer: Consumer | undefined;
  /** One after the other: two at once would send two streams. */
  #sending: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: MediaLinkOptions) {
    this.#options = options;
    const { device, media, iceServers, realm } = options;
    const create = () => ({
      receive: device.createRecvTransport({ ...media.receive, iceServers }),
      send: device.createSendTransport({ ...media.send, iceServers }),
    });
    const { receive, send } = realm ? realm.within(create) : create();
    this.#receive = receive;
    this.#send = send;
    this.#prepare(this.#receive);
    this.#prepare(this.#send);
    this.#send.on('produce', ({ rtpParameters }, callback, errback) => {
      // The protocol's schema is narrower than mediasoup-client's type, and the server checks it.
      const request = { transportId: this.#send.id, rtpParameters: rtpParameters as RtpParameters };
      options.signalling
        .request('produce', request)
        .then(({ producerId }) => callback({ id: producerId }))
        .catch(errback);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What the server is asked to keep on a reconnection; `undefined` until all of it stands. */
  get keep(): { send: string; receive: string; consumer: string } | undefined {
    if (this.#closed || !this.#consumer || this.state !== 'connected') return undefined;
    return { send: this.#send.id, receive: this.#receive.id, consumer: this.#consumer.id };
  }

  /** The worse of both transports' states; the sending one counts once it is used. */
  get state(): IceState {
    const states = this.#used().map((transport) => transport.connectionState);
    const order: IceState[] = ['closed', 'failed', 'disconnected', 'new', 'connecting', 'connected'];
    return order.find((state) => states.includes(state)) ?? 'new';
  }

  /** The agent's, once `receive` was called. */
  get track(): MediaStreamTrack | undefined {
    return this.#consumer?.track;
  }

  /** Names this set of transports to the server. */
  get transportId(): string {
    return this.#send.id;
  }

  get receiver(): RTCRtpReceiver | undefined {
    return this.#consumer?.rtpReceiver;
  }

  get receiveConnected(): boolean {
    return this.#receive.connectionState === 'connected';
  }

  get sendConnected(): boolean {
    return this.#send.connectionState === 'connected';
  }

  get producing(): boolean {
    return this.#producer !== undefined;
  }

  /** Begins to receive the agent's voice. @returns its track, silent until the connection stands */
  async receive(): Promise<MediaStreamTrack> {
    this.#consumer = await this.#receive.consume(this.#options.media.consumer as ConsumerOptions);
    return this.#consumer.track;
  }

  /** Sends the caller's voice, or exchanges the track that is sent. The track stays the caller's to stop. */
  send(track: MediaStreamTrack): Promise<void> {
    const sending = this.#sending.then(() => this.#sendNow(track));
    this.#sending = sending.catch(() => undefined);
    return sending;
  }

  /** @throws ParleyError `ice_failed` */
  async connected(): Promise<void> {
    const deadlineMs = Date.now() + connectTimeoutMs;
    while (this.state !== 'connected') {
      if (this.#closed) throw new ParleyError('request_failed', { message: 'The connection was replaced.' });
      const remainingMs = deadlineMs - Date.now();
      if (remainingMs <= 0 || this.state === 'failed') throw new ParleyError('ice_failed');
      await this.#stateChange(remainingMs);
    }
  }

  /** Looks for a new network path on both transports. */
  async restartIce(): Promise<void> {
    await Promise.all(
      this.#used().map(async (transport) => {
        const request = { transportId: transport.id };
        const { iceParameters } = await this.#options.signalling.request('restart-ice', request, restartTimeoutMs);
        if (!transport.closed) await transport.restartIce({ iceParameters });
      }),
    );
  }

  /** The browser's statistics of both connections. */
  async statistics(): Promise<{ received: StatsEntry[]; sent: StatsEntry[] }> {
    const [received, sent] = await Promise.all([
      this.#closed ? undefined : this.#receive.getStats(),
      this.#closed || !this.#producer ? undefined : this.#send.getStats(),
    ]);
    return { received: entries(received), sent: entries(sent) };
  }

  /** The addresses of the machine that it knows of, as far as the browser shows them. */
  async hostAddresses(): Promise<Set<string>> {
    const all = this.#closed ? [] : entries(await this.#receive.getStats());
    const hosts = all.filter((entry) => entry.type === 'local-candidate' && entry['candidateType'] === 'host');
    return plain(hosts.flatMap(({ address }) => (typeof address === 'string' ? address : [])));
  }

  /** Those of the agent's stream alone, which are cheaper. */
  async receivedStatistics(): Promise<StatsEntry[]> {
    return this.#closed || !this.#consumer ? [] : entries(await this.#consumer.getStats());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#send.close();
    this.#receive.close();
    this.#options.realm?.close();
    for (const wake of this.#waiting) wake();
  }

  async #sendNow(track: MediaStreamTrack): Promise<void> {
    if (this.#producer) {
      await this.#producer.replaceTrack({ track });
      return;
    }
    this.#producer = await this.#send.produce({ track, codecOptions, stopTracks: false, disableTrackOnPause: false });
  }

  #prepare(transport: Transport): void {
    transport.on('connect', ({ dtlsParameters }, callback) => {
      // Not waiting for the acknowledgement saves a round trip: the transport's parameters and `produce` leave together.
      callback();
      this.#options.signalling
        .request('connect-transport', { transportId: transport.id, dtlsParameters })
        .catch((error: ParleyError) => {
          if (!this.#closed) this.#options.onFailed(error);
        });
    });
    transport.on('connectionstatechange', () => {
      for (const wake of this.#waiting) wake();
      if (!this.#closed) this.#options.onState(this.state);
    });
  }

  #used(): Transport[] {
    return this.#send.connectionState === 'new' ? [this.#receive] : [this.#receive, this.#send];
  }

  #stateChange(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }
}

function entries(report: RTCStatsReport | undefined): StatsEntry[] {
  return report ? ([...report.values()] as StatsEntry[]) : [];
}
