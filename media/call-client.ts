/** The browser's side of a call on the main thread: its media, whether it can hear and be heard, and its absence. */
import type { types } from 'mediasoup';
import { monotonicMs } from './runtime/clock.ts';
import { MediaError } from './errors.ts';
import type { ClientPresence } from './tools/client-tools.ts';
import { MediaArrival } from './media-arrival.ts';
import {
  SfuClient,
  type ClientConsumerOptions,
  type ClientMediaOptions,
  type ClientReport,
  type JoinOptions,
} from './sfu-client.ts';
import type { SfuLink } from './sfu-link.ts';

/** `lost`: the client had media here, and nothing of it arrives any more. */
export type MediaState = 'flowing' | 'lost' | 'none';

export type CallClientOptions = {
  /** Where the agent's voice comes from; undefined while the call is being moved to another media worker. */
  path: () => { link: SfuLink; agent: types.Producer } | undefined;
  /** The caller's packets come with this SSRC. */
  onCaller: (ssrc: number | undefined) => void;
  /** The client can hear and, if at all, be heard (`true`), or no longer. */
  onReady: (ready: boolean) => void;
  /** What is sent to it is heard so much later. */
  onHears: (afterMs: number) => void;
  /** The client's connection stands (`anew`: that of a page loaded anew), or is gone; its media may flow all the same. */
  onConnected: (connection: ClientPresence) => void;
  /** Something about its media has changed that `stands` may depend on. */
  onProgress: () => void;
  onNotice: (code: string, message: string) => void;
  absence: Absence;
  /** It is gone, and has had no media for `absence.idleMs`. */
  onIdle: () => void;
};

/** How long a client may be without its signalling connection, in ms. */
export type Absence = {
  /** Then its media is dropped. A browser is back in 1 s or never. */
  graceMs: number;
  /** And this much later all that the call holds, until somebody joins again: as long as a place is kept. */
  idleMs: number;
};

export const DEFAULT_ABSENCE: Absence = { graceMs: 15_000, idleMs: 60_000 };

