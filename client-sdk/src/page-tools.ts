import type { Request, SessionEvents } from '../../signalling/protocol.ts';
import type { Emitter } from './emitter.ts';
import { ParleyError } from './errors.ts';
import type { SessionEvent } from './session-event.ts';
import type { ToolHandler } from './types.ts';

type ToolCall = SessionEvents['tool-call'];
type Answer = Request<'tool-result'>;

/** What tools are told by the connection to the server. */
export type PageToolsEvents = {
  event: SessionEvent;
  /** The session was joined, at first or anew. */
  joined: undefined;
  closed: undefined;
};

export type PageToolsLine = Pick<Emitter<PageToolsEvents>, 'on'> & {
  request(name: 'tool-result', answer: Answer): Promise<object>;
};

type Pending = { answer: Answer; tries: number };

/** Of a handler's error, as much as tells what went wrong. */
const maxMessageCharacters = 500;
/** Where the server cannot take an answer just now, as while it is moved. */
const retryAfterMs = 500;
const maxTries = 20;
/** Calls that are known to have been run: more than a server could ask for again. */
const maxKnown = 1000;

/**
 * The tools of the page: runs what the agent calls, each call once however often it is told of, and sends each answer until
 * the server has it.
 */
export class PageTools {
  readonly #handlers = new Map<string, ToolHandler>();
  readonly #running = new Map<string, AbortController>();
  /** Answers that the server does not have yet. */
  readonly #answers = new Map<string, Pending>();
  /** Calls that were begun, the oldest first. */
  readonly #known = new Set<string>();
  #signalling: PageToolsLine | undefined;

  /** @returns takes it away, unless another one has taken its place */
  register(name: string, handler: ToolHandler): () => void {
    this.#handlers.set(name, handler);
    return () => {
      if (this.#handlers.get(name) === handler) this.#handlers.delete(name);
    };
  }

  serve(signalling: PageToolsLine): void {
    this.#signalling = signalling;
    signalling.on('event', (event) => {
      if (event.name === 'tool-call') void this.#run(event.payload);
      if (event.name === 'tool-cancel') this.#running.get(event.payload.callId)?.abort();
    });
    signalling.on('joined', () => {
      for (const pending of this.#answers.values()) void this.#send(pending);
    });
    signalling.on('closed', () => this.#end());
  }

  async #run({ callId, turnId, name, arguments: args, timeoutMs }: ToolCall): Promise<void> {
    if (this.#known.has(callId)) return;
    this.#known.add(callId);
    const [oldest] = this.#known;
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
    const handler = this.#handlers.get(name);
    if (!handler) return this.#answer({ callId, error: 'no_handler' });
    const controller = new AbortController();
    this.#running.set(callId, controller);
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    try {
      const result = await handler(args, { signal: controller.signal, callId, turnId });
      this.#answer({ callId, result: asJson(result) });
    } catch (error) {
      this.#answer({ callId, error: 'failed', message: messageOf(error).slice(0, maxMessageCharacters) });
    } finally {
      clearTimeout(timer);
      this.#running.delete(callId);
    }
  }

  #answer(answer: Answer): void {
    if (!this.#signalling) return;
    const pending = { answer, tries: 0 };
    this.#answers.set(answer.callId, pending);
    void this.#send(pending);
  }

  /** Where the connection is lost before the server has it, it is sent again once the session was joined anew. */
  async #send(pending: Pending): Promise<void> {
    const { callId } = pending.answer;
    if (this.#answers.get(callId) !== pending) return;
    try {
      await this.#signalling?.request('tool-result', pending.answer);
      this.#answers.delete(callId);
    } catch (error) {
      const code = refusalOf(error);
      if (code === 'reconnecting' || code === 'not_joined') return;
      if (code === 'server_busy' && ++pending.tries < maxTries) {
        setTimeout(() => void this.#send(pending), retryAfterMs);
        return;
      }
      this.#answers.delete(callId);
      // A result that the server does not take: it takes that there is none.
      if ('error' in pending.answer) return;
      this.#answer({ callId, error: 'failed', message: 'The result cannot be sent.' });
    }
  }

  #end(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#answers.clear();
    this.#signalling = undefined;
  }
}

/** What is no JSON would be lost on the way, or break the connection. */
function asJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as unknown);
}

/** The server's own code where it refused, else the SDK's. */
function refusalOf(error: unknown): string {
  if (!(error instanceof ParleyError)) return 'unknown';
  const { cause } = error;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : error.code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
