/**
 * What a language model is told of a conversation that has become long: a summary of its beginning, and the rest as it was
 * said. Pure; what was said stays whole in the transcript.
 */
import type { Message, ModelMessage } from '../providers/provider.ts';

export type MemoryOptions = {
  /** Estimated tokens of what was said from which on the oldest of it is to be summarised. */
  aboveTokens: number;
  /** Of the latest, so much stays as it was said. */
  keepTokens: number;
};

/** What survives a voice worker or a pod. */
export type MemorySnapshot = {
  summary: string;
  /** The turn that begins what the summary does not cover. */
  fromTurnId: string;
};

/** What is to be summarised now, together with the summary before it. */
export type DueSummary = { messages: readonly Message[]; fromTurnId: string; tokens: number };

/** Vendors count with tables of their own; of European languages this is too much rather than too little. */
const BYTES_PER_TOKEN = 4;
/** Who speaks, and what marks the end. */
const TOKENS_PER_MESSAGE = 4;
/** Where no summary could be made, the oldest is left out above this many times `aboveTokens`. */
const MOST = 1.5;

/** A token for every four bytes in UTF-8, and four for each message. */
export function estimatedTokens(messages: readonly ModelMessage[]): number {
  const bytes = (message: ModelMessage) =>
    Buffer.byteLength('text' in message ? message.text : JSON.stringify(message));
  return messages.reduce((all, message) => all + TOKENS_PER_MESSAGE + Math.ceil(bytes(message) / BYTES_PER_TOKEN), 0);
}

export class Memory {
  readonly #options: MemoryOptions;
  /** A message, and what was done for it with tools. */
  readonly #expand: (messages: readonly Message[]) => readonly ModelMessage[];
  #snapshot: MemorySnapshot | undefined;

  constructor(options: MemoryOptions, expand: Memory['given'] = (messages) => messages) {
    this.#options = options;
    this.#expand = expand;
  }

  get snapshot(): MemorySnapshot | undefined {
    return this.#snapshot;
  }

  restore(snapshot: MemorySnapshot | undefined): void {
    this.#snapshot = snapshot;
  }

  /** Of the beginning; undefined: it is not long yet. */
  get summary(): string | undefined {
    return this.#snapshot?.summary;
  }

  /** What the model is told as it was said. @param history all that is known of it, the oldest first */
  given(history: readonly Message[]): readonly ModelMessage[] {
    const rest = this.#rest(history);
    return this.#expand(rest.slice(this.#firstWithin(rest, this.#options.aboveTokens * MOST)));
  }

  due(history: readonly Message[]): DueSummary | undefined {
    const { aboveTokens, keepTokens } = this.#options;
    const rest = this.#rest(history);
    const tokens = estimatedTokens(this.#expand(rest));
    if (tokens <= aboveTokens) return undefined;
    const first = this.#firstWithin(rest, keepTokens);
    const index = rest.findIndex((message, at) => at >= Math.max(1, first) && turnIdOf(message) !== undefined);
    const fromTurnId = index < 0 ? undefined : turnIdOf(rest[index]!);
    return fromTurnId === undefined ? undefined : { messages: rest.slice(0, index), fromTurnId, tokens };
  }

  summarised({ fromTurnId }: DueSummary, summary: string): void {
    this.#snapshot = { summary, fromTurnId };
  }

  #rest(history: readonly Message[]): readonly Message[] {
    const from = this.#snapshot?.fromTurnId;
    // What is not found is older than all that is left.
    const index = from === undefined ? 0 : history.findIndex((message) => turnIdOf(message) === from);
    return history.slice(Math.max(0, index));
  }

  /** From where on the messages have no more tokens than this; the last one is always among them. */
  #firstWithin(messages: readonly Message[], tokens: number): number {
    let left = tokens;
    let first = messages.length;
    while (first > 0) {
      left -= estimatedTokens(this.#expand([messages[first - 1]!]));
      if (left < 0 && first < messages.length) break;
      first--;
    }
    return first;
  }
}

function turnIdOf(message: Message): string | undefined {
  return message.role === 'user' ? message.turnId : undefined;
}
