/** The measured server's process, seen from the measurement: kept on one core with all its workers. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { VoiceStatistics } from '../../media/workers/voice-protocol.ts';
import { cpuMs, pin, residentBytes, threadCpuMs } from '../process-usage.ts';
import type { LiveMemory, Observations } from '../voice-observations.ts';
import type { DensityObservations } from './density-observations.ts';

/** Where profiles of the voice worker's thread and of the main thread go. */
export type ProfileFiles = Record<'voice' | 'main', { cpuFile: string; heapFile: string }>;

export type Question =
  | { ask: 'reset' | 'observations' | 'live-memory' | 'busy' | 'calm' | 'start-profile' }
  | { ask: 'stop-profile'; files: ProfileFiles };

export type Observed = { thread: Observations; density: DensityObservations; statistics: VoiceStatistics[] };
export type Answer = Record<Exclude<Question['ask'], 'observations' | 'live-memory'>, undefined | void> & {
  observations: Observed;
  'live-memory': LiveMemory;
};

type Ready = { url: string; mediaWorkerPids: number[] };

const FILE = fileURLToPath(new URL('./density-server.ts', import.meta.url));
const AGENTS = fileURLToPath(new URL('./agents', import.meta.url));
const ENVIRONMENT = {
  HOST: '127.0.0.1',
  PORT: '0',
  LOG_LEVEL: 'warn',
  DRAIN_TIMEOUT_MS: '0',
  MEDIA_WORKERS: '1',
  WORKER_POOL_SIZE: '1',
  // What it can bear is measured, not what it is told to.
  MAX_SESSIONS_PER_WORKER: '10000',
  AGENTS_DIR: AGENTS,
  DEFAULT_AGENT: 'conversation',
};

export class DensityTarget {
  readonly #process: ChildProcess;
  readonly #ready: Ready;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;

  private constructor(process: ChildProcess, ready: Ready) {
    this.#process = process;
    this.#ready = ready;
    process.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
    process.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the measured server is gone'));
    });
  }

  /** Starts it on a free port, on this core. @param environment beside what it is started with, or in place of it */
  static async start(core: number, environment: Record<string, string> = {}): Promise<DensityTarget> {
    const { PATH, HOME, MEDIASOUP_WORKER_BIN } = process.env;
    const env = { PATH, HOME, MEDIASOUP_WORKER_BIN, ...ENVIRONMENT, ...environment };
    const child = fork(FILE, { env, execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=16'] });
    const [{ ready }] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the measured server could not be started'))),
    ])) as [{ ready: Ready }];
    await Promise.all([child.pid!, ...ready.mediaWorkerPids].map((pid) => pin(pid, core)));
    return new DensityTarget(child, ready);
  }

  get url(): string {
    return this.#ready.url;
  }

  ask<Asked extends Question>(question: Asked): Promise<Answer[Asked['ask']]> {
    const id = this.#nextId++;
    const answered = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answered);
    this.#process.send({ id, ...question });
    return answered.promise as Promise<Answer[Asked['ask']]>;
  }

  /** CPU time in ms: of each process, and of each thread of the server's by its name. */
  async cpu(): Promise<{ server: number; mediaWorkers: number; threads: Record<string, number> }> {
    const [server, threads, ...media] = await Promise.all([
      cpuMs(this.#process.pid!),
      threadCpuMs(this.#process.pid!),
      ...this.#ready.mediaWorkerPids.map(cpuMs),
    ]);
    return { server, threads, mediaWorkers: media.reduce((sum, ms) => sum + ms, 0) };
  }

  /** Resident bytes of the server's process and of its media workers. */
  async memory(): Promise<{ server: number; mediaWorkers: number }> {
    const [server, ...media] = await Promise.all(
      [this.#process.pid!, ...this.#ready.mediaWorkerPids].map(residentBytes),
    );
    return { server: server!, mediaWorkers: media.reduce((sum, bytes) => sum + bytes, 0) };
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exited;
  }
}
