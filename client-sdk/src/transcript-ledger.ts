import type { TranscriptEntry } from './types.ts';

/**
 * Knows which lines the application was told. The answer to a `join` carries the whole conversation, and after the death
 * of an owner some of it was never told; what was told as an event must not be told again. Pure.
 */
export class TranscriptLedger {
  /** What was told last of each final line. */
  readonly #told = new Map<string, string>();

  /** @returns whether to tell of an event: false for a final line that was told just so */
  accept(entry: TranscriptEntry): boolean {
    if (!entry.final) return true;
    const key = keyOf(entry);
    const words = JSON.stringify([entry.text, entry.startMs, entry.endMs]);
    if (this.#told.get(key) === words) return false;
    this.#told.set(key, words);
    return true;
  }

  /** @returns those of the whole conversation that were never told, in their order */
  missing(transcript: readonly TranscriptEntry[]): TranscriptEntry[] {
    return transcript.filter((entry) => !this.#told.has(keyOf(entry)) && this.accept(entry));
  }
}

function keyOf({ turnId, role }: TranscriptEntry): string {
  return `${role}:${turnId}`;
}
