/** A language model that goes on with the next provider where one fails, also in the middle of a reply. */
import type { LanguageModel, LanguageModelPart, LanguageModelRequest } from './provider.ts';
import { Stage, type StageOptions, type Try } from './stage.ts';

/** What the next model is told of a reply that broke off. In the user's name: not all vendors take system text here. */
const GO_ON = '(Your last message was cut off. Go on with the very next word; repeat nothing and do not mention this.)';

export class FailoverLanguageModel implements LanguageModel {
  readonly name: string;
  readonly #stage: Stage<LanguageModel>;

  constructor(options: Omit<StageOptions<LanguageModel>, 'stage'>) {
    this.#stage = new Stage({ ...options, stage: 'language-model' });
    this.name = this.#stage.name;
  }

  /**
   * As of one provider, but that calls of tools come with the end: until then another provider may have to answer anew.
   * @throws StageExhaustedError
   * @throws NotSparedError where the request is speculative
   */
  async *generate(request: LanguageModelRequest, signal: AbortSignal): AsyncGenerator<LanguageModelPart> {
    let said = '';
    for await (const tried of this.#stage.tries(signal, request.speculative)) {
      const parts = run(tried, continued(request, said), signal);
      for (let next = await parts.next(); ; next = await parts.next()) {
        if (next.done) {
          if (next.value === 'failed') break;
          return;
        }
        if (next.value.type === 'text') said += next.value.text;
        yield next.value;
      }
    }
  }
}

/** One provider's attempt. Returns whether it has failed; the reader's leaving is no failure. */
async function* run(
  tried: Try<LanguageModel>,
  request: LanguageModelRequest,
  signal: AbortSignal,
): AsyncGenerator<LanguageModelPart, 'failed' | 'over'> {
  const held: LanguageModelPart[] = [];
  let characters = 0;
  try {
    for await (const part of tried.provider.generate(request, signal)) {
      tried.firstResult();
      if (part.type === 'text') {
        characters += part.text.length;
        yield part;
      } else held.push(part);
    }
    if (signal.aborted) return 'over';
    tried.succeeded();
    yield* held;
    return 'over';
  } catch (error) {
    tried.failed(error, `${characters} characters`);
    return 'failed';
  } finally {
    // Does nothing where it succeeded or failed.
    tried.left();
  }
}

function continued(request: LanguageModelRequest, said: string): LanguageModelRequest {
  if (!said) return request;
  const brokenOff = { role: 'agent', text: said } as const;
  return { ...request, messages: [...request.messages, brokenOff, { role: 'user', text: GO_ON }] };
}
