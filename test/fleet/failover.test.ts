import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { Fleet } from '../support/fleet.ts';
import { LedCall } from '../support/led-call.ts';
import { Network } from '../support/network.ts';
import { opusSpeech } from '../support/opus-speech.ts';
import type { Pod } from '../support/pod.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';

/** The agent is in the midst of its third sentence or so. */
const INTO_THE_TEXT_MS = 3500;
const PATIENCE_MS = 30_000;

/** Real servers, Redis and haproxy on hosts of their own; what fails, fails as it does in the field. */
describe('the pod that leads sessions', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  /** The caller's socket is on the pod that leads both calls, and on another one, which relays. */
  let calls: LedCall[] = [];
  let owner: Pod;

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({ pods: 3 });
  });

  afterEach(async () => {
    await Promise.all(calls.map(({ call }) => call.end()));
    const killed = fleet.pods.flatMap(({ process }, index) => (process.running ? [] : [index]));
    await Promise.all(killed.map((index) => fleet.restart(index)));
  });

  after(async () => {
    await fleet?.close();
    ScriptedCaller.cleanUp();
  });

  async function begin(): Promise<void> {
    calls = [await LedCall.begin(fleet, { socketOn: 'owner' })];
    owner = await calls[0]!.call.owner();
    calls.push(await LedCall.begin(fleet, { socketOn: 'another', ledBy: owner }));
  }

  async function beginText(): Promise<void> {
    await begin();
    await each(async (led) => led.readText());
    await pause(INTO_THE_TEXT_MS);
  }

  /** What was told of until then must not be lost by it. */
  async function strike(fail: () => unknown): Promise<void> {
    for (const led of calls) led.remember();
    await fail();
  }

  const each = async (check: (led: LedCall) => Promise<void>) => Promise.all(calls.map(check));

  /** It is told by its first write that it does not lead the sessions any more. */
  async function formerOwnerStops(): Promise<void> {
    await each(async ({ call }) => {
      const refused = () =>
        owner.log().some(({ msg, sessionId }) => msg === 'another pod leads this session now' && sessionId === call.id);
      await eventually(refused, PATIENCE_MS);
    });
    const media = async () => (await fleet.request('GET', '/health', undefined, owner.url)).body;
    await eventually(async () => ((await media()) as { peer_connections: number }).peer_connections === 0, PATIENCE_MS);
  }

  it('is killed while the agent speaks: another one goes on within the text', async () => {
    await beginText();
    await strike(() => owner.process.kill());
    await each(async (led) => {
      await led.goesOn();
      await led.finishesText();
      await led.isHeardAndAnswered();
      await led.hasLostNothing();
      expect((await led.call.owner()).id).not.to.equal(owner.id);
    });
  });

  it('is killed while everybody is silent: nothing is said, and the next words are answered', async () => {
    await begin();
    await strike(() => owner.process.kill());
    await each(async (led) => {
      await led.goesOn();
      const backMs = performance.now();
      await pause(1500);
      expect(led.call.caller.heard.voiceMs(backMs), 'ms of voice').to.equal(0);
      await led.isHeardAndAnswered();
      await led.hasLostNothing();
    });
  });

  it('is killed while the caller speaks, who is asked to say it again', async () => {
    await begin();
    const story = await opusSpeech('I would like to tell you a rather long story');
    await each(async ({ call: { caller } }) => {
      caller.voice.sayForever(story);
      await caller.event('speech', { speaking: true });
    });
    await pause(500);
    await strike(() => owner.process.kill());
    await each(async (led) => {
      const { caller } = led.call;
      caller.voice.stop();
      await caller.event('transcript', { role: 'agent', text: 'Sorry, I lost that.' }, 0, PATIENCE_MS);
      await led.call.listens(performance.now());
      await led.isHeardAndAnswered();
      await led.hasLostNothing();
    });
  });

  it('hangs for 10 s and comes back: another one has gone on, and it stops', async () => {
    await beginText();
    await strike(() => owner.process.freeze());
    const frozenMs = performance.now();
    try {
      await each(async (led) => led.goesOn());
      await pause(Math.max(0, frozenMs + 10_000 - performance.now()));
    } finally {
      await owner.process.thaw();
    }
    await formerOwnerStops();
    await each(async (led) => {
      await led.finishesText();
      await led.isHeardAndAnswered();
      await led.hasLostNothing();
    });
  });

  it('is cut off from callers: another one goes on', async () => {
    await beginText();
    await strike(cutFromCaller);
    try {
      await each(async (led) => {
        await led.goesOn();
        await led.finishesText();
        await led.isHeardAndAnswered();
      });
    } finally {
      await heal();
    }
    await formerOwnerStops();
    await each(async (led) => led.hasLostNothing());
  });

  it('is cut off from everybody: another one goes on, and it stops when it is back', async () => {
    await beginText();
    await strike(async () => {
      await cutFromCaller();
      await cutFromRedis();
    });
    try {
      await each(async (led) => {
        await led.goesOn();
        await led.finishesText();
      });
    } finally {
      await heal();
    }
    await formerOwnerStops();
    await each(async (led) => {
      await led.isHeardAndAnswered();
      await led.hasLostNothing();
    });
  });

  it('is cut off from Redis alone: calls go on where they are, and nobody takes them', async () => {
    await beginText();
    const cutMs = performance.now();
    await strike(cutFromRedis);
    await pause(6500);
    const healedMs = performance.now();
    await heal();
    await each(async (led) => {
      const { call, epoch } = led;
      expect(call.caller.heard.longestGapMs(cutMs, healedMs), 'ms without its voice').to.be.below(1500);
      await call.listens(cutMs);
      await led.isHeardAndAnswered();
      await led.hasLostNothing();
      expect(call.caller.epoch, 'epoch').to.equal(epoch);
      expect(call.caller.links, 'transports').to.have.lengthOf(1);
      expect(call.caller.signalling.missing, 'events lost').to.equal(0);
      expect((await call.owner()).id).to.equal(owner.id);
    });
  });

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
