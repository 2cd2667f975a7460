/** What goes wrong in a fleet, and how it is undone. */
import type { FaultyFleet } from './history.ts';
import type { PathKind } from './world.ts';

/** Undoes a fault. */
export type Heal = () => void | Promise<void>;
export type Fault = (fleet: FaultyFleet) => Promise<Heal> | Heal;

const kill: Fault = async (fleet) => {
  const pod = fleet.anyPod();
  if (!pod) return () => {};
  fleet.world.trace(`${pod.id} dies`);
  await fleet.world.rules.excusing(() => pod.kill(), pod.id);
  const sameName = fleet.world.time.chance(0.4);
  return async () => void (await fleet.startPod(sameName ? pod.id : undefined));
};

const stand: Fault = (fleet) => {
  const { world } = fleet;
  const pod = fleet.anyPod();
  if (!pod || pod.process.paused) return () => {};
  world.trace(`${pod.id} stands still`);
  pod.process.paused = true;
  return () => {
    world.trace(`${pod.id} goes on`);
    world.time.resume(pod.process);
  };
};

const cutFromRedis: Fault = (fleet) => {
  const { world } = fleet;
  const pod = fleet.anyPod();
  if (!pod) return () => {};
  const what = world.time.oneOf(['commands', 'messages', 'both'] as const);
  const lines = [...(what === 'messages' ? [] : [pod.commands]), ...(what === 'commands' ? [] : [pod.messages])];
  world.trace(`${pod.id} is cut off from Redis (${what})`);
  for (const line of lines) line.cut();
  return () => {
    world.trace(`${pod.id} reaches Redis again`);
    for (const line of lines) line.heal();
  };
};

const KINDS: readonly (readonly PathKind[])[] = [
  ['signalling', 'media'],
  ['signalling', 'media'],
  ['signalling'],
  ['media'],
];

const cutFromClients: Fault = (fleet) => {
  const { world } = fleet;
  const pod = fleet.anyPod();
  const kinds = world.time.oneOf(KINDS);
  if (!pod || !kinds) return () => {};
  const clients = world.time.chance(0.5) ? world.clients : world.clients.slice(0, 1);
  world.trace(`${pod.id} is cut off from ${clients.map(({ name }) => name).join(', ')} (${kinds.join(', ')})`);
  const heal = world.cut(clients, [pod.id], kinds);
  return () => {
    world.trace(`${pod.id} reaches clients again`);
    heal();
  };
};

const cutOffEntirely: Fault = async (fleet) => {
  const { world } = fleet;
  const pod = fleet.anyPod();
  if (!pod) return () => {};
  world.trace(`${pod.id} is cut off from everybody`);
  const heal = world.cut(world.clients, [pod.id], ['signalling', 'media']);
  for (const line of [pod.commands, pod.messages]) line.cut();
  return () => {
    world.trace(`${pod.id} reaches everybody again`);
    heal();
    for (const line of [pod.commands, pod.messages]) line.heal();
  };
};

const clientOffline: Fault = ({ world }) => {
  const client = world.time.oneOf(world.clients);
  if (!client) return () => {};
  world.trace(`${client.name} is offline`);
  const heal = world.cut([client], [...world.pods.keys()], ['signalling', 'media']);
  return () => {
    world.trace(`${client.name} is online`);
    heal();
  };
};

const stopRedis: Fault = async ({ world }) => {
  const { redis, rules, time } = world;
  if (!redis.up) return () => {};
  const comesBack = time.oneOf(['as it was', 'empty', 'as a replica'] as const);
  world.trace(`Redis stops; it will be back ${comesBack}`);
  const replica = comesBack === 'as it was' ? undefined : comesBack === 'empty' ? redis.empty() : await redis.replica();
  if (comesBack === 'as a replica') await world.time.run(time.nowMs + time.between(0, 1_500));
  redis.stop();
  return async () => {
    if (time.chance(0.3)) redis.skewMs = time.between(-3_000, 3_000);
    world.trace(`Redis is back ${comesBack}`);
    await rules.excusing(() => redis.start(replica));
  };
};

const dropClients: Fault = (fleet) => {
  const pod = fleet.anyPod();
  if (!pod?.works) return () => {};
  fleet.world.trace(`${pod.id} loses the connections of its clients`);
  pod.dropClients();
  return () => {};
};

const emptyRedis: Fault = async ({ world }) => {
  const { redis, rules } = world;
  if (!redis.up) return () => {};
  world.trace('Redis is emptied');
  await rules.excusing(() => redis.forget());
  return () => {};
};

const pauseRedis: Fault = ({ world }) => {
  world.trace('Redis stands still');
  world.redis.pause();
  return () => {
    world.trace('Redis goes on');
    world.redis.resume();
  };
};

const losses: Fault = ({ world }) => {
  world.redis.lossRate = world.time.between(0.01, 0.2);
  world.trace(`of what goes to and from Redis ${Math.round(world.redis.lossRate * 100)} % gets lost`);
  return () => {
    world.redis.lossRate = 0;
  };
};

const drain: Fault = (fleet) => {
  const { world } = fleet;
  const pod = fleet.anyPod();
  if (!pod || world.livePods.length < 2 || pod.signalling.drain.active) return () => {};
  world.trace(`${pod.id} drains`);
  void pod.drain();
  return async () => {
    if (world.livePods.length < 3) await fleet.startPod();
  };
};

export const FAULTS: readonly Fault[] = [
  kill,
  kill,
  stand,
  stand,
  cutFromRedis,
  cutFromRedis,
  cutFromClients,
  cutFromClients,
  cutOffEntirely,
  clientOffline,
  dropClients,
  stopRedis,
  emptyRedis,
  pauseRedis,
  losses,
  drain,
  drain,
];
