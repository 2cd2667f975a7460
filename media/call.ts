/**
 * One call on the main thread: which workers carry it, the browser's media, and the orders to its voice worker. It
 * outlives both: a voice worker is replaced under it, and a media worker's death costs it the browser's transports only.
 */
import type { types } from 'mediasoup';
import type { AgentConfig } from './agent.ts';
import type { CallEvent } from './call-events.ts';
import type { CallLinks } from './call-links.ts';
import { monotonicMs } from './clock.ts';
import { MediaError } from './errors.ts';
import { ConversationHistory } from './history.ts';
import type { Message } from './providers/provider.ts';
import { SfuClient, type ClientMediaOptions, type ClientReport, type JoinOptions } from './sfu-client.ts';
import { AGENT_PAYLOAD_TYPE, type SfuLink } from './sfu-link.ts';
import type { VoiceThread } from './voice-thread.ts';
import type { CallSnapshot, ToVoiceWorker } from './voice-protocol.ts';

export type MoveEvent = { name: 'move'; data: { reason: 'media-worker'; media: ClientMediaOptions } };

export type CallOptions = {
  id: string;
  agent: AgentConfig;
  history: Message[];
  agentSsrc: number;
  /** The workers that carry it. */
  voiceIndex: number;
  mediaIndex: number;
  links: CallLinks;
  /** The voice worker's thread, whichever serves in that place now. */
  thread: () => VoiceThread;
  /** How the call last stood in its voice worker. */
  snapshot: () => CallSnapshot | undefined;
  onEvent: (event: CallEvent | MoveEvent) => void;
  onFlowing: (flowing: boolean) => void;
  /** The agent's limit for a conversation is reached. */
  onExpired: () => void;
  onNotice: (code: string, message: string) => void;
};

/** After this long without its signalling connection a client's media is dropped. A browser is back in 1 s or never. */
const GRACE_MS = 15_000;

