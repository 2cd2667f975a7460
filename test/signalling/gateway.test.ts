import { expect } from 'chai';
import { PROTOCOL_VERSION } from '../../signalling/protocol.ts';
import { SessionTokens } from '../../signalling/tokens.ts';
import { Callers } from '../support/callers.ts';
import { eventually } from '../support/eventually.ts';
import { FakeMediaError, RTP_CAPABILITIES } from '../support/fake-calls.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { JOIN } from '../support/socket-client.ts';

const TOKEN_SECRET = 'a secret of more than thirty-two characters';

describe('Gateway', () => {
  let server: TestServer;
  let callers: Callers;

  before(async () => {
    server = await startTestServer({ TOKEN_SECRET, POD_ID: 'pod-a', ALLOWED_ORIGINS: 'https://friend.example' });
  });

  after(async () => server.close());

  beforeEach(() => {
    callers = new Callers(server);
  });

  afterEach(() => callers.close());

  describe('the handshake', () => {
    it('greets at once with what a browser needs for its join', async () => {
      const { token } = await server.open();
      const hello = await callers.client(token).event('hello');
      expect(hello).to.deep.equal({
        protocol: PROTOCOL_VERSION,
        version: '0.1.0',
        pod: 'pod-a',
        rtpCapabilities: RTP_CAPABILITIES,
        iceServers: [],
      });
    });

    it('refuses a missing, malformed or foreign token with a code and no more', async () => {
      const foreign = await new SessionTokens({ secret: 'x'.repeat(32), nowMs: Date.now }).issue('any');
      for (const token of [undefined, '', 7, { a: 1 }, 'nonsense', 'x'.repeat(5_000), foreign.token]) {
        expect((await callers.refusal(token)).data, JSON.stringify(token)).to.have.property('code', 'unauthorized');
      }
    });

    it('refuses a token that has ended and says so', async () => {
      const tokens = new SessionTokens({ secret: TOKEN_SECRET, nowMs: () => Date.now() - 700_000 });
      const { data } = await callers.refusal((await tokens.issue((await server.open()).id)).token);
      expect(data).to.deep.equal({ code: 'unauthorized', message: 'The token has ended. Ask for a new one.' });
    });

    it('lets in pages of its own, of allowed origins, and clients that are no page', async () => {
      const { token } = await server.open();
      for (const headers of [{}, { Origin: server.origin }, { Origin: 'https://friend.example' }]) {
        await callers.connect(token, headers);
      }
    });

    it('refuses pages of other origins and requests under foreign names', async () => {
      const { token } = await server.open();
      for (const headers of [{ Origin: 'https://stranger.example' }, { Origin: 'null' }]) {
        expect(await callers.refusal(token, headers)).to.be.instanceOf(Error);
      }
      // The page of a name that was pointed at this machine: its origin and host agree, and are not ours.
      expect(await callers.refusal(token, { Origin: 'http://evil.example', Host: 'evil.example' })).to.be.instanceOf(
        Error,
      );
    });

    it('lets eight connections share a session, and no more', async () => {
      const { token } = await server.open();
      for (let i = 0; i < 8; i += 1) await callers.connect(token);
      expect((await callers.refusal(token)).data).to.have.property('code', 'too_many_requests');
    });
  });

  describe('a join', () => {
    it('is answered with the session and everything that its media needs', async () => {
      const { id, joined } = await callers.conversation();
      expect(joined.session).to.include({ id, agent: 'parrot', state: 'ready', elapsedMs: 1234 });
      expect(joined.kept).to.equal(false);
      expect(joined.media).to.have.all.keys('send', 'receive', 'consumer');
      expect(joined.transcript).to.deep.equal([]);
      expect(joined.epoch).to.be.above(0);
    });

    it('is refused when this connection has joined already', async () => {
      const { caller } = await callers.conversation();
      expect(await caller.refusal('join', JOIN)).to.equal('already_joined');
      expect(callers.asked('join')).to.have.lengthOf(1);
    });

    it('is refused twice in one breath as well', async () => {
      const { token } = await server.open();
      const caller = await callers.connect(token);
      const [first, second] = await Promise.all([caller.ask('join', JOIN), caller.refusal('join', JOIN)]);
      expect([first.ok, second]).to.deep.equal([true, 'already_joined']);
    });

    it('is refused in another version of the protocol, and may be tried again', async () => {
      const { token } = await server.open();
      const caller = await callers.connect(token);
      expect(await caller.refusal('join', { ...JOIN, protocol: PROTOCOL_VERSION + 1 })).to.equal('unsupported_version');
      await caller.join();
    });

    it('is refused for a session that has ended, and for one that never was', async () => {
      const { id, token } = await server.open();
      await server.request('DELETE', `/v2/sessions/${id}`);
      expect(await (await callers.connect(token)).refusal('join', JOIN)).to.equal('session_ended');
      const tokens = new SessionTokens({ secret: TOKEN_SECRET, nowMs: Date.now });
      const { token: stray } = await tokens.issue('00000000-0000-4000-8000-000000000000');
      expect(await (await callers.connect(stray)).refusal('join', JOIN)).to.equal('session_not_found');
    });

    it('that the media side refuses can be tried again', async () => {
      const { token } = await server.open();
      const caller = await callers.connect(token);
      server.calls.failures.set('join', new FakeMediaError('server_busy'));
      expect(await caller.refusal('join', JOIN)).to.equal('server_busy');
      await caller.join();
    });

    it('has its media dropped when the client goes away while it is prepared', async () => {
      const { id, token } = await server.open();
      const { promise: prepared, resolve: prepare } = Promise.withResolvers<void>();
      server.calls.delays.set('join', prepared);
      const caller = await callers.connect(token);
      caller.socket.emit('join', JOIN, () => undefined);
      await eventually(() => callers.asked('join').length === 1);
      caller.close();
      await eventually(async () => (await server.connections()) === 0);
      prepare();
      server.calls.delays.clear();
      await eventually(() => callers.asked(`gone ${id}`).length === 1);
      expect(server.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
    });
  });
});
