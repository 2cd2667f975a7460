/** flite's thread from outside: speaks one clause after another, and is started anew when it dies. */
import { Worker } from 'node:worker_threads';
import type { Voice } from '../agent/agent.ts';
import { SpeechError } from './errors.ts';
import type { FliteRequest, FliteResponse, FliteThreadData } from './flite-thread.ts';

export type FliteWorkerOptions = {
  /** From `compileFlite()`. */
  module: WebAssembly.Module;
  /** Of the audio wanted. */
  sampleRateHz: number;
  /**
   * A clause that takes longer, from being handed to the thread, ends the thread and fails. Default 10,000 ms: the longest
   * takes 1 s, a thread 0.3 s to start, and a busy machine a multiple of that.
   */
  clauseTimeoutMs?: number;
  /** The thread's entry. Default flite-thread.ts. */
  entry?: URL;
};

type Job = {
  request: FliteRequest;
  attempts: number;
  resolve(samples: Int16Array): void;
  reject(error: unknown): void;
};

/** A clause that a thread died of once may have been a bystander; one that it died of twice is the reason. */
const MAX_ATTEMPTS = 2;

export class FliteWorker {
  readonly #options: FliteWorkerOptions;
  readonly #queue: Job[] = [];
  #worker: Worker | undefined;
  #warm: PromiseWithResolvers<void> | undefined;
  #running: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #deathCause: unknown;
  #nextId = 1;
  #closed = false;

  constructor(options: FliteWorkerOptions) {
    this.#options = options;
  }

  /** Starts the thread, if it is not running; resolves when it can speak, or is gone. */
  warm(): Promise<void> {
    if (!this.#closed) this.#start();
    return this.#warm?.promise ?? Promise.resolve();
  }

  /**
   * The audio of a clause, after those asked for before. After an abort the promise rejects with the signal's reason,
   * unless the thread is speaking the clause already: that cannot be stopped and is soon done.
   * @throws SpeechError speech_failed, speech_timed_out, speech_thread_died, closed
   */
  async speak(voice: Voice, text: string, signal: AbortSignal): Promise<Int16Array> {
    if (this.#closed) throw closedError();
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Int16Array>();
    const job: Job = { request: { id: this.#nextId++, voice, text }, attempts: 0, resolve, reject };
    const onAbort = () => {
      const index = this.#queue.indexOf(job);
      if (index < 0) return;
      this.#queue.splice(index, 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(job);
    this.#runNext();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the thread. What it was asked for and has not answered rejects with `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(closedError());
    this.#takeRunning()?.reject(closedError());
    await this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const { module, sampleRateHz, entry = new URL('./flite-thread.ts', import.meta.url) } = this.#options;
    const workerData: FliteThreadData = { module, sampleRateHz };
    // node:wasi warns that it is experimental, on every start.
    const worker = new Worker(entry, {
      name: 'flite',
      workerData,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#worker = worker;
    this.#warm = Promise.withResolvers();
    // A thread that was given up may still answer, and will exit; its successor's clauses are none of its business.
    const current = () => this.#worker === worker;
    worker.on('message', (response: FliteResponse) => current() && this.#answered(response));
    worker.on('error', (error) => {
      if (current()) this.#deathCause = error;
    });
    worker.on('exit', (exitCode) => current() && this.#died(exitCode));
    return worker;
  }

  #runNext(): void {
    if (this.#running) return;
    const job = this.#queue.shift();
    if (!job) return this.#worker?.unref();
    job.attempts++;
    this.#running = job;
    const worker = this.#start();
    // An idle thread keeps no process alive, an answer that is awaited does.
    worker.ref();
    this.#timer = setTimeout(() => this.#timedOut(), this.#options.clauseTimeoutMs ?? 10_000);
    worker.postMessage(job.request);
  }

  #answered(response: FliteResponse): void {
    if (response.type === 'ready') {
      this.#warm?.resolve();
    } else if (response.id === this.#running?.request.id) {
      const job = this.#takeRunning()!;
      if (response.type === 'spoken') job.resolve(response.samples);
      else job.reject(new SpeechError('speech_failed', response.message));
    }
    this.#runNext();
  }

  #timedOut(): void {
    this.#takeRunning()?.reject(new SpeechError('speech_timed_out', 'flite took too long over a clause'));
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#runNext();
  }

  #died(exitCode: number): void {
    this.#worker = undefined;
    this.#warm?.resolve();
    const cause = this.#deathCause;
    this.#deathCause = undefined;
    const job = this.#takeRunning();
    if (job && job.attempts < MAX_ATTEMPTS) this.#queue.unshift(job);
    else job?.reject(new SpeechError('speech_thread_died', `flite's thread exited with ${exitCode}`, { cause }));
    this.#runNext();
  }

  #takeRunning(): Job | undefined {
    const job = this.#running;
    this.#running = undefined;
    clearTimeout(this.#timer);
    return job;
  }
}

function closedError(): SpeechError {
  return new SpeechError('closed', 'the voice is closed');
}
