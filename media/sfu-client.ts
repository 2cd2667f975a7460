/** One browser's side of a call: its two transports, what it sends and what it hears. */
import type { types } from 'mediasoup';
import { MediaError } from './errors.ts';
import type { SfuLink } from './sfu-link.ts';
import type { SfuWorker } from './sfu-worker.ts';

export type SfuClientEvents = {
  /** One of the browser's transports is connected. */
  onConnected: () => void;
  /** The browser closed its connection, or it timed out. */
  onGone: () => void;
};

export type JoinOptions = {
  rtpCapabilities: types.RtpCapabilities;
  playback: 'running' | 'blocked';
  keep?: { send: string; receive: string; consumer: string } | undefined;
  /** The page was loaded anew: what it was asked for before is lost. */
  anew?: true | undefined;
};

/** What is known of a client that does not know of this pod yet. */
export type StandbyOptions = Pick<JoinOptions, 'rtpCapabilities' | 'playback'> & { microphone: boolean };

/** What a client tells of its side; what it leaves out is as it was. */
export type ClientReport = {
  microphone?: 'active' | 'none' | undefined;
  playback?: 'running' | 'blocked' | undefined;
  noPacketsForMs?: number | undefined;
  statistics?: { playoutDelayMs?: number | undefined; roundTripMs?: number | undefined } | undefined;
};

/** What a browser is told to connect. Plain data. */
export type ClientMediaOptions = {
  send: ClientTransportOptions;
  receive: ClientTransportOptions;
  consumer: ClientConsumerOptions;
};
type ClientTransportOptions = {
  id: string;
  iceParameters: types.IceParameters;
  iceCandidates: types.IceCandidate[];
  dtlsParameters: types.DtlsParameters;
};
export type ClientConsumerOptions = {
  id: string;
  producerId: string;
  kind: 'audio';
  rtpParameters: types.RtpParameters;
};

/** After this long without an answer to ICE checks the path counts as gone (RFC 7675 §5.1: 30 s). */
const ICE_CONSENT_TIMEOUT_S = 30;

export class SfuClient {
  readonly #link: SfuLink;
  readonly #send: types.WebRtcTransport;
  readonly #receive: types.WebRtcTransport;
  readonly #agent: types.Consumer;
  #caller: types.Producer | undefined;
  #callerToVoice: types.Consumer | undefined;
  #closed = false;

  private constructor(
    link: SfuLink,
    send: types.WebRtcTransport,
    receive: types.WebRtcTransport,
    agent: types.Consumer,
  ) {
    this.#link = link;
    this.#send = send;
    this.#receive = receive;
    this.#agent = agent;
  }

  /** @throws {MediaError} `invalid_media_parameters` when this browser cannot receive Opus */
  static async open(
    link: SfuLink,
    agent: types.Producer,
    rtpCapabilities: types.RtpCapabilities,
    events: SfuClientEvents,
  ): Promise<SfuClient> {
    const { worker } = link;
    const transports = await Promise.all([createTransport(worker), createTransport(worker)]);
    const [send, receive] = transports;
    try {
      // NACK for Opus: mediasoup leaves it out of audio consumers unless retransmission is asked for.
      const consumer = await receive.consume({ producerId: agent.id, rtpCapabilities, enableRtx: true });
      const client = new SfuClient(link, send, receive, consumer);
      client.#watch(events);
      return client;
    } catch (error) {
      for (const transport of transports) transport.close();
      throw invalid('this browser cannot receive the agent: its rtpCapabilities hold no Opus', error);
    }
  }

  get options(): ClientMediaOptions {
    return { send: describe(this.#send), receive: describe(this.#receive), consumer: this.agentConsumer };
  }

  get agentConsumer(): ClientConsumerOptions {
    const { id, producerId, rtpParameters } = this.#agent;
    return { id, producerId, kind: 'audio', rtpParameters };
  }

  /** Whether a browser that names these ids still has this media. */
  matches(keep: { send: string; receive: string; consumer: string }): boolean {
    return (
      !this.#closed &&
      keep.send === this.#send.id &&
      keep.receive === this.#receive.id &&
      keep.consumer === this.#agent.id
    );
  }

  /** The browser can hear. */
  get receiving(): boolean {
    return this.#receive.dtlsState === 'connected';
  }

  /** The browser can be heard. */
  get sending(): boolean {
    return this.#send.dtlsState === 'connected';
  }

  /** Of whatever came on both transports: media, reports, checks. */
  async bytesReceived(): Promise<number> {
    const stats = await Promise.all([this.#send.getStats(), this.#receive.getStats()]);
    return stats.flat().reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
  }

  /** SSRC under which the caller's packets reach the voice worker, once the caller produces. */
  get callerSsrc(): number | undefined {
    return this.#callerToVoice?.rtpParameters.encodings?.[0]?.ssrc;
  }

  async connect(transportId: string, dtlsParameters: types.DtlsParameters): Promise<void> {
    const transport = this.#transport(transportId);
    await rejectAsInvalid('dtlsParameters', () => transport.connect({ dtlsParameters }));
  }

  /** @returns the producer's id. A second one takes the place of the first. */
  async produce(transportId: string, rtpParameters: types.RtpParameters): Promise<string> {
    if (this.#transport(transportId) !== this.#send) {
      throw new MediaError('unknown_transport', 'only the sending transport can produce');
    }
    this.#caller?.close();
    const parameters = { kind: 'audio' as const, rtpParameters };
    const producer = await rejectAsInvalid('rtpParameters', () => this.#send.produce(parameters));
    this.#caller = producer;
    this.#callerToVoice = await this.#link.consumeCaller(producer.id);
    return producer.id;
  }

  async restartIce(transportId: string): Promise<types.IceParameters> {
    return this.#transport(transportId).restartIce();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#callerToVoice?.close();
    this.#send.close();
    this.#receive.close();
  }

  #transport(id: string): types.WebRtcTransport {
    const transport = [this.#send, this.#receive].find((candidate) => candidate.id === id && !candidate.closed);
    if (!transport) throw new MediaError('unknown_transport', 'this call has no transport with that id');
    return transport;
  }

  #watch(events: SfuClientEvents): void {
    for (const transport of [this.#send, this.#receive]) {
      transport.on('dtlsstatechange', (state) => {
        if (state === 'connected') events.onConnected();
        if (!this.#closed && (state === 'closed' || state === 'failed')) events.onGone();
      });
      transport.on('icestatechange', (state) => {
        if (!this.#closed && state === 'disconnected') events.onGone();
      });
    }
  }
}

function createTransport({ router, webRtcServer }: SfuWorker): Promise<types.WebRtcTransport> {
  return router.createWebRtcTransport({
    webRtcServer,
    enableUdp: true,
    enableTcp: true,
    preferUdp: true,
    iceConsentTimeout: ICE_CONSENT_TIMEOUT_S,
  });
}

function describe({ id, iceParameters, iceCandidates, dtlsParameters }: types.WebRtcTransport): ClientTransportOptions {
  return { id, iceParameters, iceCandidates, dtlsParameters };
}

async function rejectAsInvalid<Value>(what: string, action: () => Promise<Value>): Promise<Value> {
  try {
    return await action();
  } catch (error) {
    throw invalid(`these ${what} cannot be used`, error);
  }
}

function invalid(message: string, cause: unknown): MediaError {
  return new MediaError('invalid_media_parameters', message, { cause });
}
