/**
 * One call on the main thread: which workers carry it, the browser's media, and the orders to its voice worker. It
 * outlives both workers: a voice worker is replaced underneath it, and a media worker's death only costs it the browser's
 * transports. While another pod speaks in its session, it stands by or has handed over, and reports nothing.
 */
import type { types } from 'mediasoup';
import { CallClient } from './call-client.ts';
import type { CallerNetwork } from './rtp/caller-network.ts';
import type { CallEvent } from './conversation/call-events.ts';
import type { CallOptions } from './call-options.ts';
import { monotonicMs } from './runtime/clock.ts';
import { CallContinuations } from './call-continuations.ts';
import type { Continuation, RestoredConversation } from './conversation/continuation.ts';
import type { ConversationSnapshot } from './conversation/conversation-events.ts';
import { MediaError } from './errors.ts';
import { ConversationHistory } from './conversation/history.ts';
import type { JoinOptions } from './sfu-client.ts';
import { AGENT_PAYLOAD_TYPE, type SfuLink } from './sfu-link.ts';
import type { ClientToolAnswer } from './tools/client-tools.ts';
import type { ToolRecord } from './tools/tool-ledger.ts';
import { unlessAborted } from './runtime/unless-aborted.ts';
import type { VoiceThread } from './workers/voice-thread.ts';
import type { OpenCall, ToVoiceWorker } from './workers/voice-protocol.ts';

