/**
 * Redis as pods see it: commands and messages that take time, get lost, or are executed although their answer never comes;
 * a server that stops, stands still, comes back empty or with what a replica knew.
 */
import { StoreUnavailable } from '../../signalling/errors.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import type { PodLoad } from '../../signalling/pods.ts';
import type { Wire } from '../../signalling/wire.ts';
import type { SimulatedProcess, SimulatedTime } from './simulated-time.ts';

/** As RedisLink has it. */
const COMMAND_MS = 250;

export type Heartbeat = PodLoad & { id: string; atMs: number };

export class SimulatedRedis {
  readonly time: SimulatedTime;
  sessions: MemorySessionStore;
  heartbeats = new Map<string, Heartbeat>();
  /** Counts the times that it lost what it knew: what was written before then proves nothing any more. */
  lifetime = 0;
  up = true;
  paused = false;
  /** How far its clock is from the world's, in ms. */
  skewMs = 0;
  /** Share of what is on its way that gets lost. */
  lossRate = 0;
  readonly lines = new Set<RedisLine>();
  #held: (() => void)[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  constructor(time: SimulatedTime) {
    this.time = time;
    this.sessions = this.#emptyStore();
  }

  /** What this pod's commands are executed on. */
  viewOf(podId: string): MemorySessionStore {
    return new MemorySessionStore({ podId, sharedWith: this.sessions, nowMs: this.#nowMs });
  }

  stop(): void {
    this.up = false;
    this.#held = [];
    for (const line of this.lines) line.drop();
  }

  /** @param sessions what it knows now; left out: what it knew before */
  start(sessions?: MemorySessionStore): void {
    if (sessions) {
      this.sessions = sessions;
      this.heartbeats = new Map();
      this.lifetime += 1;
    }
    this.up = true;
    for (const line of this.lines) line.reconnect();
  }

  /** It forgets everything, as by FLUSHALL: nobody's connection breaks, and nothing tells. */
  forget(): void {
    this.sessions = this.#emptyStore();
    this.heartbeats = new Map();
    this.lifetime += 1;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    for (const run of this.#held.splice(0)) this.take(run);
  }

  /** Something has arrived. */
  take(run: () => void): void {
    if (!this.up) return;
    if (this.paused) this.#held.push(run);
    else run();
  }

  /** One command after the other, each with all that is noted of it: Redis has one thread. */
  inTurn<Result>(command: () => Promise<Result>): Promise<Result> {
    const done = this.#tail.then(command);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** All of it as it stands, as a replica has it that falls behind from here on. */
  async replica(): Promise<MemorySessionStore> {
    const copy = this.#emptyStore();
    const { sessions } = await this.sessions.list({ limit: 1_000 });
    for (const { id } of sessions) {
      const session = await this.sessions.load(id);
      if (session) await copy.put(session);
    }
    for (const id of await this.sessions.queue()) await copy.enqueue(id, Infinity);
    return copy;
  }

  empty(): MemorySessionStore {
    return this.#emptyStore();
  }

  /** @returns how many were believed to listen */
  spread(channel: string, text: string): number {
    let receivers = 0;
    for (const line of this.lines) {
      const listeners = line.listeners.get(channel);
      if (!line.counted || listeners === undefined) continue;
      receivers += 1;
      line.fromRedis(() => {
        for (const listener of line.listeners.get(channel) ?? []) listener(text);
      });
    }
    return receivers;
  }

  readonly #nowMs = (): number => Math.floor(this.time.nowMs + this.skewMs);

  #emptyStore(): MemorySessionStore {
    return new MemorySessionStore({ podId: 'redis', nowMs: this.#nowMs });
  }
}

/** One connection of a pod to Redis, made anew whenever it breaks. */
export class RedisLine {
  readonly listeners = new Map<string, Set<(text: string) => void>>();
  readonly #upListeners = new Set<() => void>();
  readonly #redis: SimulatedRedis;
  readonly #process: SimulatedProcess;
  /** Nothing gets through; neither side knows until it has noticed. */
  #cut = false;
  /** Redis has closed it, which nobody has heard yet. No connection outlives the process at its other end. */
  #closedByRedis = false;
  #up = true;
  #steadySinceMs: number;
  #healedAtMs = 0;
  #stopNoticing: (() => void) | undefined;
  /** Of the connection that stands: what was on an earlier one's way is lost. */
  #generation = 0;
  #heldToRedis: (() => void)[] = [];
  #heldFromRedis: (() => void)[] = [];
  readonly #arrivals = { to: 0, from: 0 };

  constructor(redis: SimulatedRedis, process: SimulatedProcess) {
    this.#redis = redis;
    this.#process = process;
    this.#steadySinceMs = redis.time.nowMs;
    redis.lines.add(this);
    if (!redis.up) this.#up = false;
  }

  get isUp(): boolean {
    return this.#up;
  }

  /** Whether Redis believes that somebody listens at the other end. */
  get counted(): boolean {
    return this.#up;
  }

  /** Whether everything has got through for so long, whoever knows. */
  stoodFor(ms: number): boolean {
    const { nowMs } = this.#redis.time;
    return this.#up && !this.#cut && nowMs - Math.max(this.#healedAtMs, this.#steadySinceMs) >= ms;
  }

  /** By the clock of the pod, as RedisLink and RedisChannels note it: the pod compares it with its own time. */
  get steadySince(): number | undefined {
    return this.#up ? this.#steadySinceMs + this.#process.skewMs : undefined;
  }

  onUp(listener: () => void): () => void {
    this.#upListeners.add(listener);
    return () => this.#upListeners.delete(listener);
  }

  /** @param noticedAfterMs when either side takes the connection for dead */
  cut(noticedAfterMs?: number): void {
    if (this.#cut) return;
    this.#cut = true;
    const { time } = this.#redis;
    this.#stopNoticing = time.after(noticedAfterMs ?? time.between(300, 2_000), () => this.#break());
  }

  heal(): void {
    if (!this.#cut) return;
    this.#cut = false;
    this.#healedAtMs = this.#redis.time.nowMs;
    this.#stopNoticing?.();
    if (this.#closedByRedis) this.#break();
    else if (!this.#up) this.reconnect();
    if (!this.#up) return;
    for (const run of this.#heldToRedis.splice(0)) this.toRedis(run);
    for (const run of this.#heldFromRedis.splice(0)) this.fromRedis(run);
  }

  /** Redis has closed it. */
  drop(): void {
    if (this.#cut) this.#closedByRedis = true;
    else this.#break();
  }

  reconnect(): void {
    const { time } = this.#redis;
    time.after(time.between(20, 400), () => {
      if (this.#up || this.#cut || !this.#redis.up || !this.#process.alive) return;
      this.#up = true;
      this.#steadySinceMs = time.nowMs;
      time.reach(this.#process, () => {
        for (const listener of this.#upListeners) listener();
      });
    });
  }

  /** The pod is dead: its kernel closes the connection, where that can be heard. */
  close(): void {
    const forget = () => {
      this.#up = false;
      this.#redis.lines.delete(this);
    };
    if (this.#cut) this.#redis.time.after(1_000, forget);
    else forget();
  }

  /** @throws {StoreUnavailable} */
  run<Result>(what: string, operation: () => Promise<Result>): Promise<Result> {
    if (!this.#up) return Promise.reject(new StoreUnavailable(what));
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const timer = setTimeout(() => reject(new StoreUnavailable(what)), COMMAND_MS);
    const settled = (settle: () => void) =>
      this.fromRedis(() => {
        clearTimeout(timer);
        settle();
      });
    this.toRedis(() => {
      operation().then(
        (result) => settled(() => resolve(result)),
        (error: Error) => settled(() => reject(error)),
      );
    });
    return promise;
  }

  get wire(): Wire {
    const steadySince = () => this.steadySince;
    return {
      get steadySince() {
        return steadySince();
      },
      send: (channel, text) => this.run('bus', async () => this.#redis.spread(channel, text)),
      listen: (channel, listener) => {
        const listeners = this.listeners.get(channel) ?? new Set();
        this.listeners.set(channel, listeners.add(listener));
        return () => {
          listeners.delete(listener);
          if (listeners.size === 0) this.listeners.delete(channel);
        };
      },
      onUp: (listener) => this.onUp(listener),
      close: async () => this.close(),
    };
  }

  toRedis(run: () => void): void {
    this.#carry('to', run, () => this.#redis.take(run));
  }

  fromRedis(run: () => void): void {
    this.#carry('from', run, () => this.#redis.time.reach(this.#process, run));
  }

  #carry(way: 'to' | 'from', run: () => void, arrive: () => void): void {
    const { time, lossRate } = this.#redis;
    if (lossRate > 0 && time.chance(lossRate)) return;
    const generation = this.#generation;
    const delayMs = time.chance(0.02) ? time.between(5, 120) : time.between(0.2, 2);
    const atMs = Math.max(this.#arrivals[way], time.nowMs + delayMs);
    this.#arrivals[way] = atMs;
    time.after(atMs - time.nowMs, () => {
      if (generation !== this.#generation) return;
      // What TCP has not brought across comes late, should the connection outlive the cut.
      if (this.#cut) (way === 'to' ? this.#heldToRedis : this.#heldFromRedis).push(run);
      else arrive();
    });
  }

  #break(): void {
    this.#generation += 1;
    this.#heldToRedis = [];
    this.#heldFromRedis = [];
    this.#up = false;
    this.#closedByRedis = false;
    if (!this.#cut && this.#redis.up) this.reconnect();
  }
}
