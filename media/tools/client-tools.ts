/** Tools that run in the caller's page: asked for by an event, answered by a request, one wait for each call. */
import { ToolError } from './tool-error.ts';
import type { ToolRun } from './tool-runner.ts';

export type ClientToolCall = { callId: string; turnId: string; name: string; arguments: Record<string, unknown> };

/** What a page answers: a result, or why there is none. */
export type ClientToolAnswer =
  { callId: string; result: unknown } | { callId: string; error: 'no_handler' | 'failed'; message?: string };

/** A page's answer counts at most this much; what is longer fails. */
export const MAX_CLIENT_RESULT_CHARACTERS = 16_384;
const MAX_MESSAGE_CHARACTERS = 500;

export class ClientTools {
  readonly #ask: (call: ClientToolCall) => void;
  readonly #waiting = new Map<string, PromiseWithResolvers<unknown>>();
  #present = false;

  /** @param ask tells the page; what was told and missed by a page that was away is told again by the signalling */
  constructor(ask: (call: ClientToolCall) => void) {
    this.#ask = ask;
  }

  /** The page is there, or no longer. One that leaves may come back and answer: what was asked waits for its deadline. */
  clientPresent(present: boolean): void {
    this.#present = present;
  }

  /** @throws {ToolError} `no_client`, `no_handler`, `failed`; the signal's reason when it aborts */
  async run(name: string, args: Record<string, unknown>, { turnId, callId, signal }: ToolRun): Promise<unknown> {
    if (!this.#present) throw new ToolError('no_client', "The caller's page is not connected.");
    signal.throwIfAborted();
    const key = `${turnId}:${callId}`;
    const answer = Promise.withResolvers<unknown>();
    const onAbort = (): void => answer.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(key, answer);
    try {
      this.#ask({ callId: key, turnId, name, arguments: args });
      return await answer.promise;
    } finally {
      this.#waiting.delete(key);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** @returns whether somebody waited for it */
  answer(answer: ClientToolAnswer): boolean {
    const waiting = this.#waiting.get(answer.callId);
    if (!waiting) return false;
    if ('error' in answer) waiting.reject(refusalOf(answer));
    else if ((JSON.stringify(answer.result) ?? '').length <= MAX_CLIENT_RESULT_CHARACTERS)
      waiting.resolve(answer.result);
    else
      waiting.reject(
        new ToolError('too_large', `The answer is longer than ${MAX_CLIENT_RESULT_CHARACTERS} characters.`),
      );
    return true;
  }
}

function refusalOf({ error, message = '' }: Extract<ClientToolAnswer, { error: string }>): ToolError {
  if (error === 'no_handler') return new ToolError('no_handler', "The caller's page does not have this tool.");
  const detail = message.slice(0, MAX_MESSAGE_CHARACTERS);
  return new ToolError('failed', "The tool failed in the caller's page.", detail ? { detail } : {});
}
