/** A language model that says what a test wrote down, one script for each time that it is asked. */
import type { LanguageModel, LanguageModelPart, LanguageModelRequest } from '../../media/providers/provider.ts';

export class ScriptedModel implements LanguageModel {
  readonly name = 'test/scripted';
  readonly requests: LanguageModelRequest[] = [];
  readonly #scripts: (readonly LanguageModelPart[])[];

  constructor(...scripts: (readonly LanguageModelPart[])[]) {
    this.#scripts = scripts;
  }

  async *generate(request: LanguageModelRequest, signal: AbortSignal): AsyncIterable<LanguageModelPart> {
    this.requests.push(structuredClone(request));
    const script = this.#scripts[this.requests.length - 1] ?? this.#scripts.at(-1) ?? [];
    for (const part of script) {
      await Promise.resolve();
      if (signal.aborted) return;
      yield part;
    }
    yield { type: 'usage', inputTokens: 10, outputTokens: 1 };
    yield { type: 'finish', reason: script.some(({ type }) => type.endsWith('tool-call')) ? 'tool-calls' : 'stop' };
  }
}

export const says = (text: string): LanguageModelPart => ({ type: 'text', text });
export const calls = (id: string, name: string, args: object = {}): LanguageModelPart => ({
  type: 'tool-call',
  id,
  name,
  arguments: args,
});
