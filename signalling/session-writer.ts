import { StoreBehind, StoreUnavailable } from './errors.ts';
import type { Log } from './log.ts';
import type { Continuation } from './session-store.ts';

/** What is still to be written of one session that this pod leads. */
export class SessionWriter {
  /** The shared store lacks something: all of the session is written as soon as it answers again. */
  unsaved = false;
  /** Waits to be written; `written` settles with whatever takes its place until then. */
  continuation: { epoch: number; continuation: Continuation; written: Promise<void> } | undefined;
  readonly #id: string;
  readonly #log: Log;
  #tail: Promise<unknown> = Promise.resolve();
  /** Why the shared store last refused it. */
  #refusal: string | undefined;

  constructor(id: string, log: Log) {
    this.#id = id;
    this.#log = log;
  }

  /** Runs `write` after those before it, whose failures are none of its concern. */
  inOrder(write: () => Promise<void>): Promise<void> {
    const written = this.#tail.then(write);
    this.#tail = written.catch(() => undefined);
    return written;
  }

  written(): void {
    this.#refusal = undefined;
  }

  /** It is in memory, and tried again every second or so. A store that refuses it is told of once for each reason. */
  notWritten(error: unknown): void {
    this.unsaved = true;
    this.continuation = undefined;
    if (error instanceof StoreUnavailable) return;
    const refusal = String(error);
    if (refusal !== this.#refusal)
      this.#log.error({ sessionId: this.#id, err: error }, 'a session could not be written');
    this.#refusal = refusal;
  }
}

/** False: the store has lost what was written before, and needs all of the session. @throws what else was wrong */
export const lacksMore = (error: unknown): false => {
  if (error instanceof StoreBehind) return false;
  throw error;
};
