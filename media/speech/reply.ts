/** Generates one reply: asks the responder, has its text spoken clause by clause, and fills the speech to be played. */
import { setImmediate } from 'node:timers/promises';
import { journaledReply } from '../journal/call-journal.ts';
import { ClauseSplitter } from './clauses.ts';
import { after as realAfter, type After } from '../runtime/clock.ts';
import type { Journal } from '../journal/journal.ts';
import type { PlayoutRateHz } from '../audio/opus.ts';
import type { Message, ReplyPart, Responder, Speculative, TextToSpeech, TurnInput } from '../providers/provider.ts';
import type { SpeechAudio } from './speech-audio.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

export type ReplyOptions = {
  responder: Responder;
  textToSpeech: TextToSpeech;
  voice: string;
  rateHz: PlayoutRateHz;
  journal?: Journal | undefined;
  /** A reply of which nothing more comes for so long is given up. Default 10,000 ms. */
  timeoutMs?: number;
  /** A tool runs, which has a deadline of its own. */
  isWorking?: () => boolean;
  /** Default: the machine's time. */
  after?: After | undefined;
  /** What the voice is given to say for a text. Default: the text. */
  pronounce?: (text: string) => string;
  /** Told when the first text and the first audio of an answer are there. */
  onStep?: (step: 'firstTokenMs' | 'firstAudioMs', speculative?: Speculative) => void;
};

/** Silence for good is worse than an apology. */
const TIMEOUT_MS = 10_000;
/** How often that is looked at meanwhile. */
const LOOKS = 5;

export class ReplyOverdueError extends Error {
  override readonly name = 'ReplyOverdueError';
  readonly code = 'reply_overdue';

  constructor(timeoutMs: number) {
    super(`nothing of the reply came for ${timeoutMs} ms`);
  }
}

type PartSource = Iterable<ReplyPart> | AsyncIterable<ReplyPart>;
type Parts = AsyncIterator<ReplyPart>;

