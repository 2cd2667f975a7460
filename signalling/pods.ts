/** The pods of a fleet as each of them sees the others. */

export type PodLoad = {
  /** Places taken or reserved, and places in all. */
  calls: number;
  capacity: number;
  /** 99th percentile of the main thread's delay over the last seconds, in ms. */
  loopDelayMs: number;
  /** Takes nothing new. */
  draining: boolean;
};

export type Pod = PodLoad & {
  id: string;
  version: string;
  /** Unix ms, by the clock of the pod itself. */
  startedAt: number;
  /** Unix ms, by this pod's clock: when the last sign of life was read. */
  heardAt: number;
};

export interface Pods {
  /** The pods that were alive when last looked, this one included. Never waits. */
  list(): Pod[];
  /** Those that were there not long ago, have not said that they close, and are not heard of now (`AbsentPods`). */
  absent(): string[];
  /** Tells the others how this pod stands, now rather than with the next heartbeat. */
  announce(): void;
  /** Takes this pod out of the list of all others. Idempotent. */
  close(): Promise<void>;
}

/** A pod by itself. */
export class LonePod implements Pods {
  readonly #describe: () => Pod;

  constructor(describe: () => Pod) {
    this.#describe = describe;
  }

  list(): Pod[] {
    return [this.#describe()];
  }

  absent(): string[] {
    return [];
  }

  announce(): void {}

  async close(): Promise<void> {}
}
