/** One mediasoup worker with its router and its WebRtcServer: where browsers' packets come in and go out. */
import { createWorker } from 'mediasoup';
import type { types } from 'mediasoup';
import { monotonicMs } from './runtime/clock.ts';
import { MediaError } from './errors.ts';
import { HangWatch } from './runtime/hang-watch.ts';

/** An address that browsers can reach, and the port (0: any free one). */
export type MediaListener = { ip: string; announcedAddress?: string };

export type SfuWorkerOptions = {
  listeners: readonly MediaListener[];
  port: number;
  onDied: () => void;
  /** It lives, but has not answered for so long: it is ended, and `onDied` follows. */
  onHung: (forMs: number) => void;
};

/**
 * Opus as RFC 7587 has it. NACK repairs losses within a round trip. In-band FEC is not offered: the decoder in use here
 * cannot decode it, and it would cost the caller a fifth of the bit rate for nothing.
 */
export const OPUS: types.RouterRtpCodecCapability = {
  kind: 'audio',
  mimeType: 'audio/opus',
  preferredPayloadType: 111,
  clockRate: 48_000,
  channels: 2,
  parameters: { minptime: 10, usedtx: 1 },
  rtcpFeedback: [{ type: 'nack' }, { type: 'transport-cc' }],
};

/**
 * How often a worker is asked whether it still works, and how long it may take to answer: 0.1 ms when idle, and tens of
 * ms with all its core in use. Shorter would end workers on a machine that is short of time for a moment.
 */
const HANG = { intervalMs: 500, limitMs: 2000 };

/** Asked of the kernel for the sockets that all callers share. */
const BUFFER_BYTES = 4 << 20;

export class SfuWorker {
  readonly worker: types.Worker;
  readonly router: types.Router;
  readonly webRtcServer: types.WebRtcServer;
  readonly #hangs = new HangWatch(HANG);
  readonly #watch: NodeJS.Timeout;
  readonly #onHung: SfuWorkerOptions['onHung'];
  #closed = false;

  private constructor(
    worker: types.Worker,
    router: types.Router,
    webRtcServer: types.WebRtcServer,
    onHung: SfuWorkerOptions['onHung'],
  ) {
    this.worker = worker;
    this.router = router;
    this.webRtcServer = webRtcServer;
    this.#onHung = onHung;
    this.#watch = setInterval(() => this.#look(), HANG.intervalMs);
    worker.once('died', () => clearInterval(this.#watch));
  }

  /** @throws {MediaError} `media_port_taken`, `media_worker_unavailable` */
  static async start(options: SfuWorkerOptions): Promise<SfuWorker> {
    const worker = await startProcess();
    try {
      const router = await worker.createRouter({ mediaCodecs: [OPUS] });
      const webRtcServer = await listen(worker, options);
      worker.once('died', () => options.onDied());
      return new SfuWorker(worker, router, webRtcServer, options.onHung);
    } catch (error) {
      worker.close();
      throw error;
    }
  }

  get pid(): number {
    return this.worker.pid;
  }

  get closed(): boolean {
    return this.#closed || this.worker.closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    this.worker.close();
  }

  #look(): void {
    const verdict = this.#hangs.look(monotonicMs());
    if (!verdict) return;
    if ('ask' in verdict) {
      this.worker.getResourceUsage().then(
        () => this.#hangs.answered(),
        // It is being closed, or has died: then nobody waits for an answer.
        () => undefined,
      );
      return;
    }
    clearInterval(this.#watch);
    this.#onHung(Math.round(verdict.hungForMs));
    // Nothing less reaches a process that does not run.
    process.kill(this.pid, 'SIGKILL');
  }
}

async function startProcess(): Promise<types.Worker> {
  try {
    const worker = await createWorker({ logLevel: 'warn', logTags: ['info', 'ice', 'dtls', 'rtp', 'srtp'] });
    keepThroughSignals(worker);
    return worker;
  } catch (error) {
    const message = "mediasoup's worker could not be started; `npm start` builds it or says what is missing";
    throw new MediaError('media_worker_unavailable', message, { cause: error });
  }
}

/**
 * mediasoup closes a worker at the first SIGINT or SIGTERM of the process, in the middle of its calls. When workers
 * close is the server's decision: after the conversations have had their time to end.
 */
function keepThroughSignals(worker: types.Worker): void {
  const { onSignal } = worker as unknown as { onSignal?: () => void };
  if (!onSignal) return;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
}

async function listen(worker: types.Worker, { listeners, port }: SfuWorkerOptions): Promise<types.WebRtcServer> {
  const protocols = ['udp', 'tcp'] as const;
  const listenInfos = listeners.flatMap((listener) =>
    protocols.map((protocol) => ({
      ...listener,
      protocol,
      ...(port > 0 && { port }),
      recvBufferSize: BUFFER_BYTES,
      sendBufferSize: BUFFER_BYTES,
    })),
  );
  try {
    return await worker.createWebRtcServer({ listenInfos });
  } catch (error) {
    if (port === 0) throw error;
    const addresses = listeners.map(({ ip }) => ip).join(', ');
    const message = `the media port ${port} (MEDIA_PORT plus the worker's index; UDP and TCP on ${addresses}) cannot be used: ${String(error)}`;
    throw new MediaError('media_port_taken', message, { cause: error });
  }
}
