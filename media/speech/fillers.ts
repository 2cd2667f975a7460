/** Short sentences spoken ahead, in each voice once for all calls of a worker, for when no voice answers. */
import type { SpokenAudio, TextToSpeech } from '../providers/provider.ts';

/** Voices that are kept. */
const MAX_VOICES = 50;

export class Fillers {
  readonly #spoken = new Map<string, (SpokenAudio[] | undefined)[]>();

  /** Has texts spoken, where that was not done yet. @param key tells one voice, and its texts, from another */
  prepare(key: string, texts: readonly string[], textToSpeech: TextToSpeech, voice: string, signal: AbortSignal): void {
    if (this.#spoken.has(key)) return;
    const [oldest] = this.#spoken.keys();
    if (this.#spoken.size >= MAX_VOICES && oldest !== undefined) this.#spoken.delete(oldest);
    const spoken: (SpokenAudio[] | undefined)[] = texts.map(() => undefined);
    this.#spoken.set(key, spoken);
    void this.#speak(spoken, texts, textToSpeech, voice, signal).catch(() => this.#spoken.delete(key));
  }

  /** Undefined: it could not be spoken, or is not yet. */
  get(key: string, index: number): readonly SpokenAudio[] | undefined {
    return this.#spoken.get(key)?.[index];
  }

  async #speak(
    spoken: (SpokenAudio[] | undefined)[],
    texts: readonly string[],
    textToSpeech: TextToSpeech,
    voice: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (const [index, text] of texts.entries()) {
      const audio: SpokenAudio[] = [];
      for await (const piece of textToSpeech.speak(only(text), voice, signal)) audio.push(piece);
      if (!signal.aborted && audio.length > 0) spoken[index] = audio;
    }
    if (signal.aborted) throw signal.reason;
  }
}

async function* only(text: string): AsyncGenerator<string> {
  yield text;
}
