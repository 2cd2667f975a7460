import type { CallControl, CallEvent, CallObserver } from './call-control.ts';
import { SignallingFailure, toFailure } from './errors.ts';
import type { ParsedRequest } from './gateway-message.ts';
import { handleJoined, Joiner } from './session-requests.ts';
import type { Joined } from './session-requests.ts';
import type { Log } from './log.ts';
import type { EndReason, MoveReason, Request } from './protocol.ts';
import { forClient } from './told-to-clients.ts';
import { SessionChannel } from './session-channel.ts';
import type { ChannelClient } from './session-channel.ts';
import type { Continuation } from './session-store.ts';
import type { SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';

export type SessionHostOptions = {
  calls: CallControl;
  sessions: Sessions;
  /** Passes a request on that is about transports on the pod which is to take the session over. */
  toStandby: (podId: string, sessionId: string, parsed: ParsedRequest) => Promise<object>;
  /** Brings what a call still tells to the pod that it was handed over to. Undefined where it was not. */
  toSuccessor: (sessionId: string, continuation: Continuation) => Promise<boolean> | undefined;
  /** Told what others may want to know: sessions that were interrupted or ended, and lines of the conversation. */
  publish: (topic: string, payload: object) => void;
  log: Log;
  nowMs: () => number;
};

/**
 * The sessions that this pod leads, towards their clients and their calls: answers what clients ask, in each session's
 * order, numbers the events of calls, and records what has to be kept.
 */
export class SessionHost implements CallObserver {
  readonly #options: SessionHostOptions;
  readonly #joiner: Joiner;
  readonly #channels = new Map<string, SessionChannel>();

  constructor(options: SessionHostOptions) {
    const { sessions } = options;
    this.#options = options;
    this.#joiner = new Joiner(options);
    sessions.on('interrupted', (id) => options.publish('session.interrupted', { id }));
    sessions.on('ended', (record) => this.#sessionEnded(record));
    sessions.on('lost', (id) => this.#sessionLost(id));
  }

  /** Sessions with a client that has joined. */
  get joinedSessions(): string[] {
    return [...this.#channels.values()].filter(({ current }) => current?.joined).map(({ sessionId }) => sessionId);
  }

  find(sessionId: string): SessionChannel | undefined {
    return this.#channels.get(sessionId);
  }

  /** A client joins. `start` begins the delivery of events to it, and is called once its answer is on its way. */
  join(client: ChannelClient, sessionId: string, request: Request<'join'>, moved = false): Promise<Joined> {
    const channel = this.#channelOf(sessionId);
    return inOrder(channel, () => this.#join(channel, client, request, moved));
  }

  /** A client that has joined elsewhere, or waited for a place, is given media here by an event. */
  async moveIn(client: ChannelClient, sessionId: string, request: Request<'join'>, reason: MoveReason): Promise<void> {
    const channel = this.#channelOf(sessionId);
    await inOrder(channel, async () => {
      const { answer, start } = await this.#join(channel, client, request, true);
      for (const event of start()) client.deliver(event);
      const { media, transcript } = answer;
      if (media)
        channel.publish(
          { name: 'move', data: { reason, media, transcript, pod: answer.session.pod } },
          this.#options.nowMs(),
        );
    });
  }

  /** Any other request of a client that has joined. */
  request(client: ChannelClient, sessionId: string, parsed: Exclude<ParsedRequest, { name: 'join' }>): Promise<object> {
    const channel = this.#channels.get(sessionId);
    if (channel === undefined || channel.current !== client || !client.joined) {
      return Promise.reject(new SignallingFailure('not_joined'));
    }
    return inOrder(channel, () => this.#handle(channel, parsed));
  }

  /** A client's connection is gone. Nothing happens where another has taken its place. */
  gone(client: ChannelClient, sessionId: string): void {
    const channel = this.#channels.get(sessionId);
    if (channel === undefined) return;
    this.record(sessionId, 'that the client is gone', async () => {
      if (channel.current !== client) return;
      channel.letGo();
      this.#options.calls.clientGone(sessionId);
      await this.#options.sessions.detach(sessionId);
    });
  }

  /** Tells the session's client something that is not part of the conversation. */
  tell(sessionId: string, event: CallEvent): void {
    this.#channels.get(sessionId)?.publish(event, this.#options.nowMs());
  }

  event(sessionId: string, event: CallEvent): void {
    this.#channels.get(sessionId)?.publish(forClient(event), this.#options.nowMs());
    if (event.name !== 'transcript' || !event.data.final) return;
    const { data } = event;
    this.record(sessionId, 'the transcript', async () => {
      await this.#options.sessions.append(sessionId, data);
      // Of what was said, nothing: whoever may read it asks for the transcript.
      this.#options.publish('turn.committed', { id: sessionId, turnId: data.turnId, role: data.role });
    });
  }

  flowing(sessionId: string, flowing: boolean): void {
    this.record(sessionId, 'the state', () => this.#options.sessions.flowing(sessionId, flowing));
  }

  continuation(sessionId: string, continuation: Continuation): Promise<boolean> {
    const told = this.#options.toSuccessor(sessionId, continuation);
    if (told) return told;
    // Not in the session's order: a join that waits for its media must not hold up what others need to go on.
    return this.#guard(sessionId, 'how the conversation stands', () =>
      this.#options.sessions.keepContinuation(sessionId, continuation),
    );
  }

  ended(sessionId: string, reason: EndReason): void {
    this.record(sessionId, 'the end', () => this.#options.sessions.end(sessionId, reason));
  }

  /** Does what must be done in the session's order and for which nobody waits; a failure is logged, not thrown. */
  record(sessionId: string, what: string, task: () => Promise<unknown>): void {
    const channel = this.#channels.get(sessionId);
    if (channel === undefined) void this.#guard(sessionId, what, task);
    else void this.#guard(sessionId, what, () => channel.enqueueAlways(async () => void (await task())));
  }

  /** The session goes to another pod: `current` stays connected to this one and is spoken to by the other. */
  release(sessionId: string): ChannelClient | undefined {
    const client = this.#channels.get(sessionId)?.current;
    this.#channels.delete(sessionId);
    return client;
  }

  /** A session that was taken over with its client: events go to it from now on. */
  adopt(sessionId: string, epoch: number, client: ChannelClient, request: Request<'join'>): SessionChannel {
    const channel = this.#channelOf(sessionId);
    channel.open(epoch);
    channel.takeOver(client);
    channel.joinRequest = request;
    channel.startFrom(undefined, channel.position, this.#options.nowMs());
    client.becomeJoined();
    return channel;
  }

  async #join(
    channel: SessionChannel,
    client: ChannelClient,
    request: Request<'join'>,
    moved: boolean,
  ): Promise<Joined> {
    try {
      return await this.#joiner.join(channel, client, request, moved);
    } catch (error) {
      // It has ended, or is led elsewhere: nobody would ever take its channel away.
      if (!channel.isOpen && channel.isLast) this.#forget(channel);
      throw error;
    }
  }

  #handle(channel: SessionChannel, parsed: Exclude<ParsedRequest, { name: 'join' }>): Promise<object> {
    const { calls, sessions, toStandby } = this.#options;
    const { standby, sessionId } = channel;
    const transportId = 'transportId' in parsed.request ? parsed.request.transportId : undefined;
    if (standby && transportId !== undefined && standby.transportIds.includes(transportId)) {
      return toStandby(standby.podId, sessionId, parsed);
    }
    if (parsed.name === 'produce') channel.withoutMicrophone = false;
    if (parsed.name === 'report' && parsed.request.microphone === 'none') channel.withoutMicrophone = true;
    return handleJoined(calls, sessions, sessionId, parsed);
  }

  #sessionEnded({ id, endReason = 'failed' }: SessionRecord): void {
    const channel = this.#channels.get(id);
    channel?.publish({ name: 'ended', data: { reason: endReason } }, this.#options.nowMs());
    channel?.current?.end('session_ended');
    this.#options.publish('session.ended', { id, reason: endReason });
    this.record(id, 'the end of the call', async () => {
      if (channel !== undefined) this.#forget(channel);
      await this.#options.calls.end(id);
    });
  }

  /** Another pod leads it: its call here falls silent at once, before anything else. */
  #sessionLost(id: string): void {
    const channel = this.#channels.get(id);
    this.#channels.delete(id);
    channel?.current?.drop();
    void this.#guard(id, 'the end of a call that was lost', () => this.#options.calls.end(id));
  }

  #channelOf(sessionId: string): SessionChannel {
    let channel = this.#channels.get(sessionId);
    if (channel === undefined) {
      channel = new SessionChannel(sessionId);
      this.#channels.set(sessionId, channel);
    }
    return channel;
  }

  #forget(channel: SessionChannel): void {
    if (this.#channels.get(channel.sessionId) === channel) this.#channels.delete(channel.sessionId);
  }

  /** @returns whether it was done; never rejects */
  async #guard(sessionId: string, what: string, task: () => Promise<unknown>): Promise<boolean> {
    try {
      await task();
      return true;
    } catch (error) {
      const { code } = toFailure(error);
      if (code === 'session_ended' || code === 'session_not_found') return false;
      if (code === 'server_busy') this.#options.log.warn({ sessionId, err: error }, `could not record ${what} now`);
      else this.#options.log.error({ sessionId, err: error }, `could not record ${what}`);
      return false;
    }
  }
}

const inOrder = <Result>(channel: SessionChannel, task: () => Promise<Result>): Promise<Result> =>
  channel.enqueue(task) ?? Promise.reject(new SignallingFailure('too_many_requests'));
