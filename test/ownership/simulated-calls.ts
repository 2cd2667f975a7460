import type { Calls } from '../../server/calls.ts';
import type {
  CallObserver,
  JoinedMedia,
  JoinRequest,
  MediaState,
  Restored,
  StandbyRequest,
} from '../../signalling/call-control.ts';
import { SignallingFailure } from '../../signalling/errors.ts';
import type { MediaOptions, TransportOptions } from '../../signalling/protocol.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import { DTLS_PARAMETERS, RTP_CAPABILITIES, RTP_PARAMETERS } from '../support/fake-calls.ts';
import type { World } from './world.ts';

type Media = { options: MediaOptions; connected: Set<string> };

/** One conversation: whoever leads it answers each of the caller's turns once. */
type Conversation = {
  media: Media | undefined;
  /** This pod speaks in it: not while it stands by, and not once it has handed over. */
  leads: boolean;
  answered: Set<string>;
  pending: string | undefined;
  /** Turns that came while this pod stood by. */
  heard: string[];
  stopGrace: (() => void) | undefined;
};

/** As in media/call-client.ts. */
const GRACE_MS = 15_000;
const LOOK = { everyMs: 50, forMs: 800 };

/** The media side of one pod, with a voice that its client hears where the simulated network lets it. */
export class SimulatedCalls implements Calls {
  readonly rtpCapabilities = RTP_CAPABILITIES;
  readonly gauges = [];
  readonly #world: World;
  readonly #podId: string;
  readonly #conversations = new Map<string, Conversation>();
  #observer: CallObserver | undefined;
  #made = 0;

  constructor(world: World, podId: string) {
    this.#world = world;
    this.#podId = podId;
  }

  get peerConnections(): number {
    return this.#conversations.size;
  }

  hasTime(): boolean {
    return true;
  }

  setLivePods(): void {}

  observe(observer: CallObserver): void {
    this.#observer = observer;
  }

  /** Whether what this pod says leaves through these transports. */
  speaks(sessionId: string, sendId: string): boolean {
    return this.#conversations.get(sessionId)?.leads === true && this.stands(sessionId, sendId);
  }

  /** Whether the transports stand, as far as this end goes. */
  stands(sessionId: string, sendId: string): boolean {
    const media = this.#conversations.get(sessionId)?.media;
    return media?.options.send.id === sendId && media.connected.size === 2;
  }

  /** A turn of the caller has arrived through these transports. */
  hear(sessionId: string, sendId: string, turnId: string): void {
    const conversation = this.#conversations.get(sessionId);
    if (!conversation?.media || conversation.media.options.send.id !== sendId) return;
    if (conversation.leads) this.#take(sessionId, conversation, turnId);
    else conversation.heard.push(turnId);
  }

  async join(
    { id }: SessionRecord,
    { keep }: JoinRequest,
    signal: AbortSignal,
    restored?: Restored,
  ): Promise<JoinedMedia> {
    signal.throwIfAborted();
    const conversation = this.#conversations.get(id) ?? this.#open(id, restored, true);
    conversation.stopGrace?.();
    // It stood by for a pod that is gone.
    if (restored && !conversation.leads) this.takeOver(id, restored);
    if (keep && conversation.media?.options.send.id === keep.send) return { kept: true };
    conversation.media = this.#makeMedia();
    return { kept: false, media: conversation.media.options };
  }

