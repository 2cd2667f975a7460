/**
 * Pods that are not heard of now, and were not long ago. Each may be dead, or alive and cut off from Redis, with sessions in its
 * memory that Redis lacks; the two look the same.
 */

/**
 * Heard of neither for so long, while it could have been, a pod counts as dead, in ms. Shorter would deny the sessions of a pod
 * whose way to Redis is mended a moment later; longer would have clients of sessions that are gone for good try in vain.
 */
const FORGOTTEN_AFTER_MS = 60_000;

export class AbsentPods {
  /** Unix ms, by this pod's clock: when each was last heard of. */
  readonly #heardAt = new Map<string, number>();

  heard(podId: string, nowMs: number): void {
    this.#heardAt.set(podId, nowMs);
  }

  /** It has said that it ends, and has given away what it held. */
  closed(podId: string): void {
    this.#heardAt.delete(podId);
  }

  /**
   * @param present those that are there
   * @param steadySince since when this pod could have heard of them without a break, Unix ms; undefined while it cannot
   */
  list(present: ReadonlySet<string>, steadySince: number | undefined, nowMs: number): string[] {
    const since = steadySince ?? nowMs;
    for (const [podId, heardAt] of this.#heardAt) {
      if (nowMs - Math.max(heardAt, since) >= FORGOTTEN_AFTER_MS) this.#heardAt.delete(podId);
    }
    return [...this.#heardAt.keys()].filter((podId) => !present.has(podId));
  }
}
