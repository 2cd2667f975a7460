/** Histories that went wrong once, each with the least that it takes. */
import { expect } from 'chai';
import { playHistory } from './history.ts';
import type { FaultyFleet, History } from './history.ts';
import { SimulatedClient } from './simulated-client.ts';
import { SimulatedPod } from './simulated-pod.ts';

/** Few enough to be quick, and enough for the order of messages to differ. */
const SEEDS = 20;

/** A pod whose clock is ahead of the world's by so much. */
const startPod = async ({ world }: FaultyFleet, id: string, skewMs = 0): Promise<SimulatedPod> => {
  const pod = await SimulatedPod.start(world, id, skewMs);
  world.pods.set(id, pod);
  return pod;
};

/** A client that talks on a pod, with its connection there. */
const startClient = async ({ world }: FaultyFleet, pod: SimulatedPod): Promise<SimulatedClient> => {
  const opening = world.time.in(pod.process, () => pod.signalling.sessions.open({ agent: 'parrot' }));
  await world.time.run(world.time.nowMs + 300);
  const { id } = (await opening)!;
  const client = new SimulatedClient(world, 'client', id);
  client.sentTo = pod.id;
  client.start();
  world.rules.acknowledged(id, '', pod.id);
  await world.time.run(world.time.nowMs + 2_000);
  expect(client.link?.podId).to.equal(pod.id);
  return client;
};

const expectGood = ({ violations, lines }: History): void => {
  const broken = violations.map(({ rule, text }) => `${rule}: ${text}`);
  if (broken.length > 0) expect.fail([...broken, ...lines].join('\n'));
};

describe('what went wrong once', function () {
  this.timeout(60_000);

  const play = async (scenario: (fleet: FaultyFleet, pass: (ms: number) => Promise<void>) => Promise<void>) => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const history = await playHistory(seed, async (fleet) => {
        const { time } = fleet.world;
        await scenario(fleet, (ms) => time.run(time.nowMs + ms));
        await fleet.settle();
      });
      expectGood(history);
    }
  };

  /** The owner is back at Redis so long after the other pod. */
  for (const [name, lateMs] of [
    ['long before its owner', 8_000],
    ['longer before its owner than owners take', 20_000],
  ] as const) {
    it(`a client joined at a pod that was back at an emptied Redis ${name}, and heard that its session was not found`, () =>
      play(async (fleet, pass) => {
        const { world } = fleet;
        const owner = await startPod(fleet, 'owner');
        // Ahead by more than what a connection has to have stood for.
        await startPod(fleet, 'other', 4_000);
        await pass(1_100);
        const client = await startClient(fleet, owner);
        // Its connection is lost for good; its media comes back.
        world.cut([client], ['owner'], ['signalling']);
        const online = world.cut([client], ['owner', 'other'], ['signalling', 'media']);
        world.redis.stop();
        for (const line of [owner.commands, owner.messages]) line.cut();
        await pass(5_000);
        client.sentTo = 'other';
        online();
        await world.rules.excusing(() => world.redis.start(world.redis.empty()));
        await pass(lateMs);
        expect(world.lines.join(), 'what it was told').to.include('server_busy');
        for (const line of [owner.commands, owner.messages]) line.heal();
        await pass(500);
        expect(client.over).to.equal(undefined);
      }));
  }

  it('an owner cut off from Redis lost a call to another pod, whose client had lost nothing but its connection', () =>
    play(async (fleet, pass) => {
      const { world } = fleet;
      const owner = await startPod(fleet, 'owner');
      await startPod(fleet, 'other');
      await pass(1_100);
      const client = await startClient(fleet, owner);
      // Redis goes on counting it among those that listen.
      for (const line of [owner.commands, owner.messages]) line.cut(20_000);
      await pass(100);
      client.sentTo = 'other';
      owner.dropClients();
      await pass(6_000);
      expect(world.lines.join(), 'what it was told').to.include('is refused by other: server_busy');
      expect(client.link).to.include({ podId: 'owner', audible: true });
      client.sentTo = 'owner';
      await pass(4_000);
      expect(client.joined && client.link?.podId, 'it is back, with its media').to.equal('owner');
      expect(world.lines.join()).not.to.include('has claimed');
      for (const line of [owner.commands, owner.messages]) line.heal();
    }));

  it('such a client that could not reach its owner was left alone, though the owner had long given up its media', () =>
    play(async (fleet, pass) => {
      const owner = await startPod(fleet, 'owner');
      await startPod(fleet, 'other');
      await pass(1_100);
      const client = await startClient(fleet, owner);
      for (const line of [owner.commands, owner.messages]) line.cut();
      await pass(100);
      client.sentTo = 'other';
      owner.dropClients();
      await pass(25_000);
      expect(client.link).to.include({ podId: 'other', audible: true });
      for (const line of [owner.commands, owner.messages]) line.heal();
    }));

  it('a pod kept what it alone had for a session, since Redis had been emptied as it was about to pass it on', () =>
    play(async (fleet, pass) => {
      const { world } = fleet;
      const former = await startPod(fleet, 'former');
      await startPod(fleet, 'next');
      await pass(1_100);
      const client = await startClient(fleet, former);
      former.commands.cut(300);
      await pass(3_500);
      // What is said meanwhile is in its memory alone when the other pod claims the session.
      former.messages.cut();
      const reached = world.cut([client], ['former'], ['signalling', 'media']);
      client.sentTo = 'next';
      await pass(6_000);
      former.commands.heal();
      await pass(1_500);
      expect(world.lines.join()).to.include('former warn: another pod leads this session now');
      await world.rules.excusing(() => world.redis.forget());
      await pass(4_000);
      former.messages.heal();
      reached();
    }));

  it('a pod that had stood still wrote what it had to an emptied Redis, and its successor only what was new', () =>
    play(async (fleet, pass) => {
      const { world } = fleet;
      const former = await startPod(fleet, 'former');
      const next = await startPod(fleet, 'next');
      await pass(1_100);
      const client = await startClient(fleet, former);
      former.process.paused = true;
      client.sentTo = 'next';
      await pass(8_000);
      expect(next.signalling.sessions.holds(client.sessionId), 'the next pod has claimed it').to.equal(true);
      await world.rules.excusing(() => world.redis.forget());
      world.time.resume(former.process);
    }));
});
