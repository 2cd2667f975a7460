import type { ParleyError } from '../../client-sdk/src/index.ts';
import { elements } from './elements.ts';

/** What the person can press to mend a problem. */
export type Remedy = { label: string; run: () => void };

/** Says what is wrong, in the place of the hint, with a button where one helps. */
export class ProblemView {
  #remedy: Remedy | undefined;

  constructor() {
    elements.problemAction.addEventListener('click', () => {
      const remedy = this.#remedy;
      this.clear();
      remedy?.run();
    });
  }

  show(error: ParleyError, remedy?: Remedy): void {
    this.#remedy = remedy;
    elements.problem.dataset['code'] = error.code;
    elements.problemText.textContent = error.message;
    elements.problemAction.textContent = remedy?.label ?? '';
    elements.problemAction.hidden = !remedy;
    elements.problem.hidden = false;
    elements.hint.hidden = true;
  }

  /** @param code only when it is this problem that is shown */
  clear(code?: string): void {
    if (code !== undefined && elements.problem.dataset['code'] !== code) return;
    this.#remedy = undefined;
    elements.problem.hidden = true;
    elements.hint.hidden = false;
    delete elements.problem.dataset['code'];
  }
}