export class CallClient {
  readonly #options: CallClientOptions;
  #media: SfuClient | undefined;
  #arrival: MediaArrival | undefined;
  #capabilities: types.RtpCapabilities | undefined;
  #canHear = false;
  /** It produces, or has said that it has no microphone. */
  #speaks = false;
  #withoutMicrophone = false;
  #ready = false;
  #connected = false;
  #moveOwed = false;
  #graceTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CallClientOptions) {
    this.#options = options;
  }

  get isPresent(): boolean {
    return this.#media !== undefined;
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** It has lost its media with a worker, and was given no other yet. */
  get isMoveOwed(): boolean {
    return this.#moveOwed;
  }

  /** Its connection stands: what it is told it hears of. */
  get isConnected(): boolean {
    return this.#connected;
  }

  get callerSsrc(): number | undefined {
    return this.#media?.callerSsrc;
  }

  /** Its media is connected in both directions; in the one that there is, where it has no microphone. */
  get stands(): boolean {
    const media = this.#media;
    return media !== undefined && media.receiving && this.#speaks && (this.#withoutMicrophone || media.sending);
  }

  async join(
    request: JoinOptions,
    signal: AbortSignal,
  ): Promise<{ kept: true } | { kept: false; media: ClientMediaOptions }> {
    clearTimeout(this.#graceTimer);
    this.#setConnected(request.anew ? 'anew' : 'here');
    this.#canHear = request.playback === 'running';
    if (request.keep && this.#media?.matches(request.keep)) return { kept: true };
    signal.throwIfAborted();
    return { kept: false, media: await this.openAnew(request, false) };
  }

  /** Drops the media that there is, and opens other. */
  async openAnew(
    { rtpCapabilities, playback }: Pick<JoinOptions, 'rtpCapabilities' | 'playback'>,
    withoutMicrophone: boolean,
  ): Promise<ClientMediaOptions> {
    this.drop();
    this.#setConnected('here');
    this.#canHear = playback === 'running';
    this.#capabilities = rtpCapabilities;
    this.#withoutMicrophone = withoutMicrophone;
    return this.open();
  }

  /** Opens media for the client that joined last. */
  async open(): Promise<ClientMediaOptions> {
    if (this.#closed) throw new MediaError('session_not_found', 'the call has ended');
    const path = this.#options.path();
    if (!path || !this.#capabilities) {
      throw new MediaError('server_busy', 'the call is being moved to another worker');
    }
    const media: SfuClient = await SfuClient.open(path.link, path.agent, this.#capabilities, {
      onConnected: () => this.#checkReady(),
      onGone: () => media === this.#media && this.drop(),
    });
    if (this.#closed) media.close();
    this.#media = media;
    this.#arrival = new MediaArrival({ read: () => media.bytesReceived(), now: monotonicMs });
    this.#moveOwed = false;
    this.#speaks = this.#withoutMicrophone;
    if (this.#withoutMicrophone) this.#arrival.watch();
    return media.options;
  }

  async connectTransport(transportId: string, dtlsParameters: types.DtlsParameters): Promise<void> {
    await this.#present().connect(transportId, dtlsParameters);
  }

  consume(): ClientConsumerOptions {
    return this.#present().agentConsumer;
  }

  async restartIce(transportId: string): Promise<types.IceParameters> {
    return this.#present().restartIce(transportId);
  }

  async produce(transportId: string, rtpParameters: types.RtpParameters): Promise<string> {
    const media = this.#present();
    const producerId = await media.produce(transportId, rtpParameters);
    if (media !== this.#media) throw new MediaError('unknown_transport', 'the transport was replaced meanwhile');
    this.#speaks = true;
    this.#withoutMicrophone = false;
    this.#options.onCaller(media.callerSsrc);
    this.#checkReady();
    return producerId;
  }

  report({ microphone, playback, noPacketsForMs, statistics }: ClientReport): void {
    // Before, it is a suspicion, which a single lost packet raises.
    if (noPacketsForMs !== undefined && noPacketsForMs >= 1000) {
      this.#options.onNotice('client_hears_nothing', `no packet reached the client for ${noPacketsForMs} ms`);
    }
    if (microphone === 'none') {
      this.#speaks = this.#withoutMicrophone = true;
      this.#arrival?.watch();
    }
    if (playback) this.#canHear = playback === 'running';
    const { playoutDelayMs, roundTripMs = 0 } = statistics ?? {};
    if (playoutDelayMs !== undefined) this.#options.onHears(Math.round(playoutDelayMs + roundTripMs / 2));
    this.#checkReady();
  }

  /** The signalling connection is gone; the media may still flow. */
  gone(): void {
    clearTimeout(this.#graceTimer);
    this.#setConnected('away');
    const { graceMs, idleMs } = this.#options.absence;
    this.#graceTimer = setTimeout(() => {
      this.#moveOwed = false;
      this.drop();
      this.#graceTimer = setTimeout(() => this.#options.onIdle(), idleMs);
      this.#graceTimer.unref();
    }, graceMs);
    this.#graceTimer.unref();
  }

  async mediaState(signal: AbortSignal): Promise<MediaState> {
    const arrival = this.#arrival;
    if (!this.#media || !arrival) return 'none';
    return (await arrival.isFlowing(signal)) ? 'flowing' : 'lost';
  }

  /** Its media has to be made anew. */
  oweMove(): void {
    this.#moveOwed ||= this.#media !== undefined;
    this.drop();
  }

  drop(): void {
    const media = this.#media;
    this.#media = undefined;
    this.#arrival?.close();
    this.#arrival = undefined;
    this.notReady();
    media?.close();
  }

  notReady(): void {
    this.#speaks = false;
    if (!this.#ready) return;
    this.#ready = false;
    this.#options.onReady(false);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#graceTimer);
    this.#arrival?.close();
    this.#media?.close();
    this.#media = undefined;
  }

  #setConnected(presence: ClientPresence): void {
    this.#connected = presence !== 'away';
    this.#options.onConnected(presence);
  }

  #present(): SfuClient {
    if (!this.#media) throw new MediaError('unknown_transport', 'the client has no media here; it has to join');
    return this.#media;
  }

  #checkReady(): void {
    this.#options.onProgress();
    if (this.#ready || !this.#canHear || !this.#speaks || !this.#media?.receiving) return;
    this.#ready = true;
    this.#options.onReady(true);
  }
}
