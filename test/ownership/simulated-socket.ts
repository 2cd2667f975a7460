import type { SimulatedClient } from './simulated-client.ts';
import type { SimulatedPod } from './simulated-pod.ts';
import type { World } from './world.ts';

type Way = { waiting: { atMs: number; arrive: () => void }[]; pumping: boolean };
type Listener = (name: unknown, ...args: unknown[]) => void;

/** How often a connection that is cut tries again. */
const RETRY_MS = 50;

/** A Socket.IO connection between a client and a pod: in order, late after a cut, and closed from either end. */
export class SimulatedSocket {
  readonly id: string;
  readonly pod: SimulatedPod;
  readonly #world: World;
  readonly #client: SimulatedClient;
  readonly #toPod: Way = { waiting: [], pumping: false };
  readonly #toClient: Way = { waiting: [], pumping: false };
  #listener: Listener | undefined;
  #closedByPod = false;
  #closedByClient = false;

  constructor(world: World, client: SimulatedClient, pod: SimulatedPod, id: string) {
    this.#world = world;
    this.#client = client;
    this.pod = pod;
    this.id = id;
    this.#carry(this.#toPod, () => pod.accept(this, client.sessionId));
  }

  // The pod's end, as Connection uses it.

  get connected(): boolean {
    return !this.#closedByPod;
  }

  onAny(listener: Listener): void {
    this.#listener = listener;
  }

  emit(name: string, payload: object): void {
    if (!this.#closedByPod) this.#down(() => this.#client.receive(this, name, payload));
  }

  disconnect(): void {
    if (this.#closedByPod) return;
    this.#down(() => this.#client.disconnected(this));
    this.#closedByPod = true;
    this.pod.disconnected(this);
  }

  /** The pod's process is gone; the client hears of that when it can be reached. */
  podDied(): void {
    this.#closedByPod = true;
    this.#down(() => this.#client.disconnected(this));
  }

  // The client's end.

  request(name: string, payload: object, acknowledge: (ack: unknown) => void): void {
    this.#carry(this.#toPod, () => {
      const answer = (ack: unknown) => {
        if (!this.#closedByPod) this.#down(() => acknowledge(ack));
      };
      if (!this.#closedByPod) this.#listener?.(name, payload, answer);
    });
  }

  close(): void {
    if (this.#closedByClient) return;
    this.#closedByClient = true;
    this.#carry(this.#toPod, () => {
      this.#closedByPod = true;
      this.pod.disconnected(this);
    });
  }

  #down(take: () => void): void {
    this.#carry(this.#toClient, () => {
      if (!this.#closedByClient) take();
    });
  }

  #carry(way: Way, arrive: () => void): void {
    const { time } = this.#world;
    const atMs = Math.max(way.waiting.at(-1)?.atMs ?? 0, time.nowMs + time.between(1, 15));
    way.waiting.push({ atMs, arrive });
    if (!way.pumping) this.#pump(way, atMs - time.nowMs);
  }

  #pump(way: Way, delayMs: number): void {
    const { time } = this.#world;
    way.pumping = true;
    time.after(delayMs, () => {
      const open = this.#world.reaches(this.#client, this.pod.id, 'signalling');
      if (open) this.#arrive(way);
      way.pumping = false;
      const next = way.waiting[0];
      if (next) this.#pump(way, open ? Math.max(0.01, next.atMs - time.nowMs) : RETRY_MS);
    });
  }

  /** Brings what has had the time to arrive. */
  #arrive(way: Way): void {
    const { time } = this.#world;
    for (let next = way.waiting[0]; next && next.atMs <= time.nowMs + 0.001; next = way.waiting[0]) {
      way.waiting.shift();
      if (way === this.#toClient) next.arrive();
      else time.reach(this.pod.process, next.arrive);
    }
  }
}
