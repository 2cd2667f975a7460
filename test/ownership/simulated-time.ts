/**
 * Time, timers and chance of a simulated world. While it is installed, Node's own timers, clock and random numbers are this
 * world's, so that the parts under test run as they are. Each timer belongs to the process that set it: one that stands
 * still keeps its timers until it goes on, and those of a dead one never fire.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

/** One program of the simulated world: a pod. What belongs to none (the network, clients) never dies. */
export type SimulatedProcess = {
  readonly name: string;
  /** What its clock is ahead of the world's by, in ms. */
  readonly skewMs: number;
  alive: boolean;
  paused: boolean;
  /** What would have happened while it stood still: timers first, as Node does it, then what came over the network. */
  heldTimers: (() => void)[];
  heldMessages: (() => void)[];
};

type Timer = {
  atMs: number;
  order: number;
  process: SimulatedProcess | undefined;
  run: () => void;
  everyMs: number | undefined;
  cancelled: boolean;
  ref(): Timer;
  unref(): Timer;
  hasRef(): boolean;
};

const current = new AsyncLocalStorage<SimulatedProcess | undefined>();

/** Small, fast and good enough (mulberry32); the same numbers for the same seed everywhere. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const immediate = setImmediate;

export class SimulatedTime {
  readonly random: () => number;
  /** Unix ms. */
  nowMs = 1_700_000_000_000;
  /** Timers that fired. */
  steps = 0;
  readonly #heap: Timer[] = [];
  #order = 0;
  #ids = 0;
  #uninstall: (() => void) | undefined;

  constructor(seed: number) {
    this.random = randomOf(seed);
  }

  between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  oneOf<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }

  /** Runs something later, on behalf of nobody. Returns how to call it off. */
  after(delayMs: number, run: () => void): () => void {
    const timer = current.run(undefined, () => this.#schedule(delayMs, run));
    return () => void (timer.cancelled = true);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Has a process do something now. Undefined where it is dead. */
  in<Result>(process: SimulatedProcess, task: () => Result): Result | undefined {
    return process.alive ? current.run(process, task) : undefined;
  }

  /** Something reaches a process over the network: at once, when it goes on, or never. */
  reach(process: SimulatedProcess, take: () => void): void {
    if (!process.alive) return;
    if (process.paused) process.heldMessages.push(take);
    else current.run(process, take);
  }

  resume(process: SimulatedProcess): void {
    if (!process.paused) return;
    process.paused = false;
    const held = [...process.heldTimers.splice(0), ...process.heldMessages.splice(0)];
    for (const run of held) this.after(0, () => this.reach(process, run));
  }

  /** Runs whatever falls due until then, in order, each with all that follows from it without waiting. */
  async run(untilMs: number): Promise<void> {
    await settle();
    for (let timer = this.#heap[0]; timer && timer.atMs <= untilMs; timer = this.#heap[0]) {
      this.#pop();
      if (timer.cancelled) continue;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      if (this.#fire(timer)) {
        this.steps += 1;
        await settle();
      }
    }
    this.nowMs = untilMs;
  }

  /** Makes this the time of everything in this thread. To be undone with `uninstall`. */
  install(): void {
    const schedule = (delayMs = 0, run: () => void, everyMs?: number) => this.#schedule(delayMs, run, everyMs);
    const clear = (timer: unknown) => {
      if (typeof timer === 'object' && timer !== null) (timer as Timer).cancelled = true;
    };
    const nowMs = () => Math.floor(this.nowMs + (current.getStore()?.skewMs ?? 0));
    const replaced: [object, string, unknown][] = [
      [globalThis, 'setTimeout', (run: () => void, delayMs?: number) => schedule(delayMs, run)],
      [globalThis, 'setInterval', (run: () => void, delayMs?: number) => schedule(delayMs, run, delayMs)],
      [globalThis, 'clearTimeout', clear],
      [globalThis, 'clearInterval', clear],
      [Date, 'now', nowMs],
      [Math, 'random', this.random],
      [AbortSignal, 'timeout', (delayMs: number) => timeoutSignal((run) => schedule(delayMs, run))],
      [timersPromises, 'setTimeout', pauseOn(schedule)],
      [crypto, 'randomUUID', () => `00000000-0000-4000-8000-${String((this.#ids += 1)).padStart(12, '0')}`],
    ];
    const before = replaced.map(([owner, name]) => Reflect.get(owner, name) as unknown);
    for (const [owner, name, value] of replaced) Reflect.set(owner, name, value);
    syncBuiltinESMExports();
    this.#uninstall = () => {
      for (const [index, [owner, name]] of replaced.entries()) Reflect.set(owner, name, before[index]);
      syncBuiltinESMExports();
    };
  }

  /** Idempotent. */
  uninstall(): void {
    this.#uninstall?.();
    this.#uninstall = undefined;
  }

  /** @returns whether anything ran */
  #fire(timer: Timer): boolean {
    const { process, run, everyMs } = timer;
    if (process && !process.alive) return false;
    if (everyMs !== undefined) this.#push(timer, Math.max(1, everyMs));
    if (process?.paused) {
      if (everyMs === undefined) process.heldTimers.push(() => void (timer.cancelled || run()));
      return false;
    }
    current.run(process, run);
    return true;
  }

  #schedule(delayMs: number, run: () => void, everyMs?: number): Timer {
    const timer: Timer = {
      atMs: 0,
      order: 0,
      process: current.getStore(),
      run,
      everyMs,
      cancelled: false,
      ref: () => timer,
      unref: () => timer,
      hasRef: () => true,
    };
    this.#push(timer, Math.max(0, delayMs));
    return timer;
  }

  #push(timer: Timer, delayMs: number): void {
    timer.atMs = this.nowMs + delayMs;
    timer.order = this.#order += 1;
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Timer;
      if (isBefore(above, timer)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (isBefore(last, heap[child] as Timer)) break;
      heap[index] = heap[child] as Timer;
      index = child;
    }
    heap[index] = last;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Microtasks are exhausted before the next immediate runs. */
const settle = (): Promise<void> => new Promise((resolve) => void immediate(resolve));

type Schedule = (delayMs: number | undefined, run: () => void) => { cancelled: boolean };

/** As `setTimeout` of `node:timers/promises`. */
const pauseOn =
  (schedule: Schedule) =>
  <Value>(delayMs?: number, value?: Value, { signal }: { signal?: AbortSignal } = {}): Promise<Value | undefined> =>
    new Promise((resolve, reject) => {
      const fail = () => {
        timer.cancelled = true;
        reject(Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), { code: 'ABORT_ERR' }));
      };
      const timer = schedule(delayMs, () => {
        signal?.removeEventListener('abort', fail);
        resolve(value);
      });
      if (signal?.aborted) fail();
      else signal?.addEventListener('abort', fail, { once: true });
    });

const timeoutSignal = (schedule: (run: () => void) => unknown): AbortSignal => {
  const abort = new AbortController();
  schedule(() => abort.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')));
  return abort.signal;
};
