import { setTimeout as pause } from 'node:timers/promises';
import type { HandoverSource } from './handover-source.ts';
import type { HeldSessions } from './held-sessions.ts';
import type { Pods } from './pods.ts';
import type { SessionHost } from './session-host.ts';
import type { Sessions } from './sessions.ts';

export type DrainOptions = {
  sessions: Sessions;
  store: HeldSessions;
  host: SessionHost;
  handover: HandoverSource;
  pods: Pods;
  /** How long conversations that no other pod can take may go on, in ms. */
  timeoutMs: number;
  nowMs: () => number;
};

/** Calls that are opened on other pods at the same time: each costs two DTLS handshakes on both sides. */
const PARALLEL_PREPARATIONS = 8;
/** Moving everything may take so long, whatever waiting for conversations to end may: 50 calls are gone in half of it. */
const MOVE_ALL_MS = 12_000;
/** Between two tries to move what is left. */
const AGAIN_MS = 100;

/** Empties this pod: its sessions go to others, or are waited for. Can be taken back until it is over. */
export class Drain {
  readonly #options: DrainOptions;
  #stop: AbortController | undefined;
  #running: Promise<void> | undefined;
  #final = false;
  /** Under way, those of a drain that was taken back too. */
  readonly #moving = new Map<string, Promise<unknown>>();

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  get active(): boolean {
    return this.#stop !== undefined;
  }

  /** Takes nothing new, and moves what is here. Idempotent; resolves when nothing live is left, or time is up. */
  start(): Promise<void> {
    if (this.#running) return this.#running;
    const running = this.#run().finally(() => {
      // What is left when its time is over can be tried again, as when another pod has come.
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  /** As `start`, and cannot be taken back: the process ends. */
  finish(): Promise<void> {
    this.#final = true;
    return this.start();
  }

  /**
   * Takes it back: what has not been moved yet stays, and this pod takes new sessions again.
   * @returns false where it is too late for that
   */
  cancel(): boolean {
    if (this.#final) return false;
    this.#stop?.abort();
    this.#stop = undefined;
    this.#running = undefined;
    this.#options.sessions.draining = false;
    this.#options.pods.announce();
    return true;
  }

  /** What nobody could take ends now, with a reason. */
  async end(): Promise<void> {
    const { sessions, host } = this.#options;
    await Promise.all(host.joinedSessions.map((id) => sessions.end(id, 'shutdown').catch(() => undefined)));
  }

  async #run(): Promise<void> {
    const { sessions, pods, host, store, timeoutMs, nowMs } = this.#options;
    const stop = new AbortController();
    this.#stop = stop;
    sessions.draining = true;
    pods.announce();
    const startedMs = nowMs();
    const others = () => pods.list().some(({ id, draining }) => id !== sessions.podId && !draining);
    const remainingMs = () => startedMs + (others() ? Math.max(timeoutMs, MOVE_ALL_MS) : timeoutMs) - nowMs();
    const prepareInTurn = inTurns(PARALLEL_PREPARATIONS);
    const left = () => new Set([...host.joinedSessions, ...store.heldIds]);
    while (!stop.signal.aborted && remainingMs() > 0 && left().size > 0) {
      if (host.joinedSessions.length === 0 && !others()) break;
      for (const id of left()) {
        if (this.#moving.has(id)) continue;
        const move = this.#options.handover.move(id, stop.signal, prepareInTurn);
        this.#moving.set(
          id,
          move.finally(() => this.#moving.delete(id)),
        );
      }
      await pause(AGAIN_MS);
    }
    if (stop.signal.aborted) return;
    await this.#options.handover.settled();
  }
}

const inTurns = (limit: number) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <Result>(task: () => Promise<Result>): Promise<Result> => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
};
