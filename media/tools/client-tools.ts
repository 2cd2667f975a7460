/** Tools that run in the caller's page: asked for by an event, answered by a request, one wait for each call. */
import { ToolError } from './tool-error.ts';
import type { ToolOutcome } from './tool-ledger.ts';
import type { ToolRun } from './tool-runner.ts';

export type ClientToolCall = {
  callId: string;
  turnId: string;
  name: string;
  arguments: Record<string, unknown>;
  /** For how long an answer is waited for. */
  timeoutMs: number;
};

/** What a page answers: a result, or why there is none. */
export type ClientToolAnswer =
  | { callId: string; result?: unknown }
  | { callId: string; error: 'no_handler' | 'failed'; message?: string | undefined };

export type ClientToolsOptions = {
  /** Tells the page; what it misses while it is away the signalling tells it again. */
  ask: (call: ClientToolCall) => void;
  /** Nobody waits for the answer any more. */
  cancel: (callId: string) => void;
  /** Rejects when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Whether the page's connection stands; `anew`: that of a page that was loaded anew. */
export type ClientPresence = 'here' | 'anew' | 'away';

type Asked = Pick<ClientToolCall, 'name' | 'arguments' | 'timeoutMs'>;
type Waiting = { answer: PromiseWithResolvers<unknown>; askedAway: boolean };

/** A page that has lost its connection is back in a second or two; until then it is waited for. */
const AWAY_MS = 5_000;

/** A page's answer counts at most this much; what is longer fails. */
export const MAX_CLIENT_RESULT_CHARACTERS = 16_384;
const MAX_MESSAGE_CHARACTERS = 500;

export class ClientTools {
  readonly #options: ClientToolsOptions;
  readonly #waiting = new Map<string, Waiting>();
  #presence: 'here' | 'away' | 'gone' = 'gone';
  #away = new AbortController();

  constructor(options: ClientToolsOptions) {
    this.#options = options;
  }

  /** One that has lost its connection may come back and answer; one that was loaded anew knows of nothing. */
  clientPresent(presence: ClientPresence): void {
    this.#away.abort();
    if (presence === 'away') {
      if (this.#presence === 'here') this.#leave();
      return;
    }
    if (presence === 'anew') this.#lost("The caller's page was loaded anew.");
    this.#presence = 'here';
  }

  /** @throws {ToolError} `no_client`, `no_handler`, `failed`, `too_large`; the signal's reason when it aborts */
  async run(asked: Asked, { turnId, callId, signal }: ToolRun): Promise<unknown> {
    if (this.#presence === 'gone') throw new ToolError('no_client', "The caller's page is not connected.");
    signal.throwIfAborted();
    const key = clientCallId(turnId, callId);
    const answer = Promise.withResolvers<unknown>();
    const onAbort = (): void => {
      this.#options.cancel(key);
      answer.reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(key, { answer, askedAway: this.#presence === 'away' });
    try {
      this.#options.ask({ callId: key, turnId, ...asked });
      return await answer.promise;
    } finally {
      this.#waiting.delete(key);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #leave(): void {
    const away = new AbortController();
    [this.#away, this.#presence] = [away, 'away'];
    this.#options.sleep(AWAY_MS, away.signal).then(
      () => this.#gone(),
      () => undefined,
    );
  }

  #gone(): void {
    this.#presence = 'gone';
    this.#lost("The caller's page has gone.");
  }

  #lost(what: string): void {
    for (const [key, { answer, askedAway }] of this.#waiting) {
      this.#options.cancel(key);
      const done = askedAway ? 'It was not done.' : 'It may have been done or not.';
      answer.reject(new ToolError('no_client', `${what} ${done}`));
    }
  }

  /** @returns whether somebody waited for it */
  answer(answer: ClientToolAnswer): boolean {
    const waiting = this.#waiting.get(answer.callId)?.answer;
    if (!waiting) return false;
    const { result, error } = answeredWith(answer);
    if (error) waiting.reject(error);
    else waiting.resolve(result);
    return true;
  }
}

/** Names a call for the page; turns have no colon in their names. */
export const clientCallId = (turnId: string, callId: string): string => `${turnId}:${callId}`;

/** Undoes `clientCallId`. */
export function callOfClient(clientCall: string): { turnId: string; callId: string } {
  const [turnId = '', ...rest] = clientCall.split(':');
  return { turnId, callId: rest.join(':') };
}

/** An answer for which nobody waits, as a ledger keeps it. */
export function outcomeOf(answer: ClientToolAnswer): ToolOutcome {
  const { result, error } = answeredWith(answer);
  return error ? { error: { code: error.code, message: error.message } } : { result: result ?? null };
}

function answeredWith(answer: ClientToolAnswer): { result?: unknown; error?: ToolError } {
  if ('error' in answer) return { error: refusalOf(answer) };
  if ((JSON.stringify(answer.result) ?? '').length <= MAX_CLIENT_RESULT_CHARACTERS) return { result: answer.result };
  const limit = `The answer is longer than ${MAX_CLIENT_RESULT_CHARACTERS} characters.`;
  return { error: new ToolError('too_large', limit) };
}

function refusalOf({ error, message = '' }: Extract<ClientToolAnswer, { error: string }>): ToolError {
  if (error === 'no_handler') return new ToolError('no_handler', "The caller's page does not have this tool.");
  const detail = message.slice(0, MAX_MESSAGE_CHARACTERS);
  return new ToolError('failed', "The tool failed in the caller's page.", detail ? { detail } : {});
}
