/** What each request does. Parsed before it gets here, answered after. */
import type { CallControl } from './call-control.ts';
import { SignallingFailure } from './errors.ts';
import type { Connection, Handled, RequestHandler } from './gateway-connection.ts';
import type { ParsedRequest } from './gateway-message.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { Answers, Request, SessionView } from './protocol.ts';
import type { SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';

export type RequestsOptions = { calls: CallControl; sessions: Sessions; nowMs: () => number };

/** The handler of every request of every connection. */
export const createRequestHandler = ({ calls, sessions, nowMs }: RequestsOptions): RequestHandler => {
  const joiner = new Joiner({ calls, sessions, nowMs });
  return async (connection, parsed) => {
    if (parsed.name === 'join') return joiner.join(connection, parsed.request);
    if (!connection.joined) throw new SignallingFailure('not_joined');
    return { answer: await handleJoined(calls, sessions, connection.channel.sessionId, parsed) };
  };
};

const handleJoined = async (
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
    case 'mute':
      calls.mute(sessionId, request.muted);
      return {};
    case 'report':
      calls.report(sessionId, request);
      return {};
    case 'leave':
      await sessions.end(sessionId, 'left');
      return {};
  }
};

/** Brings a client into its session: takes it over from an earlier connection, opens or keeps its media. */
class Joiner {
  readonly #calls: CallControl;
  readonly #sessions: Sessions;
  readonly #nowMs: () => number;

  constructor({ calls, sessions, nowMs }: RequestsOptions) {
    this.#calls = calls;
    this.#sessions = sessions;
    this.#nowMs = nowMs;
  }

  async join(connection: Connection, request: Request<'join'>): Promise<Handled> {
    const { channel } = connection;
    if (connection.joined) throw new SignallingFailure('already_joined');
    if (request.protocol !== PROTOCOL_VERSION) {
      throw new SignallingFailure('unsupported_version', `This server speaks version ${PROTOCOL_VERSION}.`);
    }
    const record = await this.#sessions.attach(channel.sessionId);
    channel.open(record.epoch);
    channel.takeOver(connection)?.refuse('superseded');
    const joinedAt = channel.position;
    try {
      const answer = await this.#answer(record, connection, request);
      connection.signal.throwIfAborted();
      const afterwards = () => {
        connection.becomeJoined();
        channel.deliverFrom(request.lastSeen, joinedAt, this.#nowMs());
      };
      return { answer, afterwards };
    } catch (error) {
      await this.#giveUp(connection);
      throw error;
    }
  }

  async #answer(
    record: SessionRecord,
    { signal }: Connection,
    { rtpCapabilities, playback, keep }: Request<'join'>,
  ): Promise<Answers['join']> {
    const wanted = { rtpCapabilities, playback, ...(keep && { keep }) };
    const joined = await this.#calls.join(record, wanted, signal);
    const { id, agent, state, createdAt, epoch, ownerPod } = await this.#sessions.rejoined(record.id);
    const transcript = await this.#sessions.transcript(id);
    const session: SessionView = { id, agent, state, createdAt, elapsedMs: this.#calls.elapsedMs(id), pod: ownerPod };
    return { session, epoch, transcript, kept: joined.kept, ...(!joined.kept && { media: joined.media }) };
  }

  /** The media side may have opened something before it failed; what it holds is dropped like that of a lost client. */
  async #giveUp(connection: Connection): Promise<void> {
    const { channel } = connection;
    if (channel.current !== connection) return;
    channel.letGo();
    this.#calls.clientGone(channel.sessionId);
    // Should this fail as well, then for the same reason; the client is told the first one.
    await this.#sessions.detach(channel.sessionId).catch(() => undefined);
  }
}
