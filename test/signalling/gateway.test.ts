import { expect } from 'chai';
import { PROTOCOL_VERSION } from '../../signalling/protocol.ts';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import { SessionTokens } from '../../signalling/tokens.ts';
import { DTLS_PARAMETERS, FakeMediaError, RTP_CAPABILITIES, RTP_PARAMETERS } from '../support/fake-calls.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { eventually } from '../support/eventually.ts';
import { JOIN, SocketClient } from '../support/socket-client.ts';
import type { Refusal } from '../support/socket-client.ts';

const TOKEN_SECRET = 'a secret of more than thirty-two characters';

const line = (text: string, final: boolean, turnId = 't1'): TranscriptEntry => ({
  turnId,
  role: 'user',
  text,
  final,
  startMs: 0,
  endMs: 900,
});

describe('Gateway', () => {
  let server: TestServer;
  let clients: SocketClient[];

  before(async () => {
    server = await startTestServer({ TOKEN_SECRET, ALLOWED_ORIGINS: 'https://friend.example' });
  });

  after(async () => server.close());

  beforeEach(() => {
    clients = [];
    server.calls.asked.length = 0;
    server.log.lines.length = 0;
  });

  afterEach(() => {
    for (const client of clients) client.close();
  });

  const client = (token: unknown, headers?: Record<string, string>): SocketClient => {
    const made = new SocketClient(server.origin, token, headers);
    clients.push(made);
    return made;
  };

  const refused = async (token: unknown, headers?: Record<string, string>): Promise<Refusal> =>
    client(token, headers)
      .connected()
      .then(
        () => expect.fail('was let in'),
        (error: Refusal) => error,
      );

  /** A session with a client that has joined. */
  const conversation = async () => {
    const { id, token } = await server.open();
    const caller = await client(token).connected();
    const joined = await caller.join();
    const transportId = joined.media?.send.id ?? '';
    return { id, token, caller, joined, transportId };
  };

  const stateOf = async (id: string) => (await server.request('GET', `/v2/sessions/${id}`)).body;
  const asked = (name: string) => server.calls.asked.filter((entry) => entry.startsWith(name));

  describe('the handshake', () => {
    it('greets at once with what a browser needs for its join', async () => {
      const { token } = await server.open();
      const hello = await client(token).event('hello');
      expect(hello).to.deep.equal({
        protocol: PROTOCOL_VERSION,
        version: '0.1.0',
        rtpCapabilities: RTP_CAPABILITIES,
        iceServers: [],
      });
    });

    it('refuses a missing, malformed or foreign token with a code and no more', async () => {
      const foreign = await new SessionTokens({ secret: 'x'.repeat(32), nowMs: Date.now }).issue('any');
      for (const token of [undefined, '', 7, { a: 1 }, 'nonsense', 'x'.repeat(5_000), foreign.token]) {
        expect((await refused(token)).data, JSON.stringify(token)).to.have.property('code', 'unauthorized');
      }
    });

    it('refuses a token that has ended and says so', async () => {
      const tokens = new SessionTokens({ secret: TOKEN_SECRET, nowMs: () => Date.now() - 700_000 });
      const { data } = await refused((await tokens.issue((await server.open()).id)).token);
      expect(data).to.deep.equal({ code: 'unauthorized', message: 'The token has ended. Ask for a new one.' });
    });

    it('lets in pages of its own, of allowed origins, and clients that are no page', async () => {
      const { token } = await server.open();
      for (const headers of [{}, { Origin: server.origin }, { Origin: 'https://friend.example' }]) {
        await client(token, headers).connected();
      }
    });

    it('refuses pages of other origins and requests under foreign names', async () => {
      const { token } = await server.open();
      for (const headers of [{ Origin: 'https://stranger.example' }, { Origin: 'null' }]) {
        expect(await refused(token, headers)).to.be.instanceOf(Error);
      }
      // The page of a name that was pointed at this machine: its origin and host agree, and are not ours.
      expect(await refused(token, { Origin: 'http://evil.example', Host: 'evil.example' })).to.be.instanceOf(Error);
    });

    it('lets eight connections share a session, and no more', async () => {
      const { token } = await server.open();
      for (let i = 0; i < 8; i += 1) await client(token).connected();
      expect((await refused(token)).data).to.have.property('code', 'too_many_requests');
    });
  });

  describe('a join', () => {
    it('is answered with the session and everything that its media needs', async () => {
      const { id, joined } = await conversation();
      expect(joined.session).to.include({ id, agent: 'parrot', state: 'ready', elapsedMs: 1234 });
      expect(joined.kept).to.equal(false);
      expect(joined.media).to.have.all.keys('send', 'receive', 'consumer');
      expect(joined.transcript).to.deep.equal([]);
      expect(joined.epoch).to.be.above(0);
    });

    it('is refused when this connection has joined already', async () => {
      const { caller } = await conversation();
      expect(await caller.refusal('join', JOIN)).to.equal('already_joined');
      expect(asked('join')).to.have.lengthOf(1);
    });

    it('is refused twice in one breath as well', async () => {
      const { token } = await server.open();
      const caller = await client(token).connected();
      const [first, second] = await Promise.all([caller.ask('join', JOIN), caller.refusal('join', JOIN)]);
      expect([first.ok, second]).to.deep.equal([true, 'already_joined']);
    });

    it('is refused in another version of the protocol, and may be tried again', async () => {
      const { token } = await server.open();
      const caller = await client(token).connected();
      expect(await caller.refusal('join', { ...JOIN, protocol: PROTOCOL_VERSION + 1 })).to.equal('unsupported_version');
      await caller.join();
    });

    it('is refused for a session that has ended, and for one that never was', async () => {
      const { id, token } = await server.open();
      await server.request('DELETE', `/v2/sessions/${id}`);
      expect(await (await client(token).connected()).refusal('join', JOIN)).to.equal('session_ended');
      const tokens = new SessionTokens({ secret: TOKEN_SECRET, nowMs: Date.now });
      const { token: stray } = await tokens.issue('00000000-0000-4000-8000-000000000000');
      expect(await (await client(stray).connected()).refusal('join', JOIN)).to.equal('session_not_found');
    });

    it('that the media side refuses can be tried again', async () => {
      const { token } = await server.open();
      const caller = await client(token).connected();
      server.calls.failures.set('join', new FakeMediaError('server_busy'));
      expect(await caller.refusal('join', JOIN)).to.equal('server_busy');
      await caller.join();
    });

    it('has its media dropped when the client goes away while it is prepared', async () => {
      const { id, token } = await server.open();
      const { promise: prepared, resolve: prepare } = Promise.withResolvers<void>();
      server.calls.delays.set('join', prepared);
      const caller = await client(token).connected();
      caller.socket.emit('join', JOIN, () => undefined);
      await eventually(() => asked('join').length === 1);
      caller.close();
      await eventually(async () => (await server.connections()) === 0);
      prepare();
      server.calls.delays.clear();
      await eventually(() => asked(`gone ${id}`).length === 1);
      expect(server.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
    });
  });

  describe('requests', () => {
    it('reach the media side in the order in which they came', async () => {
      const { id, caller, joined, transportId } = await conversation();
      const receiveId = joined.media?.receive.id ?? '';
      const [, , produced] = await Promise.all([
        caller.succeed('connect-transport', { transportId: receiveId, dtlsParameters: DTLS_PARAMETERS }),
        caller.succeed('connect-transport', { transportId, dtlsParameters: DTLS_PARAMETERS }),
        caller.succeed('produce', { transportId, rtpParameters: RTP_PARAMETERS }),
      ]);
      expect(produced.producerId).to.equal(`producer-of-${transportId}`);
      expect(server.calls.asked.slice(-3)).to.deep.equal([
        `connect-transport ${id} ${receiveId}`,
        `connect-transport ${id} ${transportId}`,
        `produce ${id} ${transportId}`,
      ]);
    });

    it('are answered with what they ask for', async () => {
      const { id, caller, joined, transportId } = await conversation();
      expect((await caller.succeed('consume', { participant: 'agent' })).consumer).to.deep.equal(
        joined.media?.consumer,
      );
      expect((await caller.succeed('restart-ice', { transportId })).iceParameters.password).to.equal('fresh');
      expect(await caller.succeed('say', { text: 'hello' })).to.have.property('turnId', 'turn-1');
      await caller.succeed('interrupt');
      await caller.succeed('mute', { muted: true });
      await caller.succeed('report', { microphone: 'none' });
      expect(server.calls.asked.slice(-4)).to.deep.equal([
        `say ${id} hello`,
        `interrupt ${id}`,
        `mute ${id} true`,
        `report ${id} {"microphone":"none"}`,
      ]);
    });

    it('of a slow session do not hold up another', async () => {
      const slow = await conversation();
      const quick = await conversation();
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
      server.calls.delays.set('say', answered);
      const slowSay = slow.caller.succeed('say', { text: 'slow' });
      await eventually(() => asked('say').length === 1);
      await quick.caller.succeed('mute', { muted: true });
      answer();
      server.calls.delays.clear();
      await slowSay;
    });

    it('before the join are refused', async () => {
      const { token } = await server.open();
      const caller = await client(token).connected();
      expect(await caller.refusal('say', { text: 'hello' })).to.equal('not_joined');
      expect(await caller.refusal('leave')).to.equal('not_joined');
      expect(server.calls.asked).to.deep.equal([]);
    });

    it("for a stranger's transport are refused", async () => {
      const stranger = await conversation();
      const { caller } = await conversation();
      const request = { transportId: stranger.transportId, dtlsParameters: DTLS_PARAMETERS };
      expect(await caller.refusal('connect-transport', request)).to.equal('unknown_transport');
    });

    it('that fail inside the server tell the client nothing, and the operator all', async () => {
      const { caller } = await conversation();
      server.calls.failures.set('say', new Error('connect ECONNREFUSED 10.0.0.7'));
      const ack = await caller.ask('say', { text: 'a secret' });
      expect(ack).to.deep.equal({
        ok: false,
        error: { code: 'internal', message: 'Something went wrong on the server.' },
      });
      const logged = server.log.lines.filter(({ level }) => level === 'error');
      expect(logged).to.have.lengthOf(1);
      expect(logged[0]?.details).to.have.nested.property('err.message', 'connect ECONNREFUSED 10.0.0.7');
      expect(JSON.stringify(logged)).to.not.include('a secret');
    });
  });

  describe('events', () => {
    it('carry the epoch and a number that rises by one', async () => {
      const { id, caller, joined } = await conversation();
      server.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 't1', atMs: 10 } });
      server.calls.tell(id, { name: 'speech', data: { speaking: false, turnId: 't1', atMs: 90 } });
      await eventually(() => caller.named('speech').length === 2);
      expect(caller.named('speech')).to.deep.equal([
        { speaking: true, turnId: 't1', atMs: 10, epoch: joined.epoch, seq: 1 },
        { speaking: false, turnId: 't1', atMs: 90, epoch: joined.epoch, seq: 2 },
      ]);
    });

    it('that were missed are sent again after a reconnection, each once', async () => {
      const { id, token, caller, joined } = await conversation();
      const say = (atMs: number) =>
        server.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 't1', atMs } });
      say(1);
      await caller.event('speech');
      caller.close();
      await eventually(() => asked(`gone ${id}`).length === 1);
      say(2);
      say(3);
      const back = await client(token).connected();
      await back.join({ lastSeen: { epoch: joined.epoch, seq: 1 } });
      say(4);
      await eventually(() => back.named('speech').length === 3);
      expect(back.named('speech').map(({ atMs }) => atMs)).to.deep.equal([2, 3, 4]);
    });

    it('of one session never reach another', async () => {
      const [a, b] = [await conversation(), await conversation()];
      server.calls.tell(a.id, { name: 'queued', data: { position: 1 } });
      await a.caller.event('queued');
      await b.caller.succeed('interrupt');
      expect(b.caller.named('queued')).to.deep.equal([]);
    });
  });

  describe('the transcript', () => {
    it('keeps final lines only, each once, and is told to a page that is reloaded', async () => {
      const { id, token, caller } = await conversation();
      for (const entry of [line('hel', false), line('hello', true), line('hello', true), line('more', true, 't2')]) {
        server.calls.tell(id, { name: 'transcript', data: entry });
      }
      await eventually(() => caller.named('transcript').length === 4);
      caller.close();
      const reloaded = await client(token).connected();
      const { transcript } = await reloaded.join();
      expect(transcript.map(({ text }) => text)).to.deep.equal(['hello', 'more']);
      const { body } = await server.request('GET', `/v2/sessions/${id}/transcript`);
      expect(body.entries.map(({ text }) => text)).to.deep.equal(['hello', 'more']);
    });
  });

  describe('a session', () => {
    it('is live with media, interrupted without its client, and live again when it is back with its media', async () => {
      const { id, token, caller, joined } = await conversation();
      server.calls.tellFlowing(id, true);
      await eventually(async () => (await stateOf(id)).state === 'live');
      caller.close();
      await eventually(async () => (await stateOf(id)).state === 'interrupted');
      expect(asked(`gone ${id}`)).to.have.lengthOf(1);
      const { send, receive, consumer } = joined.media ?? expect.fail('no media');
      const back = await client(token).connected();
      const rejoined = await back.join({ keep: { send: send.id, receive: receive.id, consumer: consumer.id } });
      expect(rejoined).to.include({ kept: true }).and.not.have.property('media');
      expect(rejoined.session.state).to.equal('live');
    });

    it('goes to the connection that joins last; the other is told and closed', async () => {
      const { id, token, caller, joined } = await conversation();
      const second = await client(token).connected();
      await second.join();
      const problem = await caller.event('problem');
      expect(problem).to.include({ code: 'superseded', epoch: joined.epoch, seq: 1 });
      await caller.disconnected();
      expect(asked(`gone ${id}`)).to.deep.equal([]);
      server.calls.tell(id, { name: 'queued', data: { position: 1 } });
      await second.event('queued');
      expect(caller.named('queued')).to.deep.equal([]);
    });

    it('stays with its client while others with its token only look on', async () => {
      const { id, token, caller } = await conversation();
      const onlooker = await client(token).connected();
      onlooker.close();
      await caller.succeed('interrupt');
      expect(asked(`gone ${id}`)).to.deep.equal([]);
    });

    it('ends when its client leaves', async () => {
      const { id, caller } = await conversation();
      await caller.succeed('leave');
      expect(await caller.event('ended')).to.include({ reason: 'left', seq: 1 });
      await caller.disconnected();
      await eventually(() => asked(`end ${id}`).length === 1);
      expect(await stateOf(id)).to.include({ state: 'ended', endReason: 'left' });
    });

    it('ends when it is deleted, and when the agent hangs up', async () => {
      const [a, b] = [await conversation(), await conversation()];
      await server.request('DELETE', `/v2/sessions/${a.id}`);
      server.calls.tellEnded(b.id, 'agent');
      expect(await a.caller.event('ended')).to.include({ reason: 'deleted' });
      expect(await b.caller.event('ended')).to.include({ reason: 'agent' });
      await Promise.all([a.caller.disconnected(), b.caller.disconnected()]);
      await eventually(() => asked('end').length === 2);
      expect(server.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
    });

    it('that ends during a join refuses it and leaves no media behind', async () => {
      const { id, token } = await server.open();
      const { promise: prepared, resolve: prepare } = Promise.withResolvers<void>();
      server.calls.delays.set('join', prepared);
      const caller = await client(token).connected();
      const answer = caller.refusal('join', JOIN);
      await eventually(() => asked('join').length === 1);
      await server.request('DELETE', `/v2/sessions/${id}`);
      prepare();
      server.calls.delays.clear();
      expect(await answer).to.equal('session_ended');
      await eventually(() => asked(`end ${id}`).length === 1);
      expect(server.calls.asked.at(-1)).to.equal(`end ${id}`);
    });
  });
});
