import { expect } from 'chai';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import { Callers } from '../support/callers.ts';
import { eventually } from '../support/eventually.ts';
import { DTLS_PARAMETERS, RTP_PARAMETERS } from '../support/fake-calls.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { JOIN } from '../support/socket-client.ts';

const line = (text: string, final: boolean, turnId = 't1'): TranscriptEntry => ({
  turnId,
  role: 'user',
  text,
  final,
  startMs: 0,
  endMs: 900,
});

describe('Gateway, once joined', () => {
  let server: TestServer;
  let callers: Callers;

  before(async () => {
    server = await startTestServer();
  });

  after(async () => server.close());

  beforeEach(() => {
    callers = new Callers(server);
  });

  afterEach(() => callers.close());

  describe('requests', () => {
    it('reach the media side in the order in which they came', async () => {
      const { id, caller, joined, transportId } = await callers.conversation();
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
      const { id, caller, joined, transportId } = await callers.conversation();
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

    it('tell, where figures are reported, how the caller arrives', async () => {
      const { caller } = await callers.conversation();
      expect(await caller.succeed('report', { statistics: { jitterMs: 3 } })).to.not.have.property('caller');
      const network = { packetsReceived: 9, packetsLost: 1, packetsRecovered: 2, packetsLate: 0 };
      const times = { jitterMs: 1.5, waitMs: 60, waitedMs: 80, concealedMs: 20 };
      server.calls.callerNetwork = { ...network, ...times };
      const answer = await caller.succeed('report', { statistics: { jitterMs: 3 } });
      expect(answer.caller).to.deep.equal({ ...network, ...times });
      expect(await caller.succeed('report', { noPacketsForMs: 600 })).to.not.have.property('caller');
    });

    it('of a slow session do not hold up another', async () => {
      const slow = await callers.conversation();
      const quick = await callers.conversation();
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
      server.calls.delays.set('say', answered);
      const slowSay = slow.caller.succeed('say', { text: 'slow' });
      await eventually(() => callers.asked('say').length === 1);
      await quick.caller.succeed('mute', { muted: true });
      answer();
      server.calls.delays.clear();
      await slowSay;
    });

    it('before the join are refused', async () => {
      const { token } = await server.open();
      const caller = await callers.connect(token);
      expect(await caller.refusal('say', { text: 'hello' })).to.equal('not_joined');
      expect(await caller.refusal('interrupt')).to.equal('not_joined');
      expect(server.calls.asked).to.deep.equal([]);
    });

    it("for a stranger's transport are refused", async () => {
      const stranger = await callers.conversation();
      const { caller } = await callers.conversation();
      const request = { transportId: stranger.transportId, dtlsParameters: DTLS_PARAMETERS };
      expect(await caller.refusal('connect-transport', request)).to.equal('unknown_transport');
    });

    it('that fail inside the server tell the client nothing, and the operator all', async () => {
      const { caller } = await callers.conversation();
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
      const { id, caller, joined } = await callers.conversation();
      server.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 't1', atMs: 10 } });
      server.calls.tell(id, { name: 'speech', data: { speaking: false, turnId: 't1', atMs: 90 } });
      await eventually(() => caller.named('speech').length === 2);
      expect(caller.named('speech')).to.deep.equal([
        { speaking: true, turnId: 't1', atMs: 10, epoch: joined.epoch, seq: 1 },
        { speaking: false, turnId: 't1', atMs: 90, epoch: joined.epoch, seq: 2 },
      ]);
    });

    it('that were missed are sent again after a reconnection, each once', async () => {
      const { id, token, caller, joined } = await callers.conversation();
      const say = (atMs: number) =>
        server.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 't1', atMs } });
      say(1);
      await caller.event('speech');
      caller.close();
      await eventually(() => callers.asked(`gone ${id}`).length === 1);
      say(2);
      say(3);
      const back = await callers.connect(token);
      await back.join({ lastSeen: { epoch: joined.epoch, seq: 1 } });
      say(4);
      await eventually(() => back.named('speech').length === 3);
      expect(back.named('speech').map(({ atMs }) => atMs)).to.deep.equal([2, 3, 4]);
    });

    it('of one session never reach another', async () => {
      const [a, b] = [await callers.conversation(), await callers.conversation()];
      server.calls.tell(a.id, { name: 'queued', data: { position: 1 } });
      await a.caller.event('queued');
      await b.caller.succeed('interrupt');
      expect(b.caller.named('queued')).to.deep.equal([]);
    });
  });

  describe('the transcript', () => {
    it('keeps final lines only, each once, and is told to a page that is reloaded', async () => {
      const { id, token, caller } = await callers.conversation();
      for (const entry of [line('hel', false), line('hello', true), line('hello', true), line('more', true, 't2')]) {
        server.calls.tell(id, { name: 'transcript', data: entry });
      }
      await eventually(() => caller.named('transcript').length === 4);
      caller.close();
      const reloaded = await callers.connect(token);
      const { transcript } = await reloaded.join();
      expect(transcript.map(({ text }) => text)).to.deep.equal(['hello', 'more']);
      const { body } = await server.request('GET', `/v2/sessions/${id}/transcript`);
      expect(body.entries.map(({ text }) => text)).to.deep.equal(['hello', 'more']);
    });
  });

  describe('a session', () => {
    it('is live with media, interrupted without its client, and live again when it is back with its media', async () => {
      const { id, token, caller, joined } = await callers.conversation();
      server.calls.tellFlowing(id, true);
      await eventually(async () => (await callers.session(id)).state === 'live');
      caller.close();
      await eventually(async () => (await callers.session(id)).state === 'interrupted');
      expect(callers.asked(`gone ${id}`)).to.have.lengthOf(1);
      const { send, receive, consumer } = joined.media ?? expect.fail('no media');
      const back = await callers.connect(token);
      const rejoined = await back.join({ keep: { send: send.id, receive: receive.id, consumer: consumer.id } });
      expect(rejoined).to.include({ kept: true }).and.not.have.property('media');
      expect(rejoined.session.state).to.equal('live');
    });

    it('goes to the connection that joins last; the other is told and closed', async () => {
      const { id, token, caller, joined } = await callers.conversation();
      const second = await callers.connect(token);
      await second.join();
      const problem = await caller.event('problem');
      expect(problem).to.include({ code: 'superseded', epoch: joined.epoch, seq: 1 });
      await caller.disconnected();
      expect(callers.asked(`gone ${id}`)).to.deep.equal([]);
      server.calls.tell(id, { name: 'queued', data: { position: 1 } });
      await second.event('queued');
      expect(caller.named('queued')).to.deep.equal([]);
    });

    it('stays with its client while others with its token only look on', async () => {
      const { id, token, caller } = await callers.conversation();
      const onlooker = await callers.connect(token);
      onlooker.close();
      await caller.succeed('interrupt');
      expect(callers.asked(`gone ${id}`)).to.deep.equal([]);
    });

    it('ends when its client leaves', async () => {
      const { id, caller } = await callers.conversation();
      await caller.succeed('leave');
      expect(await caller.event('ended')).to.include({ reason: 'left', seq: 1 });
      await caller.disconnected();
      await eventually(() => callers.asked(`end ${id}`).length === 1);
      expect(await callers.session(id)).to.include({ state: 'ended', endReason: 'left' });
    });

    it('ends when a client leaves that has not got in', async () => {
      const { id, token } = await server.open();
      const caller = await callers.connect(token);
      await caller.succeed('leave');
      expect(await caller.event('ended')).to.include({ reason: 'left' });
      await caller.disconnected();
      expect(await callers.session(id)).to.include({ state: 'ended', endReason: 'left' });
    });

    it('ends when it is deleted, and when the agent hangs up', async () => {
      const [a, b] = [await callers.conversation(), await callers.conversation()];
      await server.request('DELETE', `/v2/sessions/${a.id}`);
      server.calls.tellEnded(b.id, 'agent');
      expect(await a.caller.event('ended')).to.include({ reason: 'deleted' });
      expect(await b.caller.event('ended')).to.include({ reason: 'agent' });
      await Promise.all([a.caller.disconnected(), b.caller.disconnected()]);
      await eventually(() => callers.asked('end').length === 2);
      expect(server.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
    });

    it('that ends during a join refuses it and leaves no media behind', async () => {
      const { id, token } = await server.open();
      const { promise: prepared, resolve: prepare } = Promise.withResolvers<void>();
      server.calls.delays.set('join', prepared);
      const caller = await callers.connect(token);
      const answer = caller.refusal('join', JOIN);
      await eventually(() => callers.asked('join').length === 1);
      await server.request('DELETE', `/v2/sessions/${id}`);
      prepare();
      server.calls.delays.clear();
      expect(await answer).to.equal('session_ended');
      await eventually(() => callers.asked(`end ${id}`).length === 1);
      expect(server.calls.asked.at(-1)).to.equal(`end ${id}`);
    });
  });
});
