/** A voice that goes on with the next one where it dies, from the words that have not been spoken. */
import type { SpokenAudio, Speculative, TextToSpeech } from './provider.ts';
import { type Candidate, Stage, type StageOptions, type Try } from './stage.ts';
import { SpokenTracker, type Unspoken } from './unspoken.ts';

/** A voice of one provider. All of a list must bring audio of the same rate. */
export type SpeechCandidate = Candidate<TextToSpeech> & {
  /** The voice to speak with in place of the one asked for: names are each vendor's own. */
  voice?: string;
};

export type FailoverTextToSpeechOptions = Omit<StageOptions<TextToSpeech>, 'stage' | 'candidates'> & {
  candidates: readonly SpeechCandidate[];
};

export class FailoverTextToSpeech implements TextToSpeech {
  readonly name: string;
  readonly #stage: Stage<TextToSpeech>;
  readonly #candidates: readonly SpeechCandidate[];

  constructor(options: FailoverTextToSpeechOptions) {
    this.#candidates = options.candidates;
    this.#stage = new Stage({ ...options, stage: 'text-to-speech' });
    this.name = this.#stage.name;
  }

  /**
   * As of one provider. A clause that another voice has to finish keeps its one text, on its first piece.
   * @throws StageExhaustedError, and whatever `clauses` throws
   * @throws NotSparedError where it is speculative
   */
  async *speak(
    clauses: AsyncIterable<string>,
    voice: string,
    signal: AbortSignal,
    speculative?: Speculative,
  ): AsyncGenerator<SpokenAudio> {
    const script = new Script(clauses);
    try {
      let rest: Unspoken = { clause: 0, text: '', begun: false, estimated: false };
      for await (const tried of this.#stage.tries(signal, speculative)) {
        const tracker = new SpokenTracker();
        const own = this.#candidates[tried.index]!.voice ?? voice;
        const outcome = yield* run(tried, { script, from: rest, voice: own, signal, tracker });
        if (outcome === 'over') return;
        const unspoken = tracker.unspoken();
        // Clauses count from the one that this voice began with; where it said nothing, nothing has changed.
        const moved = unspoken.begun || unspoken.clause > 0;
        if (moved) rest = { ...unspoken, clause: rest.clause + unspoken.clause };
        if (script.endsBefore(rest.clause)) return;
      }
    } finally {
      script.close();
    }
  }
}

type Attempt = { script: Script; from: Unspoken; voice: string; signal: AbortSignal; tracker: SpokenTracker };

async function* run(
  tried: Try<TextToSpeech>,
  { script, from, voice, signal, tracker }: Attempt,
): AsyncGenerator<SpokenAudio, 'failed' | 'over'> {
  const { provider } = tried;
  let ms = 0;
  try {
    const clauses = script.read(from, (clause) => tracker.handed(clause));
    let continuing = from.begun;
    for await (const audio of provider.speak(clauses, voice, signal)) {
      tried.firstResult();
      tracker.spoken(audio);
      ms += (1000 * audio.pcm.samples.length) / audio.pcm.sampleRateHz;
      // The clause's text went out with the voice that began it.
      yield continuing && audio.text !== '' ? { ...audio, text: '' } : audio;
      if (audio.text !== '') continuing = false;
    }
    if (signal.aborted) return 'over';
    tried.succeeded();
    return 'over';
  } catch (error) {
    if (script.failure === undefined) {
      tried.failed(error, `${Math.round(ms)} ms of audio`);
      return 'failed';
    }
    // Whoever writes the text failed, not the voice.
    throw script.failure.error;
  } finally {
    // Does nothing where it succeeded or failed.
    tried.left();
  }
}

/** The clauses of a reply, read from their source once and kept, so that another voice can take them up again. */
class Script {
  readonly #source: AsyncIterator<string>;
  readonly #clauses: string[] = [];
  #pending: Promise<IteratorResult<string>> | undefined;
  #ended = false;
  failure: { error: unknown } | undefined;

  constructor(clauses: AsyncIterable<string>) {
    this.#source = clauses[Symbol.asyncIterator]();
  }

  /** The clauses from the unspoken words on. */
  async *read(from: Unspoken, onClause: (clause: string) => void): AsyncGenerator<string> {
    for (let index = from.clause; ; index++) {
      const clause = await this.#clause(index);
      if (clause === undefined) return;
      const text = index === from.clause && from.begun ? from.text : clause;
      onClause(text);
      yield text;
    }
  }

  endsBefore(index: number): boolean {
    return this.#ended && index >= this.#clauses.length;
  }

  /** Also where the source is still being waited for. */
  close(): void {
    this.#source.return?.().catch(() => undefined);
  }

  async #clause(index: number): Promise<string | undefined> {
    while (index >= this.#clauses.length && !this.#ended) {
      // A voice that died may still be waiting for the same clause.
      this.#pending ??= this.#source.next();
      const pending = this.#pending;
      try {
        const next = await pending;
        if (this.#pending !== pending) continue;
        this.#pending = undefined;
        if (next.done) this.#ended = true;
        else this.#clauses.push(next.value);
      } catch (error) {
        this.failure ??= { error };
        throw error;
      }
    }
    return this.#clauses[index];
  }
}
