import { OwnershipRules } from './ownership-rules.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { SimulatedPod } from './simulated-pod.ts';
import { SimulatedRedis } from './simulated-redis.ts';
import { SimulatedTime } from './simulated-time.ts';

export type PathKind = 'signalling' | 'media';

/** Everything of one history: the time, the network, Redis, pods and clients, and the rules that watch them. */
export class World {
  readonly time: SimulatedTime;
  readonly redis: SimulatedRedis;
  readonly rules: OwnershipRules;
  /** Every process that ever was, by its name; a pod that starts again has another one. */
  readonly pods = new Map<string, SimulatedPod>();
  readonly clients: SimulatedClient[] = [];
  /** What happened, one line each. */
  readonly lines: string[] = [];
  /** `client pod kind` of every path on which nothing gets through. */
  readonly #cuts = new Map<string, number>();
  readonly #startedAtMs: number;

  constructor(seed: number) {
    this.time = new SimulatedTime(seed);
    this.redis = new SimulatedRedis(this.time);
    this.rules = new OwnershipRules(this);
    this.#startedAtMs = this.time.nowMs;
  }

  get livePods(): SimulatedPod[] {
    return [...this.pods.values()].filter(({ process }) => process.alive);
  }

  trace(text: string): void {
    this.lines.push(`${((this.time.nowMs - this.#startedAtMs) / 1000).toFixed(3).padStart(8)}  ${text}`);
  }

  /** Whether packets get through, should both ends be there. */
  reaches(client: SimulatedClient, podId: string, kind: PathKind): boolean {
    return !this.#cuts.has(`${client.name} ${podId} ${kind}`);
  }

  /** @returns how to undo it */
  cut(clients: readonly SimulatedClient[], podIds: readonly string[], kinds: readonly PathKind[]): () => void {
    const keys = clients.flatMap(({ name }) => podIds.flatMap((pod) => kinds.map((kind) => `${name} ${pod} ${kind}`)));
    for (const key of keys) this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
    let cut = true;
    return () => {
      if (!cut) return;
      cut = false;
      for (const key of keys) {
        const left = (this.#cuts.get(key) ?? 1) - 1;
        if (left > 0) this.#cuts.set(key, left);
        else this.#cuts.delete(key);
      }
    };
  }

  /** Whether the caller's packets arrive through these transports. */
  flows(sessionId: string, podId: string, sendId: string): boolean {
    const client = this.clients.find((one) => one.sessionId === sessionId);
    return client !== undefined && this.reaches(client, podId, 'media') && client.sends(sendId);
  }

  /** Something has changed in who can be heard. */
  mayBeHeard(): void {
    for (const client of this.clients) this.rules.listen(client);
  }
}