export class Call {
  readonly #options: CallOptions;
  readonly client: CallClient;
  /** How the caller's packets arrive, as of the last heartbeat of its voice worker. */
  callerNetwork: CallerNetwork | undefined;
  #startedAtMs: number;
  #history: ConversationHistory;
  readonly #continuations: CallContinuations;
  #link: SfuLink | undefined;
  #agentProducer: types.Producer | undefined;
  /** The thread that runs this call. */
  #openedIn: VoiceThread | undefined;
  #leads: boolean;
  #standsBy = Promise.withResolvers<void>();
  #toldFlowing = false;
  #hearsAfterMs: number | undefined;
  #limitTimer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: CallOptions) {
    this.#options = options;
    this.#leads = !options.standby;
    this.#startedAtMs = monotonicMs() - (options.restored?.elapsedMs ?? 0);
    this.#history = new ConversationHistory(options.restored?.history ?? []);
    this.#continuations = new CallContinuations(options, () => this.elapsedMs);
    this.client = new CallClient({
      path: () => this.#link && this.#agentProducer && { link: this.#link, agent: this.#agentProducer },
      onCaller: (ssrc) => this.#post({ type: 'caller-ssrc', callId: options.id, ssrc }),
      onReady: this.#onReady,
      onHears: this.#onHears,
      onConnected: (presence) => this.#post({ type: 'client-present', callId: options.id, presence }),
      ...options,
      onProgress: () => this.client.stands && this.#standsBy.resolve(),
    });
  }

  get voiceIndex(): number {
    return this.#options.voiceIndex;
  }

  get mediaIndex(): number {
    return this.#options.mediaIndex;
  }

  /** Whether this call speaks in its session, or another pod does. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Session time, in ms. */
  get elapsedMs(): number {
    return monotonicMs() - this.#startedAtMs;
  }

  /** The state of its conversation, for a call that is opened later; undefined until the voice worker has reported it. */
  get resting(): RestoredConversation | undefined {
    const { conversation } = this.#options.snapshot() ?? {};
    const [history, { tools }] = [this.#history.messages(), this.#continuations];
    return conversation && { conversation, history, tools, elapsedMs: this.elapsedMs };
  }

  /** Opens the path and the call in its voice worker. */
  async open(): Promise<void> {
    await this.#connect();
    const { restored } = this.#options;
    this.#openInVoiceWorker(restored && { conversation: restored.conversation });
    this.#limit();
  }

  /** Gives the client media, or keeps the media that it still has. */
  join(request: JoinOptions, signal: AbortSignal) {
    return this.#inOrder(() => this.client.join(request, signal));
  }

  /** Prepares media for a client that has not asked for it yet. */
  awaitClient(request: Pick<JoinOptions, 'rtpCapabilities' | 'playback'>, microphone: boolean) {
    return this.#inOrder(() => this.client.openAnew(request, !microphone));
  }

  /** Resolves when that media is connected in both directions. */
  standsBy(signal: AbortSignal): Promise<void> {
    return unlessAborted(this.#standsBy.promise, signal);
  }

  /** Lets another pod speak from the next pause on, or within `withinMs`. Resolves when the agent's voice has stopped here. */
  async handOver(withinMs: number, signal: AbortSignal): Promise<Continuation> {
    try {
      const conversation = await unlessAborted(this.#options.thread().handOver(this.#options.id, withinMs), signal);
      this.#leads = false;
      clearTimeout(this.#limitTimer);
      return this.#continuations.of(conversation);
    } catch (error) {
      this.#post({ type: 'resume', callId: this.#options.id });
      throw error;
    }
  }

  /** Speaks from now on, starting from the given state; a call that speaks already learns how tools went elsewhere. */
  takeOver({ conversation, history, tools, elapsedMs }: RestoredConversation): void {
    if (this.#leads) return this.#post({ type: 'tools-learnt', callId: this.#options.id, record: tools });
    this.#startedAtMs = monotonicMs() - elapsedMs;
    this.#history = new ConversationHistory(history);
    this.#continuations.tools = tools;
    const order = { conversation, history: this.#history.messages(), tools, startedAtMs: this.#startedAtMs };
    this.#post({ type: 'take-over', callId: this.#options.id, order });
    this.#lead();
  }

  /** Undoes `handOver`. */
  resume(): void {
    if (this.#leads) return;
    this.#post({ type: 'resume', callId: this.#options.id });
    this.#lead();
  }

  async say(text: string): Promise<string> {
    if (!this.#leads) throw new MediaError('server_busy', 'the call is being moved to another pod');
    const turnId = await this.#options.thread().say(this.#options.id, text);
    if (!turnId) throw new MediaError('server_busy', 'the call is being moved from another pod');
    return turnId;
  }

  interrupt(): void {
    this.#post({ type: 'interrupt', callId: this.#options.id });
  }

  mute(muted: boolean): void {
    this.#post({ type: 'mute', callId: this.#options.id, muted });
  }

  toolResult(answer: ClientToolAnswer): void {
    this.#post({ type: 'tool-result', callId: this.#options.id, answer });
  }

  /** Records what was done with tools, and says when another pod could find that. */
  async noteTools({ requestId, record }: { requestId: number; record: ToolRecord }): Promise<void> {
    const [worker, { id: callId, snapshot }] = [this.#options.thread(), this.#options];
    const kept = (await this.#continuations.noteTools(record, snapshot()?.conversation)) && this.#leads;
    worker.post({ type: 'tools-kept', callId, requestId, kept });
  }

  /** Keeps what was said, for a voice worker that has to continue from it. */
  noteEvent(event: CallEvent): void {
    this.#history.note(event);
    this.#options.onEvent(event);
  }

  /** Reports the state of the conversation if it has changed and this call is the one to report it. */
  noteSnapshot(conversation: ConversationSnapshot, network?: CallerNetwork): void {
    this.callerNetwork = network ?? this.callerNetwork;
    if (this.#leads) this.#continuations.note(conversation);
  }

  /**
   * After a worker of this call was replaced: gives the voice worker the call, and the client new transports if these are
   * gone. Rejects while the other worker is away; the next attempt continues where this one stopped.
   */
  carryOver(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#closed) return;
      if (!this.#link || this.#link.closed) await this.#reconnect();
      if (this.#openedIn !== this.#options.thread()) this.#reopen();
      if (!this.client.isMoveOwed) return;
      const media = await this.client.open();
      this.#options.onEvent({ name: 'move', data: { reason: 'media-worker', media } });
    });
  }

  /** After the media worker has died: nobody is heard until `carryOver`. */
  mediaLost(): void {
    this.#link = undefined;
    this.#agentProducer = undefined;
    this.client.notReady();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#limitTimer);
    this.client.close();
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

  #openInVoiceWorker(restore: OpenCall['restore']): void {
    const { id, agent, agentSsrc, thread } = this.#options;
    this.#openedIn = thread();
    const call: OpenCall = {
      callId: id,
      linkId: this.#link!.id,
      agent,
      agentSsrc,
      payloadType: AGENT_PAYLOAD_TYPE,
      startedAtMs: this.#startedAtMs,
      history: this.#history.messages(),
      tools: this.#continuations.tools,
      ...(restore && { restore }),
      standby: !this.#leads,
    };
    this.#post({ type: 'open-call', call });
    this.#post({ type: 'client-present', callId: id, presence: this.client.isConnected ? 'here' : 'away' });
  }

  async #reconnect(): Promise<void> {
    this.client.oweMove();
    const link = await this.#connect();
    this.#post({ type: 'move-call', callId: this.#options.id, linkId: link.id });
  }

  #reopen(): void {
    const { id: callId, snapshot } = this.#options;
    this.#openInVoiceWorker(snapshot());
    const { callerSsrc, isReady } = this.client;
    if (callerSsrc !== undefined) this.#post({ type: 'caller-ssrc', callId, ssrc: callerSsrc });
    if (this.#hearsAfterMs !== undefined) this.#onHears(this.#hearsAfterMs);
    if (isReady) this.#post({ type: 'client-ready', callId });
  }

  readonly #onReady = (ready: boolean): void => {
    this.#post({ type: ready ? 'client-ready' : 'client-gone', callId: this.#options.id });
    this.#tellFlowing();
  };

  readonly #onHears = (afterMs: number): void => {
    this.#hearsAfterMs = afterMs;
    this.#post({ type: 'client-hears', callId: this.#options.id, afterMs });
  };

  #lead(): void {
    this.#leads = true;
    this.#limit();
    this.#tellFlowing();
  }

  #tellFlowing(): void {
    const { isReady } = this.client;
    if (!this.#leads || isReady === this.#toldFlowing) return;
    this.#toldFlowing = isReady;
    this.#options.onFlowing(isReady);
  }

  /** The limit counts from the start of the session, on whichever pods it was. */
  #limit(): void {
    clearTimeout(this.#limitTimer);
    if (!this.#leads) return;
    const { agent, onExpired } = this.#options;
    const leftMs = agent.limits.sessionMinutes * 60_000 - this.elapsedMs;
    this.#limitTimer = setTimeout(onExpired, Math.max(0, leftMs));
    this.#limitTimer.unref();
  }

  #post(message: ToVoiceWorker): void {
    this.#options.thread().post(message);
  }

  /** Joining, moving and resuming change the same state, so they run one after another. */
  #inOrder<Value>(action: () => Promise<Value>): Promise<Value> {
    const result = this.#work.then(action);
    this.#work = result.catch(() => undefined);
    return result;
  }
}
