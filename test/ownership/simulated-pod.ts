import type { Socket } from 'socket.io';
import { readConfig } from '../../server/config.ts';
import type { FleetLink } from '../../server/fleet-link.ts';
import { createSignalling } from '../../server/signalling-parts.ts';
import type { Signalling } from '../../server/signalling-parts.ts';
import { AbsentPods } from '../../signalling/absent-pods.ts';
import { Connection } from '../../signalling/gateway-connection.ts';
import type { Log } from '../../signalling/log.ts';
import { PodBus } from '../../signalling/pod-bus.ts';
import type { Pod, Pods } from '../../signalling/pods.ts';
import type { SessionTokens } from '../../signalling/tokens.ts';
import { SimulatedCalls } from './simulated-calls.ts';
import { RedisLine } from './simulated-redis.ts';
import type { SimulatedSocket } from './simulated-socket.ts';
import { SimulatedStore } from './simulated-store.ts';
import type { SimulatedProcess } from './simulated-time.ts';
import type { World } from './world.ts';

const CONFIG = readConfig({ WORKER_POOL_SIZE: '1', MAX_SESSIONS_PER_WORKER: '4', DRAIN_TIMEOUT_MS: '2000' });
const HOUSEKEEPING_MS = 1_000;
const HEARTBEAT_MS = 1_000;

/** One server process: all of its signalling as it is, on a simulated Redis, with a simulated media side. */
export class SimulatedPod {
  readonly id: string;
  readonly process: SimulatedProcess;
  readonly calls: SimulatedCalls;
  /** To Redis: one connection for commands, one for messages. */
  readonly commands: RedisLine;
  readonly messages: RedisLine;
  readonly #world: World;
  readonly #connections = new Map<SimulatedSocket, Connection>();
  #signalling: Signalling | undefined;

  private constructor(world: World, id: string, skewMs: number) {
    this.#world = world;
    this.id = id;
    this.process = { name: id, skewMs, alive: true, paused: false, heldTimers: [], heldMessages: [] };
    this.calls = new SimulatedCalls(world, id);
    this.commands = new RedisLine(world.redis, this.process);
    this.messages = new RedisLine(world.redis, this.process);
  }

  static async start(world: World, id: string, skewMs: number): Promise<SimulatedPod> {
    const pod = new SimulatedPod(world, id, skewMs);
    await world.time.in(pod.process, () => pod.#start());
    return pod;
  }

  get signalling(): Signalling {
    if (this.#signalling === undefined) throw new Error(`${this.id} has not started`);
    return this.#signalling;
  }

  /** Whether it runs and can say something. */
  get works(): boolean {
    return this.process.alive && !this.process.paused;
  }

  /** It dies, as by SIGKILL. */
  kill(): void {
    this.process.alive = false;
    this.commands.close();
    this.messages.close();
    for (const socket of this.#connections.keys()) socket.podDied();
    this.#connections.clear();
  }

  /** As on SIGTERM: hands everything over, and ends. */
  async drain(): Promise<void> {
    const { drain, store } = this.signalling;
    await this.#world.time.in(this.process, async () => {
      await drain.finish();
      await drain.end();
      await store.flush();
      for (const connection of this.#connections.values()) connection.drop();
      setTimeout(() => {
        this.#world.trace(`${this.id} has drained and ends`);
        // Without Redis, what it alone knows goes with it.
        void this.#world.rules.excusing(() => this.kill(), this.id);
      }, 1_500);
    });
  }

  /** All connections of clients break, as when a balancer is started again. */
  dropClients(): void {
    this.#world.time.in(this.process, () => {
      for (const connection of this.#connections.values()) connection.drop();
    });
  }

  /** A client's connection is made. */
  accept(socket: SimulatedSocket, sessionId: string): void {
    const { router, fleet } = this.signalling;
    const connection = new Connection({
      socket: socket as unknown as Socket,
      sessionId,
      findRoute: router.findRoute.bind(router),
      giveUp: () => fleet.end(sessionId, 'left'),
      tokens: { lifetimeMs: 1_000_000 } as SessionTokens,
      tokenExpiresAt: Date.now() + 10_000_000,
      log: this.#log,
      nowMs: Date.now,
    });
    this.#connections.set(socket, connection);
    router.add(connection);
    const { rtpCapabilities } = this.calls;
    connection.greet({ protocol: 1, version: '0', pod: this.id, rtpCapabilities, iceServers: [] });
  }

  /** A client's connection is gone. */
  disconnected(socket: SimulatedSocket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    this.#connections.delete(socket);
    connection.release('superseded');
    this.signalling.router.remove(connection);
  }

  get #log(): Log {
    const write = (level: string) => (fields: object, message: string) => {
      const { err, ...rest } = fields as { err?: Error };
      this.#world.trace(`${this.id} ${level}: ${message} ${JSON.stringify(rest)}${err ? ` (${err.message})` : ''}`);
      if (level === 'error') this.#world.rules.violated('no internal error', `${this.id}: ${message}: ${err?.stack}`);
    };
    const nothing = () => undefined;
    return { debug: nothing, info: write('info'), warn: write('warn'), error: write('error') };
  }

