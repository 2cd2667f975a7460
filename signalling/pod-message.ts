/** How a pod describes itself to the others, as JSON. Whatever can reach Redis can write there, so it is checked on arrival. */
import type { PodLoad } from './pods.ts';

export type PodMessage = PodLoad & {
  id: string;
  version: string;
  startedAt: number;
  /** Counts the signs of life: one that was read before is none. */
  beat: number;
};

/** @returns undefined for anything else */
export const parsePodMessage = (value: unknown): PodMessage | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, version, startedAt, beat, calls, capacity, loopDelayMs, draining } = value as Record<string, unknown>;
  if (typeof id !== 'string' || id === '' || typeof version !== 'string' || typeof draining !== 'boolean')
    return undefined;
  const numbers = [startedAt, beat, calls, capacity, loopDelayMs];
  if (!numbers.every((number) => typeof number === 'number' && Number.isFinite(number) && number >= 0))
    return undefined;
  return { id, version, startedAt, beat, calls, capacity, loopDelayMs, draining } as PodMessage;
};

/** @returns undefined for what is no JSON, too */
export const decodePodMessage = (text: string): PodMessage | undefined => {
  try {
    return parsePodMessage(JSON.parse(text));
  } catch {
    // Not JSON, so not of a pod.
    return undefined;
  }
};
