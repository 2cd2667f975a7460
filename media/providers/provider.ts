/**
 * The ports to whatever hears, thinks and speaks. Types only: no vendor's name, type or package may appear here.
 * Every call takes an AbortSignal; after an abort no further result is delivered and nothing stays open.
 */

/** 16-bit signed mono samples. */
export type Pcm = { samples: Int16Array; sampleRateHz: number };

/** A word and where it lies in the audio it came with, in milliseconds from that audio's start. */
export type WordTime = { word: string; startMs: number; endMs: number };

/**
 * What a recogniser tells. Times are milliseconds from the start of its stream. A `partial` takes the place of the one
 * before it and holds all text since the last `final`; a `final` takes the place of the partial, and the finals of one
 * utterance are joined by spaces. `flushed` tells that all that was written before `flush()` has been heard. After an
 * `error` nothing follows.
 */
export type SpeechToTextEvent =
  | { type: 'partial'; text: string; startMs?: number; endMs?: number }
  | { type: 'final'; text: string; startMs?: number; endMs?: number }
  | { type: 'turn'; event: 'start' | 'eager-end' | 'resumed' | 'end'; confidence?: number }
  | { type: 'flushed' }
  | { type: 'error'; error: ProviderFault };

/** One open recognition. `write` never blocks; audio written after `close` is dropped. Iterate it once. */
export interface SpeechToTextStream extends AsyncIterable<SpeechToTextEvent> {
  write(pcm: Int16Array): void;
  /** Asks for what is still pending, without ending the stream; answered by finals and then `flushed`. */
  flush(): void;
  close(): void;
}

export interface SpeechToText {
  readonly name: string;
  /**
   * Hears an utterance only as a whole: write just the speech of it, then `flush`. Others take all of the call's audio,
   * silence too, and tell partials.
   */
  readonly perUtterance: boolean;
  /** Tells the end of turns itself (`turn`), by more than a pause. */
  readonly endsTurns?: boolean;
  /** 16 kHz mono in; one stream per call. `language` is a BCP 47 tag; without one the vendor's default holds. */
  open(options: { language?: string }, signal: AbortSignal): SpeechToTextStream;
}

export type Message =
  /** `turnId`: where it belongs to one. */
  | { role: 'system' | 'user'; text: string; turnId?: string }
  /** `text` is what the caller heard of it, not what was generated. `estimated`: it was cut off, and about there. */
  | { role: 'agent'; text: string; estimated?: true };

/** A tool that the model asks to have run. `arguments` is JSON; whether it fits the schema is for the tool to check. */
export type ToolCall = { id: string; name: string; arguments: unknown };

/** What a model is given: the conversation, the calls it made, and the results of these in the order of the calls. */
export type ModelMessage =
  | Message
  | { role: 'tool-calls'; calls: readonly ToolCall[] }
  | { role: 'tool-result'; callId: string; name: string; result: unknown; failed?: boolean };

/** `parameters` is a JSON schema of an object. */
export type ToolDeclaration = { name: string; description: string; parameters: Record<string, unknown> };

/**
 * Of a reply that was begun before its turn was over. Until that is certain it takes nothing that others wait for, and does
 * nothing that cannot be undone.
 */
export type Speculative = {
  /** The turn is over, and this is its answer. */
  readonly confirmed: boolean;
  /** Resolves then; never, where the reply is discarded. */
  readonly whenConfirmed: Promise<void>;
};

export type LanguageModelRequest = {
  messages: readonly ModelMessage[];
  tools?: readonly ToolDeclaration[];
  speculative?: Speculative;
};

export type LanguageModelPart =
  | { type: 'text'; text: string }
  | ({ type: 'tool-call' } & ToolCall)
  /** A call that cannot be run: no such tool, or arguments that are no JSON. Answer it with a failed result. */
  | { type: 'invalid-tool-call'; id: string; name: string; problem: string }
  | { type: 'usage'; inputTokens: number; outputTokens: number }
  /** Last of all. `length`: the text was cut off at the most tokens allowed. */
  | { type: 'finish'; reason: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other' };

export interface LanguageModel {
  readonly name: string;
  /** Throws a ProviderFault where it fails; ends, without an error, when `signal` aborts. */
  generate(request: LanguageModelRequest, signal: AbortSignal): AsyncIterable<LanguageModelPart>;
}

export interface TextToSpeech {
  readonly name: string;
  /** Speaks one clause after another as they come in. Yields each clause's audio, whole or in pieces, in order. */
  speak(
    clauses: AsyncIterable<string>,
    voice: string,
    signal: AbortSignal,
    speculative?: Speculative,
  ): AsyncIterable<SpokenAudio>;
}

/**
 * A piece of speech. `text` is the clause that begins with this piece ('' for the pieces after its first).
 * `words` may lie before the piece (negative times) where the vendor tells them after their audio, and a piece of no
 * samples may bring the last of them. Equal `cacheKey`s mean equal samples: such audio is encoded once.
 */
export type SpokenAudio = { pcm: Pcm; text: string; words?: readonly WordTime[]; cacheKey?: string };

/** The caller's speech of one turn, decoded when and as often as it is wanted. */
export interface TurnAudio {
  readonly durationMs: number;
  /** Mono samples at the rate asked for, in pieces of at most a second. */
  pcm(sampleRateHz: 16_000 | 24_000 | 48_000): Iterable<Int16Array>;
}

/** What a responder is given of the turn it answers. Durations in milliseconds. */
export type TurnInput = {
  turnId: string;
  /** What the caller said or typed, where known. */
  text?: string;
  /** The caller's speech with its pre-roll; absent for typed text. */
  audio?: TurnAudio;
  speechMs: number;
  /** From the caller's last speech frame to the decision that the turn is over. */
  endpointingMs: number;
  /** How many turns the caller has had before this one. */
  turnIndex: number;
  /** How the caller cut in to say this, if so: ms from the onset of speech to the agent's silence. */
  interruption?: { silentAfterMs: number; heard: string };
  /** The turn may go on. */
  speculative?: Speculative;
};

/** What is to be said or played, in order. Text is spoken by the agent's voice, clause by clause. */
export type ReplyPart = { type: 'text'; text: string } | { type: 'audio'; audio: TurnAudio; text: string };

/** Turns what the caller said into what the agent says: the embedded parrot, or a language model with its tools. */
export interface Responder {
  /** A language model writes what it says: there is a first token. */
  readonly writes?: boolean;
  respond(turn: TurnInput, history: readonly Message[], signal: AbortSignal): AsyncIterable<ReplyPart>;
}

/** Why a provider failed, and whether another try can help: decided once, where the failure is understood. */
export type ProviderFault = Error & { readonly code: string; readonly retryable: boolean };
