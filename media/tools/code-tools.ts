/**
 * Tools that are functions of an `agents/*.ts`, run in a thread of their own, one for all calls of a voice worker: a function
 * that computes for seconds holds up other functions and no packet. Why so: docs/decisions/0027-code-tools-in-a-thread.md.
 */
import { Worker } from 'node:worker_threads';
import type { CodeTool } from '../agent/tool-schema.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';
import { redactor } from './redaction.ts';
import type { CodeToolContext, FromCodeThread, ToCodeThread } from './code-tool-thread.ts';
import { ToolError } from './tool-error.ts';

export type CodeToolsOptions = {
  /** Told what went wrong inside a function: its kind and where, never its message, which may hold anything. */
  onFault: (fault: Error) => void;
  /** A thread that does not answer for so long, while no function in it has time left, is ended. Default 1,000 ms. */
  graceMs?: number;
  /** The thread's file. Default: `code-tool-thread.ts`. */
  entry?: URL;
};

export class CodeToolFault extends Error {
  override readonly name = 'CodeToolFault';
}

type Job = {
  order: Extract<ToCodeThread, { type: 'run' }>;
  answer: PromiseWithResolvers<string>;
  /** Its function has been called. */
  begun: boolean;
  /** Its time is over. */
  over: boolean;
  /** Threads that were given it. */
  tries: number;
};

const GRACE_MS = 1_000;
/** A module that ends the thread by being loaded would do so for ever. */
const MAX_TRIES = 2;
/** An author's leak costs the functions, not the server. */
const MAX_HEAP_MB = 256;

export class CodeTools {
  readonly #options: CodeToolsOptions;
  readonly #jobs = new Map<number, Job>();
  readonly #modules = new Set<string>();
  #thread: Worker | undefined;
  #watch: NodeJS.Timeout | undefined;
  #nextId = 1;
  #closed = false;

  constructor(options: CodeToolsOptions) {
    this.#options = options;
  }

  /** Loads files as they are now, before anybody waits for a function of theirs. */
  prepare(modules: Iterable<string>): void {
    for (const module of modules) {
      if (this.#modules.has(module) || this.#closed) continue;
      this.#modules.add(module);
      this.#post({ type: 'load', module });
    }
  }

  /**
   * @returns what the function returns, as JSON has it, without the secrets that it was given
   * @throws {ToolError} where there is no such function, it failed, or its result is none; the signal's reason when it aborts
   */
  async run(
    { module, name }: Pick<CodeTool, 'module' | 'name'>,
    args: Record<string, unknown>,
    context: CodeToolContext,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (this.#closed) throw new ToolError('failed', 'The server closes.');
    signal.throwIfAborted();
    const id = this.#nextId++;
    const answer = Promise.withResolvers<string>();
    const order: Job['order'] = { type: 'run', id, module, name, args, context };
    this.#jobs.set(id, { order, answer, begun: false, over: false, tries: 0 });
    const onAbort = () => this.#giveUp(id);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#send(id);
    try {
      const text = await unlessAborted(answer.promise, signal);
      return JSON.parse(redactor(context.secrets)(text)) as unknown;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the thread, and with it what runs there. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#watch);
    const thread = this.#thread;
    this.#thread = undefined;
    this.#lose();
    await thread?.terminate();
  }

  #send(id: number): void {
    const job = this.#jobs.get(id);
    if (!job) return;
    job.tries++;
    this.#post(job.order);
  }

  #post(message: ToCodeThread): void {
    this.#started().postMessage(message);
  }

  #started(): Worker {
    if (this.#thread) return this.#thread;
    const { entry = new URL('./code-tool-thread.ts', import.meta.url) } = this.#options;
    const thread = new Worker(entry, { name: 'code-tools', resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
    this.#thread = thread;
    // Whoever waits has a deadline that keeps the process.
    thread.unref();
    const current = () => this.#thread === thread;
    thread.on('message', (message: FromCodeThread) => current() && this.#onMessage(message));
    thread.on('error', (error) => current() && this.#fault(`the thread of tools failed: ${kindOf(error)}`));
    thread.on('exit', () => current() && this.#exited());
    return thread;
  }

  #onMessage(message: FromCodeThread): void {
    if (message.type === 'fault') return this.#fault(message.about);
    const job = this.#jobs.get(message.id);
    if (!job) return;
    if (message.type === 'begun') {
      job.begun = true;
      return;
    }
    this.#jobs.delete(message.id);
    if (message.type === 'done') job.answer.resolve(message.json);
    else if (message.type === 'failed') job.answer.reject(new ToolError(message.code, message.message));
    // `stopped`: whoever waited has gone, and the thread has heard of it.
  }

  /** Nobody waits for it any more. A thread that is not held up says so at once. */
  #giveUp(id: number): void {
    const job = this.#jobs.get(id);
    if (!job) return;
    job.over = true;
    this.#thread?.postMessage({ type: 'stop', id } satisfies ToCodeThread);
    this.#watchThread();
  }

  #watchThread(): void {
    if (this.#watch || this.#closed) return;
    const told = [...this.#jobs.values()].filter(({ over }) => over);
    this.#watch = setTimeout(() => {
      this.#watch = undefined;
      const jobs = [...this.#jobs.values()];
      const unheard = jobs.some((job) => told.includes(job));
      if (unheard && jobs.every(({ begun, over }) => over || !begun)) this.#end();
      else if (jobs.some(({ over }) => over)) this.#watchThread();
    }, this.#options.graceMs ?? GRACE_MS);
    this.#watch.unref();
  }

  #end(): void {
    this.#fault('a tool held the thread of tools up beyond its time, and that was ended');
    const thread = this.#thread;
    this.#thread = undefined;
    void thread?.terminate();
    this.#exited();
  }

  #exited(): void {
    this.#thread = undefined;
    this.#modules.clear();
    this.#lose();
    if (this.#closed) return;
    // What had not begun was not done: it can be begun elsewhere.
    for (const id of this.#jobs.keys()) this.#send(id);
  }

  #lose(): void {
    for (const [id, { begun, tries, answer, over }] of this.#jobs) {
      if (!begun && !over && tries < MAX_TRIES && !this.#closed) continue;
      this.#jobs.delete(id);
      const what = begun ? 'It may have been done or not.' : 'It was not done.';
      answer.reject(new ToolError(begun ? 'outcome_unknown' : 'failed', `What ran the tool broke down. ${what}`));
      answer.promise.catch(() => undefined);
    }
  }

  #fault(about: string): void {
    this.#options.onFault(new CodeToolFault(about));
  }
}

const kindOf = (error: unknown): string => (error instanceof Error ? error.name : 'what is no error');
