import { expect } from 'chai';
import { eventually } from './eventually.ts';
import { opusSpeech } from './opus-speech.ts';
import { Relay } from './relay.ts';
import { ScriptedCaller } from './scripted-caller.ts';
import { startTalkingServer, type TalkingServer } from './talking-server.ts';

describe('a scripted caller', function () {
  this.timeout(60_000);
  let server: TalkingServer;
  const callers: ScriptedCaller[] = [];

  before(async () => {
    server = await startTalkingServer();
  });

  afterEach(() => {
    for (const caller of callers.splice(0)) caller.close();
  });

  after(async () => {
    await server.close();
    ScriptedCaller.cleanUp();
  });

  async function openSession(): Promise<string> {
    const answer = await fetch(`${server.url}demo/sessions`, { method: 'POST' });
    return ((await answer.json()) as { token: string }).token;
  }

  async function call(options: { media?: boolean; url?: string } = {}): Promise<ScriptedCaller> {
    const token = await openSession();
    const caller = new ScriptedCaller({ url: server.url, token, bindAddress: '127.0.0.1', ...options });
    callers.push(caller);
    return caller.whenConnected();
  }

  /** Until the greeting is over. @returns when */
  async function greeted(caller: ScriptedCaller): Promise<number> {
    const speaking = await caller.event('agent-state', { state: 'speaking' });
    return (await caller.event('agent-state', { state: 'listening' }, speaking.atMs)).atMs;
  }

  it('hears the greeting, is heard, and is answered', async () => {
    const caller = await call();
    const greetedMs = await greeted(caller);
    const speaking = await caller.event('agent-state', { state: 'speaking' });
    expect(caller.heard.voiceMs()).to.be.above(1000);
    expect(caller.heard.longestGapMs(speaking.atMs + 200, greetedMs - 200), 'a voice without gaps').to.be.below(400);
    await caller.voice.say(await opusSpeech('Is anybody there? I would like to talk.'));
    const turn = await caller.event('turn', {}, greetedMs);
    const answer = await caller.event('agent-state', { state: 'speaking' }, turn.atMs);
    await caller.event('agent-state', { state: 'listening' }, answer.atMs);
    expect(caller.heard.voiceMs(answer.atMs)).to.be.above(2000);
    expect(caller.heard.firstVoiceMs(turn.atMs)).to.be.within(turn.atMs, answer.atMs + 1000);
    expect(caller.heard.epochAt(performance.now())).to.equal(caller.epoch);
    expect(caller.heard.fromFormerOwners).to.deep.equal([]);
  });

  it('joins again when its connection is lost, keeps its media and misses no event', async () => {
    const caller = await call();
    await greeted(caller);
    caller.signalling.restart();
    await caller.until(() => caller.joins.length === 2, 'a second join');
    expect(caller.joins[1]).to.include({ kept: true });
    const { turnId } = await caller.request('say', { text: 'Still here.' });
    await caller.event('transcript', { turnId });
    expect(caller.signalling.missing).to.equal(0);
    expect(caller.links).to.have.lengthOf(1);
  });

  it('moves to new transports when its media worker dies', async () => {
    const caller = await call();
    const greetedMs = await greeted(caller);
    process.kill(server.media.mediaWorkerPids[0]!, 'SIGKILL');
    await caller.event('move', { reason: 'media-worker' }, greetedMs);
    await caller.until(() => caller.links[1]?.usedMs !== undefined, 'new transports in use');
    const movedMs = performance.now();
    await caller.request('say', { text: 'You can hear me again.' });
    const speaking = await caller.event('agent-state', { state: 'speaking' }, movedMs);
    await caller.event('agent-state', { state: 'listening' }, speaking.atMs);
    expect(caller.heard.voiceMs(movedMs)).to.be.above(500);
  });

  it('stands by where it is told to, speaks to both, and goes over with the first word of the next owner', async () => {
    await using relay = await Relay.start(server.url);
    const caller = await call({ url: relay.url });
    await greeted(caller);
    await relay.drain(await openSession());
    await caller.until(() => caller.links[1]?.connectedMs !== undefined, 'transports that stand by');
    expect(caller.links[1]).to.include({ reason: 'drain' }).and.not.have.property('usedMs');
    await caller.voice.say(await opusSpeech('Do both of you hear me?'));
    const turn = await caller.event('turn');
    await eventually(() => caller.heard.voiceMs(turn.atMs) > 100);
    await eventually(() => relay.unheard('speech').length > 0);
    const firstEpoch = caller.epoch;
    expect(caller.heard.epochAt(performance.now())).to.equal(firstEpoch);

    relay.takeOver();
    await caller.until(() => caller.links[1]?.usedMs !== undefined, 'the other transports in use');
    const movedMs = performance.now();
    await caller.request('say', { text: 'Now I speak to you.' });
    const speaking = await caller.event('agent-state', { state: 'speaking' }, movedMs);
    await caller.event('agent-state', { state: 'listening' }, speaking.atMs);
    expect(caller.heard.voiceMs(movedMs)).to.be.above(500);
    expect(caller.heard.epochAt(performance.now())).to.equal(firstEpoch + 1);
    // This other one greeted while it was to be silent, and the first one answered nevertheless.
    expect(caller.heard.fromFormerOwners, 'two owners are noticed').to.not.deep.equal([]);
  });

  it('does with signalling alone where it is told to', async () => {
    const caller = await call({ media: false });
    expect(caller.links).to.deep.equal([]);
    expect(caller.joins).to.have.lengthOf(1);
  });

  it('says why when it gives up', async () => {
    const caller = new ScriptedCaller({ url: server.url, token: 'no token' });
    callers.push(caller);
    const outcome = await caller.whenConnected().catch((error: Error) => error.message);
    expect(outcome).to.include('unauthorized');
  });
});
