/** The bus of pods in one process: of a pod by itself, and of whole fleets in tests and simulations. */
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import { PodBus } from './pod-bus.ts';
import { realTiming } from './timing.ts';
import type { Timing } from './timing.ts';
import type { Wire } from './wire.ts';

/** One way between a pod and the hub, as Redis is one: `from` or `to` is `HUB`. */
export type Leg = { from: string; to: string };

export type MemoryBusHubOptions = {
  log: Log;
  timing?: Timing;
  /** How long a message takes on this leg, in ms. Messages on the same leg stay in order. Default: no time at all. */
  delayMs?: (leg: Leg) => number;
  /** Whether this message gets lost on this leg. Default: none does. */
  isLost?: (leg: Leg) => boolean;
};

export const HUB = 'hub';

/** What was sent and not confirmed by then counts as not sent, as with a command to Redis. */
const SEND_TIMEOUT_MS = 250;

type PodAtHub = {
  listeners: Map<string, Set<(text: string) => void>>;
  upListeners: Set<() => void>;
  /** The pod cannot reach the hub, nor the hub the pod. */
  cut: boolean;
  /** It also knows that, and the hub no longer counts it. */
  noticed: boolean;
  steadySince: number;
  stopNoticing: () => void;
};

export class MemoryBusHub {
  readonly #log: Log;
  readonly #timing: Timing;
  readonly #delayMs: (leg: Leg) => number;
  readonly #isLost: (leg: Leg) => boolean;
  readonly #pods = new Map<string, PodAtHub>();
  /** When the last message on a leg arrives, for those that follow not to overtake it. */
  readonly #arrivals = new Map<string, number>();

  constructor({ log, timing = realTiming, delayMs = () => 0, isLost = () => false }: MemoryBusHubOptions) {
    this.#log = log;
    this.#timing = timing;
    this.#delayMs = delayMs;
    this.#isLost = isLost;
  }

  /** @throws {TypeError} while another pod has that id */
  connect(podId: string): MessageBus {
    if (this.#pods.has(podId) || podId === HUB) throw new TypeError(`The id ${podId} is taken.`);
    const pod: PodAtHub = {
      listeners: new Map(),
      upListeners: new Set(),
      cut: false,
      noticed: false,
      // Nothing has ever been lost here.
      steadySince: 0,
      stopNoticing: () => {},
    };
    this.#pods.set(podId, pod);
    const wire = this.#wireOf(podId, pod);
    return new PodBus({ podId, wire, log: this.#log, replyChannel: 'worker_responses', timing: this.#timing });
  }

  /**
   * Cuts a pod off from all others: what it sends is lost, and what is sent to it.
   * @param noticedAfterMs how long it takes until either side finds out; until then others believe that it listens
   */
  cut(podId: string, { noticedAfterMs = 0 }: { noticedAfterMs?: number } = {}): void {
    const pod = this.#pods.get(podId);
    if (!pod || pod.cut) return;
    pod.cut = true;
    if (noticedAfterMs === 0) pod.noticed = true;
    else pod.stopNoticing = this.#timing.after(noticedAfterMs, () => (pod.noticed = true));
  }

  /** The pod can be reached again; it counts as steady from now on if the break had been noticed. */
  heal(podId: string): void {
    const pod = this.#pods.get(podId);
    if (!pod?.cut) return;
    pod.stopNoticing();
    pod.cut = false;
    if (!pod.noticed) return;
    pod.noticed = false;
    pod.steadySince = this.#timing.nowMs();
    for (const listener of pod.upListeners) listener();
  }

  /** The pod is no more: it neither hears nor says anything from here on, and closes nothing. */
  kill(podId: string): void {
    const pod = this.#pods.get(podId);
    if (!pod) return;
    this.cut(podId);
    pod.listeners.clear();
    this.#pods.delete(podId);
  }

  #wireOf(podId: string, pod: PodAtHub): Wire {
    return {
      get steadySince() {
        return pod.noticed ? undefined : pod.steadySince;
      },
      send: (channel, text) => this.#send(podId, pod, channel, text),
      listen: (channel, listener) => {
        const listeners = pod.listeners.get(channel) ?? new Set();
        pod.listeners.set(channel, listeners.add(listener));
        return () => {
          listeners.delete(listener);
          if (listeners.size === 0) pod.listeners.delete(channel);
        };
      },
      onUp: (listener) => {
        pod.upListeners.add(listener);
        return () => pod.upListeners.delete(listener);
      },
      close: async () => this.kill(podId),
    };
  }

  #send(podId: string, pod: PodAtHub, channel: string, text: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const fail = (): void => reject(new Error('The message was not confirmed.'));
    if (pod.noticed) {
      fail();
      return promise;
    }
    const stopTimeout = this.#timing.after(SEND_TIMEOUT_MS, fail);
    this.#carry({ from: podId, to: HUB }, () => {
      if (pod.cut) return;
      const receivers = this.#spread(channel, text);
      this.#carry({ from: HUB, to: podId }, () => {
        if (pod.cut) return;
        stopTimeout();
        resolve(receivers);
      });
    });
    return promise;
  }

  /** @returns how many were believed to listen */
  #spread(channel: string, text: string): number {
    let receivers = 0;
    for (const [to, pod] of this.#pods) {
      if (pod.noticed || !pod.listeners.has(channel)) continue;
      receivers += 1;
      this.#carry({ from: HUB, to }, () => {
        if (pod.cut) return;
        for (const listener of pod.listeners.get(channel) ?? []) listener(text);
      });
    }
    return receivers;
  }

  #carry(leg: Leg, arrive: () => void): void {
    if (this.#isLost(leg)) return;
    const nowMs = this.#timing.nowMs();
    const key = `${leg.from}→${leg.to}`;
    const arrivesAt = Math.max(this.#arrivals.get(key) ?? 0, nowMs + this.#delayMs(leg));
    this.#arrivals.set(key, arrivesAt);
    if (arrivesAt <= nowMs) queueMicrotask(arrive);
    else this.#timing.after(arrivesAt - nowMs, arrive);
  }
}

/** The bus of a pod that is by itself. */
export const loneMessageBus = (podId: string, log: Log): MessageBus => new MemoryBusHub({ log }).connect(podId);