  async #start(): Promise<void> {
    const { redis, rules, time } = this.#world;
    const log = this.#log;
    const timing = { nowMs: Date.now, after: processTimer };
    const bus = new PodBus({ podId: this.id, wire: this.messages.wire, log, replyChannel: 'replies', timing });
    const shared = new SimulatedStore({ redis, line: this.commands, podId: this.id, rules });
    const link = {
      podId: this.id,
      bus,
      shared,
      loopDelay: { p99Ms: 0 },
      createPods: async (load: () => { calls: number; capacity: number; draining: boolean }) => this.#pods(load),
      close: async () => {},
    } as unknown as FleetLink;
    const counts = { claimed: () => {}, moved: () => {} };
    const options = { config: CONFIG, calls: this.calls, link, counts, log, nowMs: Date.now };
    const signalling = await createSignalling(options, new AsyncDisposableStack());
    this.#signalling = signalling;
    this.calls.observe(signalling.host);
    bus.subscribe('turn.committed', (payload, from) => {
      const { id, turnId, role } = payload as { id: string; turnId: string; role: string };
      if (from === this.id) rules.acknowledged(id, `${role}:${turnId}`, this.id);
    });
    bus.subscribe('session.ended', (payload) => {
      const { id, reason } = payload as { id: string; reason: string };
      rules.ended(id, reason);
    });
    bus.subscribe('session.claimed', (payload, from) => {
      if (from === this.id)
        rules.claimedBecause(payload as { id: string; podId: string; epoch: number; cause: string });
    });
    this.#keepHouse(time.between(0, HOUSEKEEPING_MS));
  }

  /** As in server/server.ts. */
  #keepHouse(offsetMs: number): void {
    const { fleet, store } = this.signalling;
    setTimeout(() => {
      setInterval(() => {
        fleet.sweep().catch((error: unknown) => this.#log.error({ err: error }, 'sessions could not be swept'));
        if (this.commands.isUp) void store.flush();
      }, HOUSEKEEPING_MS);
    }, offsetMs);
    this.commands.onUp(() => {
      store.markUnsaved();
      void store.flush();
    });
  }

  #pods(load: () => { calls: number; capacity: number; draining: boolean }): Pods {
    const { redis, time } = this.#world;
    const describe = (): Pod => ({
      ...load(),
      loopDelayMs: 0,
      id: this.id,
      version: '0',
      startedAt: 0,
      heardAt: Date.now(),
    });
    let others: Pod[] = [];
    const absent = new AbsentPods();
    const beat = () => {
      const message = { ...load(), loopDelayMs: 0, id: this.id, atMs: time.nowMs };
      const tell = async () => {
        redis.heartbeats.set(this.id, { ...message, atMs: time.nowMs });
        return [...redis.heartbeats.values()].filter(({ atMs }) => atMs > time.nowMs - 2.5 * HEARTBEAT_MS);
      };
      this.commands.run('pods', tell).then(
        (all) => {
          const heardAt = Date.now();
          others = all
            .filter(({ id }) => id !== this.id)
            .map((pod) => ({ ...pod, version: '0', startedAt: 0, heardAt }));
          for (const { id } of others) absent.heard(id, heardAt);
        },
        () => undefined,
      );
    };
    setInterval(beat, HEARTBEAT_MS);
    beat();
    const fresh = ({ heardAt }: Pod) => heardAt > Date.now() - 2.5 * HEARTBEAT_MS;
    const list = () => (this.commands.isUp ? [describe(), ...others.filter(fresh)] : [describe()]);
    const listAbsent = () => absent.list(new Set(list().map(({ id }) => id)), this.commands.steadySince, Date.now());
    return { list, absent: listAbsent, announce: beat, close: async () => {} };
  }
}

const processTimer = (delayMs: number, run: () => void): (() => void) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};
