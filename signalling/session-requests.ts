/** What each request does, on the pod that leads the session. Parsed before it gets here, answered after. */
import type { CallControl } from './call-control.ts';
import { SignallingFailure } from './errors.ts';
import type { LoggedEvent } from './event-log.ts';
import type { ParsedRequest } from './gateway-message.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { Answers, Request, SessionView } from './protocol.ts';
import type { ChannelClient, SessionChannel } from './session-channel.ts';
import type { SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';
import { entryForClient } from './told-to-clients.ts';

/** `start` begins the delivery of events and returns those that the client has missed, to be delivered first. */
export type Joined = { answer: Answers['join']; start: () => LoggedEvent[] };

export type JoinerOptions = { calls: CallControl; sessions: Sessions; nowMs: () => number };

export const handleJoined = async (
  calls: CallControl,
  sessions: Sessions,
  sessionId: string,
  { name, request }: Exclude<ParsedRequest, { name: 'join' }>,
): Promise<object> => {
  switch (name) {
    case 'connect-transport':
      await calls.connectTransport(sessionId, request.transportId, request.dtlsParameters);
      return {};
    case 'produce':
      return { producerId: await calls.produce(sessionId, request.transportId, request.rtpParameters) };
    case 'consume':
      return { consumer: await calls.consume(sessionId) };
    case 'restart-ice':
      return { iceParameters: await calls.restartIce(sessionId, request.transportId) };
    case 'say':
      return { turnId: await calls.say(sessionId, request.text) };
    case 'interrupt':
      calls.interrupt(sessionId);
      return {};
    case 'tool-result':
      calls.toolResult(sessionId, request);
      return {};
    case 'mute':
      calls.mute(sessionId, request.muted);
      return {};
    case 'report': {
      const network = calls.report(sessionId, request);
      // Who hears nothing is answered in a hurry, and wants to know no more than that.
      return network && request.statistics ? { caller: network } : {};
    }
    case 'leave':
      await sessions.end(sessionId, 'left');
      return {};
  }
};

/** @throws {SignallingFailure} `unsupported_version` */
export const checkVersion = ({ protocol }: Request<'join'>): void => {
  if (protocol === PROTOCOL_VERSION) return;
  throw new SignallingFailure('unsupported_version', `This server speaks version ${PROTOCOL_VERSION}.`);
};

export const viewOf = (record: SessionRecord, elapsedMs: number): SessionView => {
  const { id, agent, state, createdAt, ownerPod } = record;
  return { id, agent, state, createdAt, elapsedMs, pod: ownerPod };
};

/** Brings a client into its session: takes it over from an earlier connection, opens or keeps its media. */
export class Joiner {
  readonly #calls: CallControl;
  readonly #sessions: Sessions;
  readonly #nowMs: () => number;

  constructor({ calls, sessions, nowMs }: JoinerOptions) {
    this.#calls = calls;
    this.#sessions = sessions;
    this.#nowMs = nowMs;
  }

  /**
   * Called in the session's order.
   * @param moved its pod brings it here by itself: it may be a connection that its client has left, unnoticed yet, and takes
   *   nobody's place
   */
  async join(channel: SessionChannel, client: ChannelClient, request: Request<'join'>, moved = false): Promise<Joined> {
    client.signal.throwIfAborted();
    const { current } = channel;
    if (moved && current && current !== client && !current.signal.aborted) throw new SignallingFailure('superseded');
    checkVersion(request);
    const record = await this.#sessions.attach(channel.sessionId, request.lastSeen?.epoch);
    channel.open(record.epoch);
    const former = channel.takeOver(client);
    former?.refuse('superseded');
    channel.joinRequest = request;
    const joinedAt = channel.position;
    try {
      // What is brought here by its pod knows more of the session than is said.
      const anew = request.lastSeen === undefined && !moved;
      const answer = await this.#answer(record, client, request, anew);
      client.signal.throwIfAborted();
      const start = () => {
        client.becomeJoined();
        return channel.startFrom(request.lastSeen, joinedAt, this.#nowMs());
      };
      return { answer, start };
    } catch (error) {
      await this.#giveUp(channel, client);
      throw error;
    }
  }

  async #answer(
    record: SessionRecord,
    { signal }: ChannelClient,
    { rtpCapabilities, playback, keep }: Request<'join'>,
    anew: boolean,
  ): Promise<Answers['join']> {
    const wanted = { rtpCapabilities, playback, ...(keep && { keep }), ...(anew && { anew }) };
    const { transcript, continuation } = await this.#sessions.load(record.id);
    const restored = { transcript, ...(continuation && { continuation }) };
    const joined = await this.#calls.join(record, wanted, signal, restored);
    const now = await this.#sessions.rejoined(record.id);
    return {
      session: viewOf(now, this.#calls.elapsedMs(now.id)),
      epoch: now.epoch,
      transcript: (await this.#sessions.transcript(now.id)).map(entryForClient),
      kept: joined.kept,
      ...(!joined.kept && { media: joined.media }),
    };
  }

  /** The media side may have opened something before it failed; what it holds is dropped like that of a lost client. */
  async #giveUp(channel: SessionChannel, client: ChannelClient): Promise<void> {
    if (channel.current !== client) return;
    channel.letGo();
    this.#calls.clientGone(channel.sessionId);
    // Should this fail as well, then for the same reason; the client is told the first one.
    await this.#sessions.detach(channel.sessionId).catch(() => undefined);
  }
}
