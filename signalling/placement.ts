/** Which pod takes the next session. Pure. */
import type { Pod } from './pods.ts';

/**
 * Unheard of for so long, a pod is not trusted with a new caller: two and a half of the longest heartbeats that can be set.
 * `RedisPods` leaves out sooner whoever is silent for that many of its own; this guards against a list that nobody renews.
 */
const STALE_MS = 150_000;
/**
 * A main thread that is late by this much weighs as much as being entirely full. Callers hear 60 ms of delay; with a smaller
 * number a moment's hiccup would push everybody onto the other pods.
 */
const UNBEARABLE_LOOP_DELAY_MS = 200;

/**
 * The less loaded of two pods picked at random: nearly as even as the least loaded of all, and many pods that decide at the
 * same moment on the same numbers do not all run to the same one.
 * @param random as `Math.random`
 * @returns undefined where no pod has a place
 */
export const choosePod = (pods: readonly Pod[], nowMs: number, random: () => number): Pod | undefined => {
  const open = pods.filter((pod) => hasRoom(pod) && nowMs - pod.heardAt <= STALE_MS);
  const first = open[Math.floor(random() * open.length)];
  if (!first || open.length === 1) return first;
  const others = open.filter((pod) => pod !== first);
  const second = others[Math.floor(random() * others.length)] ?? first;
  return weightOf(second) < weightOf(first) ? second : first;
};

const hasRoom = ({ draining, calls, capacity }: Pod): boolean => !draining && calls < capacity;

/** Share of the places that are taken, plus what a busy main thread adds to that. */
const weightOf = ({ calls, capacity, loopDelayMs }: Pod): number =>
  calls / capacity + Math.max(0, loopDelayMs) / UNBEARABLE_LOOP_DELAY_MS;
