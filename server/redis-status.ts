/** How Redis is, for `/health`: asked at most once a second, and never waited for. */
import type { RedisLink } from '../signalling/redis-link.ts';
import type { SessionStore } from '../signalling/session-store.ts';

export type RedisStatusOptions = {
  link: RedisLink;
  /** Of all pods. */
  sessions: Pick<SessionStore, 'counts'>;
  nowMs: () => number;
};

export type RedisStats = {
  connectedClients: number;
  /** As Redis writes it: `45.20M`. */
  usedMemory: string;
  /** Sessions of all pods that have not ended; those that wait for a place are not counted. */
  sessionCount: number;
};

/** Health is asked for by everybody's probes; Redis should not notice. */
const CACHED_MS = 1_000;
/** Whoever asks for health wants to hear that Redis hangs, not to hang with it. */
const LONGEST_WAIT_MS = 250;

export class RedisStatus {
  readonly #options: RedisStatusOptions;
  #stats: RedisStats = { connectedClients: 0, usedMemory: '0B', sessionCount: 0 };
  #askedAt = -Infinity;
  #reading = Promise.resolve();

  constructor(options: RedisStatusOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#options.link.isUp;
  }

  /** Since when it has been away, Unix ms; undefined while it is there. */
  get downSince(): number | undefined {
    return this.#options.link.downSince;
  }

  /** What was last heard; it stays while Redis does not answer. Never rejects. */
  async stats(): Promise<RedisStats> {
    const nowMs = this.#options.nowMs();
    if (this.isUp && nowMs - this.#askedAt >= CACHED_MS) {
      this.#askedAt = nowMs;
      this.#reading = this.#read();
    }
    await atMost(LONGEST_WAIT_MS, this.#reading);
    return this.#stats;
  }

  async #read(): Promise<void> {
    const { link, sessions } = this.#options;
    try {
      const [clients, memory, { ready, live, interrupted }] = await Promise.all([
        link.run('info', (redis) => redis.info('clients')),
        link.run('info', (redis) => redis.info('memory')),
        sessions.counts(),
      ]);
      this.#stats = {
        connectedClients: Number(/^connected_clients:(\d+)/m.exec(clients)?.[1] ?? 0),
        usedMemory: /^used_memory_human:(\S+)/m.exec(memory)?.[1] ?? '0B',
        sessionCount: ready + live + interrupted,
      };
    } catch {
      // That Redis does not answer is told by the link, and counted by its metrics.
    }
  }
}

const atMost = async (ms: number, promise: Promise<void>): Promise<void> => {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, over]);
  clearTimeout(timer);
};
