import type { Calls } from '../../server/calls.ts';
import type {
  CallEvent,
  CallObserver,
  JoinedMedia,
  JoinRequest,
  MediaState,
  Restored,
  StandbyRequest,
} from '../../signalling/call-control.ts';
import type {
  CallerNetwork,
  ConsumerOptions,
  DtlsParameters,
  EndReason,
  IceParameters,
  MediaOptions,
  Request,
  RtpCapabilities,
  RtpParameters,
  TransportOptions,
} from '../../signalling/protocol.ts';
import type { Continuation } from '../../signalling/session-store.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import type { ToolAnswer } from '../../signalling/tool-messages.ts';

/** What the media side throws: an error with a code, and a text that clients must never see. */
export class FakeMediaError extends Error {
  readonly code: string;

  constructor(code: string) {
    super('worker 3 at 10.0.0.7 said no');
    this.code = code;
  }
}

export const RTP_CAPABILITIES: RtpCapabilities = {
  codecs: [{ kind: 'audio', mimeType: 'audio/opus', preferredPayloadType: 111, clockRate: 48_000, channels: 2 }],
};

export const DTLS_PARAMETERS: DtlsParameters = { fingerprints: [{ algorithm: 'sha-256', value: 'AA:BB' }] };

export const RTP_PARAMETERS: RtpParameters = {
  codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2 }],
};

type Media = {
  options: MediaOptions;
  clientIsHere: boolean;
  /** Whether this pod speaks in it: not while it stands by, and not once it has handed over. */
  leads: boolean;
};

/** A media side without media: keeps the promises of `Calls`, notes what it is asked, and can be told to fail or wait. */
export class FakeCalls implements Calls {
  readonly rtpCapabilities = RTP_CAPABILITIES;
  readonly gauges = [{ name: 'late_packets_total', help: 'Late packets.', read: () => 7 }];
  /** What was asked, in order: `join <session>`, `end <session>` … */
  readonly asked: string[] = [];
  /** The next request of this name fails with this. */
  readonly failures = new Map<string, Error>();
  /** Requests of this name wait for this. */
  readonly delays = new Map<string, Promise<void>>();
  /** What each session was last joined, stood by or taken over with. */
  readonly restored = new Map<string, Restored>();
  /** What `mediaState` answers for a session that has media here; `flowing` where nothing is set. */
  readonly mediaStates = new Map<string, MediaState>();
  /** How a conversation stands when it is handed over; `{ version: 1 }` where nothing is set. */
  readonly handedOver = new Map<string, Continuation>();
  /** As it was last told. */
  livePods = 1;
  /** What is known of callers' packets. */
  callerNetwork: CallerNetwork | undefined;
  closed = false;
  readonly #media = new Map<string, Media>();
  #observer: CallObserver | undefined;
  #made = 0;

  get peerConnections(): number {
    return this.#media.size;
  }

  hasTime(): boolean {
    return true;
  }

  setLivePods(pods: number): void {
    this.livePods = pods;
  }

  observe(observer: CallObserver): void {
    this.#observer = observer;
  }

  async join(
    { id }: SessionRecord,
    { keep }: JoinRequest,
    signal: AbortSignal,
    restored?: Restored,
  ): Promise<JoinedMedia> {
    await this.#note('join', id);
    signal.throwIfAborted();
    if (restored) this.restored.set(id, restored);
    const present = this.#media.get(id);
    if (present && keep?.send === present.options.send.id) {
      present.clientIsHere = true;
      return { kept: true };
    }
    const options = this.#makeMedia();
    this.#media.set(id, { options, clientIsHere: true, leads: true });
    return { kept: false, media: options };
  }

  async connectTransport(sessionId: string, transportId: string): Promise<void> {
    await this.#note('connect-transport', sessionId, transportId);
    this.#checkTransport(sessionId, transportId);
  }

  async produce(sessionId: string, transportId: string): Promise<string> {
    await this.#note('produce', sessionId, transportId);
    this.#checkTransport(sessionId, transportId);
    return `producer-of-${transportId}`;
  }

  async consume(sessionId: string): Promise<ConsumerOptions> {
    await this.#note('consume', sessionId);
    return this.#mediaOf(sessionId).options.consumer;
  }

  async restartIce(sessionId: string, transportId: string): Promise<IceParameters> {
    await this.#note('restart-ice', sessionId, transportId);
    this.#checkTransport(sessionId, transportId);
    return { usernameFragment: 'fresh', password: 'fresh' };
  }

  interrupt(sessionId: string): void {
    this.asked.push(`interrupt ${sessionId}`);
  }

  async say(sessionId: string, text: string): Promise<string> {
    await this.#note('say', sessionId, text);
    return 'turn-1';
  }

