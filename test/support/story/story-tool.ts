/** A service that an agent's tools ask, in a story: answers what it was given to answer, as late as it was told to. */
import { sleeper, type After } from '../../../media/runtime/clock.ts';
import { ToolError } from '../../../media/tools/tool-error.ts';
import type { HttpTools } from '../../../media/tools/http-tools.ts';

export class StoryTool implements Pick<HttpTools, 'run'> {
  readonly #sleep: ReturnType<typeof sleeper>;
  #takesMs = 100;
  #answer: unknown = { done: true };
  #fails = false;
  /** Names of the tools that were asked, with whether somebody waited to the end. */
  readonly asked: { name: string; ended: boolean }[] = [];

  constructor(after: After) {
    this.#sleep = sleeper(after);
  }

  takes(ms: number): this {
    this.#takesMs = ms;
    return this;
  }

  answers(answer: unknown): this {
    this.#answer = answer;
    return this;
  }

  fails(): this {
    this.#fails = true;
    return this;
  }

  readonly run: HttpTools['run'] = async (tool, _values, _key, signal) => {
    const asked = { name: tool.name, ended: false };
    this.asked.push(asked);
    await this.#sleep(this.#takesMs, signal);
    asked.ended = true;
    if (this.#fails) throw new ToolError('failed', 'the story says so');
    return this.#answer;
  };
}

/** The declaration of one, for a story's agent. */
export const toolNamed = (name: string, more: object = {}) => ({
  type: 'http',
  name,
  description: `Does ${name}.`,
  url: 'https://tools.example/',
  ...more,
});
