/** Answers what other pods ask: each request once, however often it arrives. */
import type { BusReply, BusRequest } from './bus-messages.ts';
import { payloadProblem, payloadSchemas } from './bus-payloads.ts';
import type { Log } from './log.ts';
import type { RequestHandler } from './message-bus.ts';
import type { Timing } from './timing.ts';

export type BusAnswersOptions = {
  podId: string;
  timing: Timing;
  log: Log;
};

type Answering = { reply: Promise<BusReply>; abort: AbortController; forgetAtMs: number };

/**
 * For how long after its deadline a request is remembered. A repetition that came later would be handled anew. It can be late
 * by what a stuck connection holds back, and such a connection is given up within seconds.
 */
const REMEMBERED_MS = 60_000;
/** So many requests are remembered at most: 250 a second for as long as above. Beyond that the oldest are forgotten. */
const MAX_REMEMBERED = 20_000;
/** A code is part of what pods say to each other; anything else is an accident of somebody's library. */
const CODE = /^[a-z][a-z0-9_]{0,63}$/;

export class BusAnswers {
  readonly #options: BusAnswersOptions;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #answering = new Map<string, Answering>();
  #closed = false;

  constructor(options: BusAnswersOptions) {
    this.#options = options;
  }

  handle(name: string, handler: RequestHandler): void {
    if (this.#handlers.has(name)) throw new TypeError(`There is a handler for ${name} already.`);
    this.#handlers.set(name, handler);
  }

  /** The answer to a request, the same one each time that it arrives. Never rejects. */
  answer(request: BusRequest): Promise<BusReply> {
    const nowMs = this.#options.timing.nowMs();
    const key = keyOf(request);
    this.#forget(nowMs);
    const known = this.#answering.get(key);
    if (known) return known.reply;
    const abort = new AbortController();
    const reply = this.#run(request, abort);
    this.#answering.set(key, { reply, abort, forgetAtMs: nowMs + request.timeoutMs + REMEMBERED_MS });
    return reply;
  }

  /** Who asked no longer waits. */
  cancel(request: { id: string; from: string }): void {
    this.#answering.get(keyOf(request))?.abort.abort();
  }

  /** Handlers under way are told to stop. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { abort } of this.#answering.values()) abort.abort();
    this.#answering.clear();
  }

  async #run({ id, from, name, payload, timeoutMs }: BusRequest, abort: AbortController): Promise<BusReply> {
    const { podId, timing, log } = this.#options;
    const refuse = (code: string): BusReply => ({ type: 'reply', id, from: podId, ok: false, code });
    const handler = this.#handlers.get(name);
    if (!handler || this.#closed) return refuse(this.#closed ? 'closing' : 'no_handler');
    const problem = payloadProblem(payloadSchemas, name, payload);
    if (problem !== undefined) {
      log.debug({ name, from, problem }, 'a request of another pod makes no sense');
      return refuse('invalid_message');
    }
    const stopDeadline = timing.after(timeoutMs, () => abort.abort());
    try {
      const answer = await handler(payload, from, abort.signal);
      return { type: 'reply', id, from: podId, ok: true, answer };
    } catch (error) {
      const code = codeOf(error);
      // Told to stop, it has stopped: nobody waits for it any more.
      if (abort.signal.aborted) log.debug({ name, from }, 'a request of another pod was given up');
      else if (code === undefined) log.error({ err: error, name, from }, 'a request of another pod failed');
      else log.debug({ code, name, from }, 'a request of another pod was refused');
      return refuse(code ?? 'internal');
    } finally {
      stopDeadline();
    }
  }

  /** Insertion is nearly the order of forgetting; who asked with a long deadline holds up the others a little. */
  #forget(nowMs: number): void {
    for (const [key, { forgetAtMs, abort }] of this.#answering) {
      if (forgetAtMs > nowMs && this.#answering.size < MAX_REMEMBERED) return;
      abort.abort();
      this.#answering.delete(key);
    }
  }
}

const keyOf = ({ id, from }: { id: string; from: string }): string => `${from} ${id}`;

const codeOf = (error: unknown): string | undefined => {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && CODE.test(code) ? code : undefined;
};