  async connectTransport(sessionId: string, transportId: string): Promise<void> {
    const media = this.#mediaWith(sessionId, transportId);
    media.connected.add(transportId);
    if (media.connected.size === 2 && this.#conversations.get(sessionId)?.leads)
      this.#observer?.flowing(sessionId, true);
  }

  async produce(sessionId: string, transportId: string): Promise<string> {
    this.#mediaWith(sessionId, transportId);
    return `producer-of-${transportId}`;
  }

  async consume(sessionId: string) {
    const media = this.#conversations.get(sessionId)?.media;
    if (!media) throw new SignallingFailure('session_not_found');
    return media.options.consumer;
  }

  async restartIce(sessionId: string, transportId: string) {
    this.#mediaWith(sessionId, transportId);
    return { usernameFragment: 'fresh', password: 'fresh' };
  }

  interrupt(): void {}
  mute(): void {}
  toolResult(): void {}
  report = (): undefined => undefined;

  async say(): Promise<string> {
    return 'turn-1';
  }

  async mediaState(sessionId: string, signal: AbortSignal): Promise<MediaState> {
    const media = this.#conversations.get(sessionId)?.media;
    if (!media) return 'none';
    const { time } = this.#world;
    const untilMs = time.nowMs + LOOK.forMs;
    for (;;) {
      if (this.#world.flows(sessionId, this.#podId, media.options.send.id)) return 'flowing';
      if (time.nowMs >= untilMs) return 'lost';
      await new Promise((resolve) => setTimeout(resolve, LOOK.everyMs));
      signal.throwIfAborted();
    }
  }

  async standBy({ id }: SessionRecord, _request: StandbyRequest, restored: Restored): Promise<MediaOptions> {
    if (this.#conversations.get(id)?.leads) throw new SignallingFailure('server_busy');
    const conversation = this.#open(id, restored, false);
    conversation.media = this.#makeMedia();
    return conversation.media.options;
  }

  async standsBy(sessionId: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const conversation = this.#conversations.get(sessionId);
      if (!conversation?.media) throw new SignallingFailure('session_not_found');
      if (this.#world.flows(sessionId, this.#podId, conversation.media.options.send.id)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async handOver(sessionId: string, withinMs: number, signal: AbortSignal): Promise<Restored> {
    const untilMs = this.#world.time.nowMs + withinMs;
    for (;;) {
      signal.throwIfAborted();
      const conversation = this.#conversations.get(sessionId);
      if (!conversation) throw new SignallingFailure('session_not_found');
      if (conversation.pending === undefined || this.#world.time.nowMs >= untilMs) {
        conversation.leads = false;
        return { transcript: [], continuation: this.#continuationOf(conversation) };
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  takeOver(sessionId: string, restored: Restored): void {
    const conversation = this.#conversations.get(sessionId);
    if (!conversation) throw new SignallingFailure('session_not_found');
    this.#restore(conversation, restored);
    conversation.leads = true;
    this.#world.mayBeHeard();
    this.#say(sessionId, 'listening');
    this.#goOn(sessionId, conversation);
    for (const turnId of conversation.heard.splice(0)) this.#take(sessionId, conversation, turnId);
  }

  resume(sessionId: string): void {
    const conversation = this.#conversations.get(sessionId);
    if (!conversation) throw new SignallingFailure('session_not_found');
    conversation.leads = true;
    this.#world.mayBeHeard();
    this.#goOn(sessionId, conversation);
  }

  clientGone(sessionId: string): void {
    const conversation = this.#conversations.get(sessionId);
    if (!conversation) return;
    conversation.stopGrace?.();
    const timer = setTimeout(() => {
      conversation.media = undefined;
      this.#observer?.flowing(sessionId, false);
    }, GRACE_MS);
    conversation.stopGrace = () => clearTimeout(timer);
  }

  async end(sessionId: string): Promise<void> {
    this.#conversations.get(sessionId)?.stopGrace?.();
    this.#conversations.delete(sessionId);
  }

  elapsedMs(): number {
    return 0;
  }

  async close(): Promise<void> {
    this.#conversations.clear();
  }

  #open(id: string, restored: Restored | undefined, leads: boolean): Conversation {
    const conversation: Conversation = {
      media: undefined,
      leads,
      answered: new Set(),
      pending: undefined,
      heard: [],
      stopGrace: undefined,
    };
    this.#conversations.set(id, conversation);
    if (restored) this.#restore(conversation, restored);
    if (leads) this.#goOn(id, conversation);
    return conversation;
  }

  #restore(conversation: Conversation, { transcript, continuation }: Restored): void {
    for (const { role, turnId } of transcript) if (role === 'agent') conversation.answered.add(turnId);
    const pending = continuation?.['pending'] as string | undefined;
    const last = transcript.at(-1);
    conversation.pending = pending ?? (last?.role === 'user' ? last.turnId : undefined);
  }

  #goOn(sessionId: string, conversation: Conversation): void {
    const { pending } = conversation;
    conversation.pending = undefined;
    if (pending !== undefined && !conversation.answered.has(pending)) this.#think(sessionId, conversation, pending);
  }

  #take(sessionId: string, conversation: Conversation, turnId: string): void {
    if (conversation.answered.has(turnId) || conversation.pending === turnId) return;
    this.#line(sessionId, turnId, 'user');
    this.#think(sessionId, conversation, turnId);
  }

  #think(sessionId: string, conversation: Conversation, turnId: string): void {
    conversation.pending = turnId;
    void this.#observer?.continuation(sessionId, this.#continuationOf(conversation));
    setTimeout(() => this.#answer(sessionId, conversation, turnId), this.#world.time.between(200, 900));
  }

  #answer(sessionId: string, conversation: Conversation, turnId: string): void {
    const stands = this.#conversations.get(sessionId) === conversation && conversation.leads;
    if (!stands || conversation.pending !== turnId) return;
    conversation.pending = undefined;
    conversation.answered.add(turnId);
    this.#world.rules.answers(sessionId, this.#podId, turnId);
    this.#line(sessionId, turnId, 'agent');
    void this.#observer?.continuation(sessionId, this.#continuationOf(conversation));
    this.#say(sessionId, 'speaking');
  }

  #line(sessionId: string, turnId: string, role: 'user' | 'agent'): void {
    const data = { turnId, role, text: turnId, final: true, startMs: 0, endMs: 0 };
    this.#observer?.event(sessionId, { name: 'transcript', data });
  }

  #say(sessionId: string, state: 'listening' | 'speaking'): void {
    this.#observer?.event(sessionId, { name: 'agent-state', data: { state, output: 'normal', atMs: 0 } });
  }

  #continuationOf({ pending }: Conversation) {
    return { version: 1, ...(pending !== undefined && { pending }) };
  }

  #mediaWith(sessionId: string, transportId: string): Media {
    const media = this.#conversations.get(sessionId)?.media;
    if (!media) throw new SignallingFailure('session_not_found');
    const { send, receive } = media.options;
    if (transportId !== send.id && transportId !== receive.id) throw new SignallingFailure('unknown_transport');
    return media;
  }

  #makeMedia(): Media {
    this.#made += 1;
    const name = `${this.#podId}/${this.#made}`;
    const transport = (side: string): TransportOptions => ({
      id: `${name}/${side}`,
      iceParameters: { usernameFragment: 'u', password: 'p', iceLite: true },
      iceCandidates: [],
      dtlsParameters: DTLS_PARAMETERS,
    });
    const consumer = { id: `${name}/c`, producerId: 'agent', kind: 'audio' as const, rtpParameters: RTP_PARAMETERS };
    const options = { send: transport('send'), receive: transport('receive'), consumer };
    return { options, connected: new Set() };
  }
}