export class ReplyGenerator {
  readonly #options: ReplyOptions;

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  /**
   * Answers a turn into `speech`. Rejects when the responder or the voice fails, or when aborted. Of what is speculative
   * only the first clause is spoken before it is confirmed.
   * @param first said before the answer, which may take its time
   */
  async answer(
    turn: TurnInput,
    history: readonly Message[],
    speech: SpeechAudio,
    signal: AbortSignal,
    first = '',
  ): Promise<void> {
    const { responder, journal } = this.#options;
    await this.#fill(
      (own) => {
        const told = responder.respond(turn, history, own);
        const answer = this.#timed(journal ? journaledReply(journal, turn, told) : told, turn.speculative);
        return first ? withFirst(first, answer) : answer;
      },
      speech,
      signal,
      turn.speculative,
    );
  }

  /** Speaks a text into `speech`. Rejects when the voice fails, or when aborted. */
  async say(text: string, speech: SpeechAudio, signal: AbortSignal): Promise<void> {
    await this.#fill(() => [{ type: 'text', text }], speech, signal);
  }

  /** Speaks clauses that were clauses before: exactly as then. Rejects as `say` does. */
  async recite(clauses: readonly string[], speech: SpeechAudio, signal: AbortSignal): Promise<void> {
    await this.#inTime((own) => this.#speakClauses(iterate(clauses), speech, own), speech, signal);
  }

  async #fill(
    respond: (signal: AbortSignal) => PartSource,
    speech: SpeechAudio,
    signal: AbortSignal,
    speculative?: Speculative,
  ): Promise<void> {
    const run = (own: AbortSignal) => {
      const parts = iterate(respond(own));
      // Not waited for: where the voice has failed, the responder may still be thinking.
      const giveUp = () => void parts.return(undefined).catch(() => undefined);
      own.addEventListener('abort', giveUp, { once: true });
      return this.#run(parts, speech, own, speculative);
    };
    await this.#inTime(run, speech, signal);
  }

  /** Gives up what cannot be heard in time, and ends the speech with its work. */
  async #inTime(run: (own: AbortSignal) => Promise<void>, speech: SpeechAudio, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const own = AbortSignal.any([signal, over.signal]);
    const overdue = Promise.withResolvers<never>();
    const callOff = this.#expect(speech, (timeoutMs) => overdue.reject(new ReplyOverdueError(timeoutMs)));
    try {
      await Promise.race([run(own), overdue.promise]);
    } finally {
      callOff();
      over.abort();
    }
    signal.throwIfAborted();
    speech.end();
  }

  /** Whoever answers may hang without an error, before the first word or after any. @returns ends it */
  #expect(speech: SpeechAudio, onOverdue: (timeoutMs: number) => void): () => void {
    const { timeoutMs = TIMEOUT_MS, after = realAfter, isWorking } = this.#options;
    const stepMs = timeoutMs / LOOKS;
    let [length, looks] = [0, 0];
    let callOff = after(stepMs, function look() {
      const goesOn = speech.contentLength > length || isWorking?.();
      length = speech.contentLength;
      looks = goesOn ? 0 : looks + 1;
      if (looks >= LOOKS) return onOverdue(timeoutMs);
      callOff = after(stepMs, look);
    });
    return () => callOff();
  }

  async #run(
    parts: Parts,
    speech: SpeechAudio,
    signal: AbortSignal,
    speculative: Speculative | undefined,
  ): Promise<void> {
    let next = await parts.next();
    while (!next.done && !signal.aborted) {
      if (next.value.type === 'audio') {
        await this.#playBack(next.value, speech, signal);
        next = await parts.next();
      } else next = await this.#speak(next.value.text, parts, speech, signal, speculative);
    }
  }

  async #playBack(part: Extract<ReplyPart, { type: 'audio' }>, speech: SpeechAudio, signal: AbortSignal) {
    const { rateHz, onStep } = this.#options;
    let text = part.text;
    for (const samples of part.audio.pcm(rateHz)) {
      onStep?.('firstAudioMs');
      speech.append({ pcm: { samples, sampleRateHz: rateHz }, text });
      text = '';
      // A second of audio takes a millisecond to decode; other calls' packets are waiting.
      await setImmediate();
      if (signal.aborted) return;
    }
  }

  /** Speaks a run of text parts in one go, so that a streaming voice has its context. @returns the part after it. */
  async #speak(
    first: string,
    parts: Parts,
    speech: SpeechAudio,
    signal: AbortSignal,
    speculative: Speculative | undefined,
  ): Promise<IteratorResult<ReplyPart>> {
    let after: IteratorResult<ReplyPart> = { done: true, value: undefined };
    async function* clauses() {
      const splitter = new ClauseSplitter();
      yield* splitter.push(first);
      for (after = await parts.next(); !after.done && after.value.type === 'text'; after = await parts.next()) {
        yield* splitter.push(after.value.text);
      }
      yield* splitter.flush();
    }
    const given = speculative ? oneUntilConfirmed(clauses(), speculative, signal) : clauses();
    await this.#speakClauses(given, speech, signal, speculative);
    return after;
  }

  async #speakClauses(
    clauses: AsyncIterable<string>,
    speech: SpeechAudio,
    signal: AbortSignal,
    speculative?: Speculative,
  ): Promise<void> {
    const { textToSpeech, voice, pronounce, onStep } = this.#options;
    const script = new Script(clauses, pronounce ?? ((text) => text));
    for await (const audio of textToSpeech.speak(script.spoken(), voice, signal, speculative)) {
      if (signal.aborted) break;
      onStep?.('firstAudioMs', speculative);
      speech.append(audio.text ? { ...audio, text: script.written(audio.text) } : audio);
    }
  }

  async *#timed(parts: AsyncIterable<ReplyPart>, speculative: Speculative | undefined): AsyncGenerator<ReplyPart> {
    const { responder, onStep } = this.#options;
    for await (const part of parts) {
      if (responder.writes) onStep?.('firstTokenMs', speculative);
      yield part;
    }
  }
}

/** Clauses as they were written and as they are said, so that the transcript has the former. */
class Script {
  readonly #clauses: AsyncIterable<string>;
  readonly #pronounce: (text: string) => string;
  readonly #pending: { written: string; spoken: string }[] = [];

  constructor(clauses: AsyncIterable<string>, pronounce: (text: string) => string) {
    this.#clauses = clauses;
    this.#pronounce = pronounce;
  }

  async *spoken(): AsyncGenerator<string> {
    for await (const written of this.#clauses) {
      const spoken = this.#pronounce(written);
      if (!spoken) continue;
      this.#pending.push({ written, spoken });
      yield spoken;
    }
  }

  /** Voices leave out what has nothing to pronounce. */
  written(spoken: string): string {
    const index = this.#pending.findIndex((clause) => clause.spoken === spoken);
    return index < 0 ? spoken : this.#pending.splice(0, index + 1).at(-1)!.written;
  }
}

/** Whoever may turn out not to be wanted has no more spoken than what is heard first. */
async function* oneUntilConfirmed(
  clauses: AsyncIterable<string>,
  speculative: Speculative,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let first = true;
  for await (const clause of clauses) {
    // Discarded: nobody reads on.
    if (!first && !speculative.confirmed) await unlessAborted(speculative.whenConfirmed, signal).catch(() => undefined);
    if (signal.aborted) return;
    first = false;
    yield clause;
  }
}

/** The end of the line ends the clause. */
async function* withFirst(first: string, answer: AsyncIterable<ReplyPart>): AsyncGenerator<ReplyPart> {
  yield { type: 'text', text: `${first}\n` };
  yield* answer;
}

async function* iterate<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item, undefined> {
  yield* items;
  return undefined;
}
