/** Generates one reply: asks the responder, has its text spoken clause by clause, and fills the speech to be played. */
import { setImmediate } from 'node:timers/promises';
import { ClauseSplitter } from './clauses.ts';
import type { PlayoutRateHz } from './opus.ts';
import type { Message, ReplyPart, Responder, TextToSpeech, TurnInput } from './providers/provider.ts';
import type { SpeechAudio } from './speech-audio.ts';

export type ReplyOptions = {
  responder: Responder;
  textToSpeech: TextToSpeech;
  voice: string;
  rateHz: PlayoutRateHz;
};

type Parts = AsyncIterator<ReplyPart>;

export class ReplyGenerator {
  readonly #options: ReplyOptions;

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  /** Answers a turn into `speech`. Rejects when the responder or the voice fails, or when aborted. */
  async answer(turn: TurnInput, history: readonly Message[], speech: SpeechAudio, signal: AbortSignal): Promise<void> {
    await this.#fill(this.#options.responder.respond(turn, history, signal), speech, signal);
  }

  /** Speaks a text into `speech`. Rejects when the voice fails, or when aborted. */
  async say(text: string, speech: SpeechAudio, signal: AbortSignal): Promise<void> {
    await this.#fill([{ type: 'text', text }], speech, signal);
  }

  async #fill(parts: Iterable<ReplyPart> | AsyncIterable<ReplyPart>, speech: SpeechAudio, signal: AbortSignal) {
    const iterator = iterate(parts);
    try {
      let next = await iterator.next();
      while (!next.done && !signal.aborted) {
        if (next.value.type === 'audio') {
          await this.#playBack(next.value, speech, signal);
          next = await iterator.next();
        } else next = await this.#speak(next.value.text, iterator, speech, signal);
      }
    } finally {
      await iterator.return?.(undefined);
    }
    signal.throwIfAborted();
    speech.end();
  }

  async #playBack(part: Extract<ReplyPart, { type: 'audio' }>, speech: SpeechAudio, signal: AbortSignal) {
    const { rateHz } = this.#options;
    let text = part.text;
    for (const samples of part.audio.pcm(rateHz)) {
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
    const { textToSpeech, voice } = this.#options;
    for await (const audio of textToSpeech.speak(clauses(), voice, signal)) {
      if (signal.aborted) break;
      speech.append(audio);
    }
    return after;
  }
}

async function* iterate(parts: Iterable<ReplyPart> | AsyncIterable<ReplyPart>): AsyncGenerator<ReplyPart, undefined> {
  yield* parts;
  return undefined;
}
