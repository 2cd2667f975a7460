/** The media workers of this process: one mediasoup worker, router and WebRtcServer each, replaced when one dies or hangs. */
import type { types } from 'mediasoup';
import { MediaError } from './errors.ts';
import { SfuWorker, type MediaListener } from './sfu-worker.ts';

export type SfuOptions = {
  /** How many workers. */
  size: number;
  /** Where browsers reach them. */
  /** Asked for each worker that is started: a machine's addresses come and go. */
  listeners: () => readonly MediaListener[];
  /** Worker i listens on this plus i, UDP and TCP; absent: free ports. */
  port?: number;
  events: {
    /** A worker has died, and with it the transports of its calls. */
    onLost: (index: number) => void;
    /** Another one serves in its place. */
    onReplaced: (index: number) => void;
    onLog: (line: string) => void;
  };
};

/** Between two tries to replace a worker that will not start. */
const RETRY_MS = 500;

export class Sfu {
  readonly #options: SfuOptions;
  #workers: (SfuWorker | undefined)[] = [];
  #rtpCapabilities: types.RtpCapabilities = {};
  #closed = false;
  /** Workers replaced so far. */
  restarts = 0;

  private constructor(options: SfuOptions) {
    this.#options = options;
  }

  /** @throws {MediaError} `media_port_taken`, `media_worker_unavailable` */
  static async start(options: SfuOptions): Promise<Sfu> {
    const sfu = new Sfu(options);
    const indices = Array.from({ length: options.size }, (_, index) => index);
    const started = await Promise.allSettled(indices.map((index) => sfu.#startWorker(index)));
    sfu.#workers = started.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) {
      sfu.close();
      throw failed.reason;
    }
    sfu.#rtpCapabilities = sfu.worker(0).router.rtpCapabilities;
    return sfu;
  }

  /** What every router here can do; they are all alike. */
  get rtpCapabilities(): types.RtpCapabilities {
    return this.#rtpCapabilities;
  }

  get size(): number {
    return this.#options.size;
  }

  /** Whether all run; otherwise one is being replaced. */
  get isComplete(): boolean {
    return this.#running().length === this.size;
  }

  /** @throws {MediaError} `media_worker_unavailable` while this one is being replaced */
  worker(index: number): SfuWorker {
    const worker = this.find(index);
    if (!worker) throw new MediaError('media_worker_unavailable', `media worker ${index} is being replaced`);
    return worker;
  }

  /** As `worker`, undefined while it is being replaced. */
  find(index: number): SfuWorker | undefined {
    return this.#workers[index];
  }

  /** Process ids of the running workers. */
  get pids(): number[] {
    return this.#running().map(({ pid }) => pid);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const worker of this.#running()) worker.close();
  }

  #running(): SfuWorker[] {
    return this.#workers.filter((worker) => worker !== undefined);
  }

  #startWorker(index: number): Promise<SfuWorker> {
    const { listeners, port } = this.#options;
    return SfuWorker.start({
      listeners: listeners(),
      port: port === undefined ? 0 : port + index,
      onDied: () => this.#onDied(index),
      onHung: (forMs) => this.#options.events.onLog(`media worker ${index} did not answer for ${forMs} ms: ending it`),
    });
  }

  #onDied(index: number): void {
    if (this.#closed) return;
    this.#workers[index]?.close();
    this.#workers[index] = undefined;
    this.restarts++;
    this.#options.events.onLost(index);
    void this.#replace(index);
  }

  async #replace(index: number): Promise<void> {
    while (!this.#closed) {
      try {
        const worker = await this.#startWorker(index);
        if (this.#closed) return worker.close();
        this.#workers[index] = worker;
        return this.#options.events.onReplaced(index);
      } catch (error) {
        this.#options.events.onLog(`media worker ${index} could not be replaced yet: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }
}
