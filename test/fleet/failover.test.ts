import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { FleetCall, type FleetCallOptions } from '../support/fleet-call.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';
import { opusSpeech } from '../support/opus-speech.ts';
import type { Pod } from '../support/pod.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';

const GREETING = 'Hello there.';
const FIRST_WORDS = 'First things first.';
const SENTENCES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'].map((n) => `This is line number ${n}.`);
/** The agent is in the midst of its third sentence or so. */
const INTO_THE_TEXT_MS = 3500;
const PATIENCE_MS = 30_000;

const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

type SocketOn = FleetCallOptions['socketOn'];
const SOCKETS: SocketOn[] = ['owner', 'another'];
const placeOf = (socketOn: SocketOn) => (socketOn === 'owner' ? "the caller's socket on it" : 'the socket elsewhere');

/** Real servers, Redis and haproxy on hosts of their own; what fails, fails as it does in the field. */
describe('the pod that leads a session', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  let call: FleetCall;
  let owner: Pod;
  let epoch: number;

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({ pods: 3 });
  });

  afterEach(async () => {
    await call?.end();
    const killed = fleet.pods.flatMap(({ process }, index) => (process.running ? [] : [index]));
    await Promise.all(killed.map((index) => fleet.restart(index)));
  });

  after(async () => {
    await fleet?.close();
    ScriptedCaller.cleanUp();
  });

  async function begin(socketOn: SocketOn): Promise<void> {
    call = await FleetCall.open(fleet, { socketOn, session: { overrides: { greeting: GREETING } } });
    await call.greeted();
    await call.haveRead(FIRST_WORDS);
    await call.listens();
    owner = await call.owner();
    epoch = call.caller.epoch;
  }

  async function beginText(socketOn: SocketOn): Promise<void> {
    await begin(socketOn);
    await call.haveRead(SENTENCES.join(' '));
    await pause(INTO_THE_TEXT_MS);
  }

  const agentLines = async () => (await call.transcript()).filter(({ role }) => role === 'agent');
  const nothingOf = (lines: { turnId: string; role: string; text: string }[]) =>
    lines.map(({ turnId, role, text }) => `${role} ${turnId}: ${text}`);

  /** What was told of is kept, nothing is said or answered twice, and one owner alone was ever heard. */
  async function nothingIsLost(told: FleetCall['told']): Promise<void> {
    const kept = await call.transcript();
    expect(nothingOf(kept), 'lines that are kept').to.include.members(nothingOf(told));
    const lines = await agentLines();
    expect(
      lines.filter(({ text }) => text.startsWith('Hello')),
      'greetings',
    ).to.have.lengthOf(1);
    expect(
      lines.filter(({ text }) => text.includes(FIRST_WORDS)),
      'answers',
    ).to.have.lengthOf(1);
    const turns = lines.map(({ turnId }) => turnId);
    expect(turns).to.deep.equal([...new Set(turns)]);
    expect(call.caller.heard.fromFormerOwners, 'packets of a former owner').to.deep.equal([]);
  }

  /** It was in the midst of a sentence: that one is said again, those before are not, those after are not left out. */
  async function textIsFinished(): Promise<void> {
    const heardBefore = call.textBefore(epoch);
    const again = await call.caller.event('transcript', { final: false, epoch: call.caller.epoch }, 0, PATIENCE_MS);
    await call.listens(again.atMs);
    const reached = SENTENCES.findLastIndex((sentence) => heardBefore.endsWith(sentence));
    const { text: begun } = again.data as { text: string };
    const begunAt = SENTENCES.findIndex((sentence) => begun.startsWith(sentence));
    expect(begunAt, `said again after "${heardBefore}"`).to.be.within(reached - 1, reached);
    const said = (await agentLines()).map(({ text }) => text).join(' ');
    const times = SENTENCES.map((sentence) => said.split(sentence).length - 1);
    expect(times, said).to.deep.equal(SENTENCES.map(() => 1));
  }

  async function bothAreHeard(): Promise<void> {
    const askedMs = performance.now();
    await call.caller.voice.say(await opusSpeech('Can you hear me again?'));
    const turn = await call.caller.event('turn', {}, askedMs, PATIENCE_MS);
    const answer = await call.caller.event('agent-state', { state: 'speaking' }, turn.atMs, PATIENCE_MS);
    await call.listens(answer.atMs);
    expect(call.caller.heard.voiceMs(answer.atMs), 'ms heard of the answer').to.be.above(700);
    expect(call.caller.heard.epochAt(performance.now())).to.equal(call.caller.epoch);
  }

  /** It is told by its first write that it does not lead the session any more. */
  async function formerOwnerStops(): Promise<void> {
    const refused = () =>
      owner.log().some(({ msg, sessionId }) => msg === 'another pod leads this session now' && sessionId === call.id);
    await eventually(refused, PATIENCE_MS);
    const media = async () => (await fleet.request('GET', '/health', undefined, owner.url)).body;
    await eventually(async () => ((await media()) as { peer_connections: number }).peer_connections === 0, PATIENCE_MS);
  }

  for (const socketOn of SOCKETS) {
    describe(placeOf(socketOn), () => {
      it('is killed while the agent speaks: another one goes on within the text', async () => {
        await beginText(socketOn);
        const { told } = call;
        await owner.process.kill();
        await call.whenLedAgain(epoch);
        await textIsFinished();
        await bothAreHeard();
        await nothingIsLost(told);
        expect((await call.owner()).id).not.to.equal(owner.id);
      });

      it('is killed while everybody is silent: nothing is said, and the next words are answered', async () => {
        await begin(socketOn);
        const { told } = call;
        await owner.process.kill();
        await call.whenLedAgain(epoch);
        const backMs = performance.now();
        await pause(1500);
        expect(call.caller.heard.voiceMs(backMs), 'ms of voice').to.equal(0);
        await bothAreHeard();
        await nothingIsLost(told);
      });

      it('is killed while the caller speaks, who is asked to say it again', async () => {
        await begin(socketOn);
        const { told } = call;
        call.caller.voice.sayForever(await opusSpeech('I would like to tell you a rather long story'));
        await call.caller.event('speech', { speaking: true });
        await pause(500);
        await owner.process.kill();
        call.caller.voice.stop();
        await call.caller.event('transcript', { role: 'agent', text: 'Sorry, I lost that.' }, 0, PATIENCE_MS);
        await call.listens(performance.now());
        await bothAreHeard();
        await nothingIsLost(told);
      });

      it('hangs for 10 s and comes back: another one has gone on, and it stops', async () => {
        await beginText(socketOn);
        const { told } = call;
        await owner.process.freeze();
        const frozenMs = performance.now();
        try {
          await call.whenLedAgain(epoch);
          await pause(Math.max(0, frozenMs + 10_000 - performance.now()));
        } finally {
          await owner.process.thaw();
        }
        await formerOwnerStops();
        await textIsFinished();
        await bothAreHeard();
        await nothingIsLost(told);
      });

      it('is cut off from the caller: another one goes on', async () => {
        await beginText(socketOn);
        const { told } = call;
        await cutFromCaller();
        try {
          await call.whenLedAgain(epoch);
          await textIsFinished();
          await bothAreHeard();
        } finally {
          await heal();
        }
        await formerOwnerStops();
        await nothingIsLost(told);
      });

      it('is cut off from everybody: another one goes on, and it stops when it is back', async () => {
        await beginText(socketOn);
        const { told } = call;
        await cutFromCaller();
        await cutFromRedis();
        try {
          await call.whenLedAgain(epoch);
          await textIsFinished();
        } finally {
          await heal();
        }
        await formerOwnerStops();
        await bothAreHeard();
        await nothingIsLost(told);
      });

      it('is cut off from Redis alone: the call goes on where it is, and nobody takes it', async () => {
        await beginText(socketOn);
        const { told } = call;
        const cutMs = performance.now();
        await cutFromRedis();
        await pause(6500);
        const silentMs = call.caller.heard.longestGapMs(cutMs, performance.now());
        await heal();
        expect(silentMs, 'ms without its voice').to.be.below(1500);
        await call.listens(cutMs);
        await bothAreHeard();
        await nothingIsLost(told);
        expect(call.caller.epoch, 'epoch').to.equal(epoch);
        expect(call.caller.links, 'transports').to.have.lengthOf(1);
        expect(call.caller.signalling.missing, 'events lost').to.equal(0);
        expect((await call.owner()).id).to.equal(owner.id);
      });
    });
  }

  async function cutFromCaller(): Promise<void> {
    await fleet.network.cut(owner.host, fleet.network.outside);
    await fleet.network.cut(owner.host, fleet.balancer!.process.host);
  }

  async function cutFromRedis(): Promise<void> {
    await fleet.network.cut(owner.host, fleet.redis!.host);
  }

  async function heal(): Promise<void> {
    for (const other of [fleet.network.outside, fleet.balancer!.process.host, fleet.redis!.host]) {
      await fleet.network.heal(owner.host, other);
    }
  }
});
