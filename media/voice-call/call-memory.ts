/**
 * The memory of one call: has the beginning of a long conversation summarised behind the replies, which never wait for it.
 * Where that fails, nothing is lost until the conversation is half as long again; then its oldest words are left out.
 */
import { monotonicMs } from '../runtime/clock.ts';
import type { Decide } from '../turn/decision.ts';
import {
  estimatedTokens,
  Memory,
  type DueSummary,
  type MemoryOptions,
  type MemorySnapshot,
} from '../conversation/memory.ts';
import type { Message, ModelMessage } from '../providers/provider.ts';

export type CallMemoryOptions = MemoryOptions & {
  /** What was done with tools stands behind what it was done for. */
  expand: (messages: readonly Message[]) => readonly ModelMessage[];
  /** Absent: nothing is summarised. @throws whatever the model fails with */
  summarise?: Summarise;
  decide: Decide;
};

/** @param before the summary that the new one takes the place of */
export type Summarise = (
  before: string | undefined,
  messages: readonly ModelMessage[],
  signal: AbortSignal,
) => Promise<string>;

/** Nobody waits for it, but a model that hangs should not keep a place for long. */
const WITHIN_MS = 20_000;
/** After a failure. Sooner: a vendor that is down is asked with each turn. */
const AGAIN_AFTER_MS = 30_000;

export class CallMemory {
  readonly #options: CallMemoryOptions;
  readonly #memory: Memory;
  readonly #closed = new AbortController();
  #running = false;
  #notBeforeMs = -Infinity;

  constructor(options: CallMemoryOptions) {
    this.#options = options;
    this.#memory = new Memory(options, options.expand);
  }

  get summary(): string | undefined {
    return this.#memory.summary;
  }

  get snapshot(): MemorySnapshot | undefined {
    return this.#memory.snapshot;
  }

  restore(snapshot: MemorySnapshot | undefined): void {
    this.#memory.restore(snapshot);
  }

  /** What the model is told as it was said, with what was done for it. */
  given(history: readonly Message[]): readonly ModelMessage[] {
    return this.#memory.given(history);
  }

  /** Between two turns: begins what is due, and never waits for it. */
  consider(history: readonly Message[]): void {
    if (this.#running || this.#closed.signal.aborted || monotonicMs() < this.#notBeforeMs) return;
    const { summarise } = this.#options;
    const due = summarise && this.#memory.due(history);
    if (!due) return;
    this.#running = true;
    void this.#summarise(summarise, due).finally(() => (this.#running = false));
  }

  /** Idempotent. */
  close(): void {
    this.#closed.abort();
  }

  async #summarise(summarise: Summarise, due: DueSummary): Promise<void> {
    const { decide, expand } = this.#options;
    const { messages, tokens } = due;
    const fromMs = monotonicMs();
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(WITHIN_MS)]);
    try {
      const summary = await summarise(this.#memory.summary, expand(messages), signal);
      signal.throwIfAborted();
      this.#memory.summarised(due, summary);
      const summaryTokens = estimatedTokens([{ role: 'system', text: summary }]);
      const inputs = { messages: messages.length, tokens, summaryTokens, tookMs: monotonicMs() - fromMs };
      decide('summarise', 'long', inputs, monotonicMs());
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      this.#notBeforeMs = monotonicMs() + AGAIN_AFTER_MS;
      const code = signal.aborted ? 'overdue' : codeOf(error);
      decide('summarise', 'failed', { code, messages: messages.length, tokens }, monotonicMs());
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
}