  toolResult(sessionId: string, answer: ToolAnswer): void {
    this.asked.push(`tool-result ${sessionId} ${JSON.stringify(answer)}`);
  }

  mute(sessionId: string, muted: boolean): void {
    this.asked.push(`mute ${sessionId} ${muted}`);
  }

  report(sessionId: string, report: Request<'report'>): CallerNetwork | undefined {
    this.asked.push(`report ${sessionId} ${JSON.stringify(report)}`);
    return this.callerNetwork;
  }

  async mediaState(sessionId: string, signal: AbortSignal): Promise<MediaState> {
    await this.#noteUnless(signal, 'media-state', sessionId);
    return this.#media.has(sessionId) ? (this.mediaStates.get(sessionId) ?? 'flowing') : 'none';
  }

  async standBy(
    { id }: SessionRecord,
    request: StandbyRequest,
    restored: Restored,
    signal: AbortSignal,
  ): Promise<MediaOptions> {
    await this.#noteUnless(signal, 'stand-by', id, ...(request.microphone ? [] : ['without microphone']));
    this.restored.set(id, restored);
    const options = this.#makeMedia();
    this.#media.set(id, { options, clientIsHere: true, leads: false });
    return options;
  }

  /** Resolves at once, unless `delays` says otherwise. */
  async standsBy(sessionId: string, signal: AbortSignal): Promise<void> {
    await this.#noteUnless(signal, 'stands-by', sessionId);
    this.#mediaOf(sessionId);
  }

  async handOver(sessionId: string, withinMs: number, signal: AbortSignal): Promise<Restored> {
    await this.#noteUnless(signal, 'hand-over', sessionId, `${withinMs}`);
    this.#mediaOf(sessionId).leads = false;
    return { transcript: [], continuation: this.handedOver.get(sessionId) ?? { version: 1 } };
  }

  takeOver(sessionId: string, restored: Restored): void {
    this.asked.push(`take-over ${sessionId}`);
    this.#mediaOf(sessionId).leads = true;
    this.restored.set(sessionId, restored);
  }

  resume(sessionId: string): void {
    this.asked.push(`resume ${sessionId}`);
    this.#mediaOf(sessionId).leads = true;
  }

  /** Whether this pod would be heard in the session. */
  leads(sessionId: string): boolean {
    return this.#media.get(sessionId)?.leads ?? false;
  }

  clientGone(sessionId: string): void {
    this.asked.push(`gone ${sessionId}`);
    const media = this.#media.get(sessionId);
    if (media) media.clientIsHere = false;
  }

  async end(sessionId: string): Promise<void> {
    await this.#note('end', sessionId);
    this.#media.delete(sessionId);
  }

  elapsedMs(): number {
    return 1234;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#media.clear();
  }

  /** Lets the media side speak. */
  tell(sessionId: string, event: CallEvent): void {
    this.#observer?.event(sessionId, event);
  }

  tellFlowing(sessionId: string, flowing: boolean): void {
    this.#observer?.flowing(sessionId, flowing);
  }

  tellContinuation(sessionId: string, continuation: Continuation): void {
    void this.#observer?.continuation(sessionId, continuation);
  }

  tellEnded(sessionId: string, reason: EndReason): void {
    this.#observer?.ended(sessionId, reason);
  }

  async #note(name: string, ...details: string[]): Promise<void> {
    this.asked.push([name, ...details].join(' '));
    await this.delays.get(name);
    const failure = this.failures.get(name);
    this.failures.delete(name);
    if (failure) throw failure;
  }

  /** Like `#note`, but waits no longer than until the signal aborts. */
  async #noteUnless(signal: AbortSignal, name: string, ...details: string[]): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#note(name, ...details), aborted.promise]);
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #checkTransport(sessionId: string, transportId: string): void {
    const { send, receive } = this.#mediaOf(sessionId).options;
    if (transportId !== send.id && transportId !== receive.id) throw new FakeMediaError('unknown_transport');
  }

  #mediaOf(sessionId: string): Media {
    const media = this.#media.get(sessionId);
    if (media === undefined) throw new FakeMediaError('session_not_found');
    return media;
  }

  #makeMedia(): MediaOptions {
    this.#made += 1;
    const transport = (name: string): TransportOptions => ({
      id: `${name}-${this.#made}`,
      iceParameters: { usernameFragment: 'u', password: 'p', iceLite: true },
      iceCandidates: [],
      dtlsParameters: DTLS_PARAMETERS,
    });
    const consumer: ConsumerOptions = {
      id: `consumer-${this.#made}`,
      producerId: 'agent',
      kind: 'audio',
      rtpParameters: RTP_PARAMETERS,
    };
    return { send: transport('send'), receive: transport('receive'), consumer };
  }
}