export class Call {
  readonly #options: CallOptions;
  readonly startedAtMs = monotonicMs();
  readonly #history: ConversationHistory;
  #link: SfuLink | undefined;
  #agentProducer: types.Producer | undefined;
  /** The thread that knows of this call. */
  #openedIn: VoiceThread | undefined;
  #client: SfuClient | undefined;
  /** The client has lost its media with a worker, and was given no other yet. */
  #moveOwed = false;
  #capabilities: types.RtpCapabilities | undefined;
  #canHear = false;
  /** The client produces, or has said that it has no microphone. */
  #speaks = false;
  #withoutMicrophone = false;
  #ready = false;
  #graceTimer: NodeJS.Timeout | undefined;
  #limitTimer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: CallOptions) {
    this.#options = options;
    this.#history = new ConversationHistory(options.history);
  }

  get voiceIndex(): number {
    return this.#options.voiceIndex;
  }

  get mediaIndex(): number {
    return this.#options.mediaIndex;
  }

  get hasClient(): boolean {
    return this.#client !== undefined;
  }

  /** Opens the path and the call in its voice worker. */
  async open(): Promise<void> {
    await this.#connect();
    this.#openInVoiceWorker(undefined);
    const { agent, onExpired } = this.#options;
    this.#limitTimer = setTimeout(onExpired, agent.limits.sessionMinutes * 60_000);
    this.#limitTimer.unref();
  }

  /** Gives the client media, or leaves it the media that it still has. */
  join(
    request: JoinOptions,
    signal: AbortSignal,
  ): Promise<{ kept: true } | { kept: false; media: ClientMediaOptions }> {
    return this.#inOrder(async () => {
      clearTimeout(this.#graceTimer);
      this.#canHear = request.playback === 'running';
      if (request.keep && this.#client?.matches(request.keep)) return { kept: true };
      signal.throwIfAborted();
      this.#dropClient();
      this.#capabilities = request.rtpCapabilities;
      this.#withoutMicrophone = false;
      return { kept: false, media: await this.#openClient() };
    });
  }

  connectTransport(transportId: string, dtlsParameters: types.DtlsParameters): Promise<void> {
    return this.#present().connect(transportId, dtlsParameters);
  }

  async produce(transportId: string, rtpParameters: types.RtpParameters): Promise<string> {
    const client = this.#present();
    const producerId = await client.produce(transportId, rtpParameters);
    if (client !== this.#client) throw new MediaError('unknown_transport', 'the transport was replaced meanwhile');
    this.#speaks = true;
    this.#post({ type: 'caller-ssrc', callId: this.#options.id, ssrc: client.callerSsrc });
    this.#checkReady();
    return producerId;
  }

  consume() {
    return this.#present().agentConsumer;
  }

  restartIce(transportId: string): Promise<types.IceParameters> {
    return this.#present().restartIce(transportId);
  }

  say(text: string): Promise<string> {
    return this.#options.thread().say(this.#options.id, text);
  }

  interrupt(): void {
    this.#post({ type: 'interrupt', callId: this.#options.id });
  }

  mute(muted: boolean): void {
    this.#post({ type: 'mute', callId: this.#options.id, muted });
  }

  report({ microphone, playback, noPacketsForMs }: ClientReport): void {
    // Before, it is a suspicion, which a single lost packet raises.
    if (noPacketsForMs !== undefined && noPacketsForMs >= 1000) {
      this.#options.onNotice('client_hears_nothing', `no packet reached the client for ${noPacketsForMs} ms`);
    }
    if (microphone === 'none') this.#speaks = this.#withoutMicrophone = true;
    if (playback) this.#canHear = playback === 'running';
    this.#checkReady();
  }

  /** The signalling connection is gone; the media may still flow. */
  clientGone(): void {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => {
      this.#moveOwed = false;
      this.#dropClient();
    }, GRACE_MS);
    this.#graceTimer.unref();
  }

  /** Keeps what was said, for a voice worker that has to go on with it. */
  noteEvent(event: CallEvent): void {
    this.#history.note(event);
    this.#options.onEvent(event);
  }

  /**
   * A worker of this call was replaced: the voice worker is given the call, and the client other transports, where these
   * are gone. Rejects while the other worker is away; the next call of this goes on where it stopped.
   */
  carryOver(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#closed) return;
      if (!this.#link || this.#link.closed) await this.#reconnect();
      if (this.#openedIn !== this.#options.thread()) this.#reopen();
      if (!this.#moveOwed) return;
      const media = await this.#openClient();
      this.#options.onEvent({ name: 'move', data: { reason: 'media-worker', media } });
    });
  }

  /** The media worker has died: nobody is heard until `carryOver`. */
  mediaLost(): void {
    this.#link = undefined;
    this.#agentProducer = undefined;
    this.#notReady();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#limitTimer);
    this.#client?.close();
    this.#client = undefined;
    this.#agentProducer?.close();
    this.#post({ type: 'close-call', callId: this.#options.id });
  }

  async #connect(): Promise<SfuLink> {
    const { links, voiceIndex, mediaIndex, agentSsrc } = this.#options;
    const link = await links.get(voiceIndex, mediaIndex);
    const producer = await link.produceAgent(agentSsrc);
    if (this.#closed) {
      producer.close();
      throw new MediaError('session_not_found', 'the call has ended');
    }
    this.#link = link;
    this.#agentProducer = producer;
    return link;
  }

  #openInVoiceWorker(restore: CallSnapshot | undefined): void {
    const { id, agent, agentSsrc, thread } = this.#options;
    this.#openedIn = thread();
    this.#post({
      type: 'open-call',
      call: {
        callId: id,
        linkId: this.#link!.id,
        agent,
        agentSsrc,
        payloadType: AGENT_PAYLOAD_TYPE,
        startedAtMs: this.startedAtMs,
        history: this.#history.messages(),
        ...(restore && { restore }),
      },
    });
  }

  async #openClient(): Promise<ClientMediaOptions> {
    if (this.#closed) throw new MediaError('session_not_found', 'the call has ended');
    if (!this.#link || !this.#agentProducer || !this.#capabilities) {
      throw new MediaError('server_busy', 'the call is being moved to another worker');
    }
    const client: SfuClient = await SfuClient.open(this.#link, this.#agentProducer, this.#capabilities, {
      onReceiving: () => this.#checkReady(),
      onGone: () => client === this.#client && this.#dropClient(),
    });
    if (this.#closed) client.close();
    this.#client = client;
    this.#moveOwed = false;
    this.#speaks = this.#withoutMicrophone;
    return client.options;
  }

  async #reconnect(): Promise<void> {
    this.#moveOwed ||= this.#client !== undefined;
    this.#dropClient();
    const link = await this.#connect();
    this.#post({ type: 'move-call', callId: this.#options.id, linkId: link.id });
  }

  #reopen(): void {
    const { id: callId, snapshot } = this.#options;
    this.#openInVoiceWorker(snapshot());
    const ssrc = this.#client?.callerSsrc;
    if (ssrc !== undefined) this.#post({ type: 'caller-ssrc', callId, ssrc });
    if (this.#ready) this.#post({ type: 'client-ready', callId });
  }

  #dropClient(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#notReady();
    client?.close();
  }

  #notReady(): void {
    this.#speaks = false;
    if (!this.#ready) return;
    this.#ready = false;
    this.#post({ type: 'client-gone', callId: this.#options.id });
    this.#options.onFlowing(false);
  }

  #checkReady(): void {
    if (this.#ready || !this.#canHear || !this.#speaks || !this.#client?.receiving) return;
    this.#ready = true;
    this.#post({ type: 'client-ready', callId: this.#options.id });
    this.#options.onFlowing(true);
  }

  #present(): SfuClient {
    if (!this.#client) throw new MediaError('unknown_transport', 'the client has no media here; it has to join');
    return this.#client;
  }

  #post(message: ToVoiceWorker): void {
    this.#options.thread().post(message);
  }

  /** Joining, moving and resuming change the same things: one after another. */
  #inOrder<Value>(action: () => Promise<Value>): Promise<Value> {
    const result = this.#work.then(action);
    this.#work = result.catch(() => undefined);
    return result;
  }
}
