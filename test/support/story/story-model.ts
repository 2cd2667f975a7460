/** A language model in a story: says what it was given to say, at its own pace, and stalls or fails on demand. */
import { sleeper, type After } from '../../../media/runtime/clock.ts';
import { ProviderError } from '../../../media/providers/errors.ts';
import type { LanguageModel, LanguageModelPart, LanguageModelRequest } from '../../../media/providers/provider.ts';
import { DEFAULT_TIMEOUTS } from '../../../media/providers/deadline.ts';

const FIRST_TOKEN_MS = 200;
const TOKEN_MS = 15;
const FOR_EVER_MS = 3_600_000;

type Step = { afterMs: number } & ({ part: LanguageModelPart } | { fails: ProviderError['code'] });

export class StoryModel implements LanguageModel {
  readonly name: string;
  readonly requests: LanguageModelRequest[] = [];
  readonly #sleep: ReturnType<typeof sleeper>;
  readonly #scripts: Step[][] = [];
  /** It was asked when it had nothing to say: the story is not what its teller thinks. */
  speechless = false;

  constructor(name: string, after: After) {
    this.name = name;
    this.#sleep = sleeper(after);
  }

  /** Answers for which nobody has asked. */
  get unused(): number {
    return this.#scripts.length;
  }

  /** What it was told of the conversation when it was asked last, without who it is. */
  get told(): string[] {
    const messages = this.requests.at(-1)?.messages ?? [];
    return messages
      .filter(({ role }) => role !== 'system')
      .map((message) => ('text' in message ? `${message.role}: ${message.text}` : message.role));
  }

  /** Its next answer, a word at a time. */
  answers(text: string, { firstTokenMs = FIRST_TOKEN_MS, tokenMs = TOKEN_MS } = {}): this {
    return this.#add([...textSteps(text, firstTokenMs, tokenMs)]);
  }

  /** Says so much and then nothing more, until it counts as stalled. Without a text: nothing at all. */
  stallsAfter(text = ''): this {
    const { stallMs, firstResultMs } = DEFAULT_TIMEOUTS;
    const missed: Step = text
      ? { afterMs: stallMs, fails: 'stalled' }
      : { afterMs: firstResultMs, fails: 'first_result_timed_out' };
    return this.#add([...textSteps(text, FIRST_TOKEN_MS, TOKEN_MS), missed]);
  }

  /** Never says a word, and never fails, as no provider should. */
  hangs(): this {
    return this.#add([{ afterMs: FOR_EVER_MS, fails: 'stalled' }]);
  }

  /** Refuses. @param text what it had said by then */
  fails(text = '', afterMs = 100): this {
    return this.#add([...textSteps(text, FIRST_TOKEN_MS, TOKEN_MS), { afterMs, fails: 'vendor_failed' }]);
  }

  /** Asks for a tool, after having said something or nothing. */
  calls(name: string, args: object = {}, text = ''): this {
    const call = {
      type: 'tool-call',
      id: `call_${this.requests.length + this.#scripts.length}`,
      name,
      arguments: args,
    };
    const part = call as LanguageModelPart;
    return this.#add([...textSteps(text, FIRST_TOKEN_MS, TOKEN_MS), { afterMs: FIRST_TOKEN_MS, part }]);
  }

  async *generate(request: LanguageModelRequest, signal: AbortSignal): AsyncIterable<LanguageModelPart> {
    const { speculative: _, ...asked } = request;
    this.requests.push(structuredClone(asked));
    const script = this.#scripts.shift();
    this.speechless ||= !script;
    if (!script) throw new Error(`${this.name} was asked, and the story has no answer`);
    let called = false;
    for (const step of script) {
      if (!(await this.#waits(step.afterMs, signal))) return;
      if ('fails' in step) throw new ProviderError(step.fails, 'the story says so', { provider: this.name });
      called ||= step.part.type === 'tool-call';
      yield step.part;
    }
    yield { type: 'usage', inputTokens: 10, outputTokens: 10 };
    yield { type: 'finish', reason: called ? 'tool-calls' : 'stop' };
  }

  #add(script: Step[]): this {
    this.#scripts.push(script);
    return this;
  }

  async #waits(ms: number, signal: AbortSignal): Promise<boolean> {
    await this.#sleep(ms, signal).catch(() => undefined);
    return !signal.aborted;
  }
}

function* textSteps(text: string, firstTokenMs: number, tokenMs: number): Generator<Step> {
  let afterMs = firstTokenMs;
  for (const token of text.match(/\s*\S+/g) ?? []) {
    yield { afterMs, part: { type: 'text', text: token } };
    afterMs = tokenMs;
  }
}
