import { wordsOfDecision } from './decision-words.ts';
import { duration } from './durations.ts';
import { elements } from './elements.ts';
import { drawWaterfall } from './waterfall-picture.ts';
import { originOf } from './waterfall-scale.ts';
import { stepsOf } from './waterfall-model.ts';
import type { TurnPicture, WaterfallModel } from './waterfall-model.ts';
import { headlineOf, pictureInWords, stepWords, tookWords } from './waterfall-words.ts';

/** A voice that goes on is drawn anew so often. */
const liveStepMs = 500;

/** Shows one turn at a time: the latest, or the one that was chosen. */
export class WaterfallView {
  readonly #model: WaterfallModel;
  readonly #nowMs: () => number;
  /** Chosen with the buttons; without one it follows the call. */
  #chosen: string | undefined;
  #shown = '';

  /** @param nowMs of the session */
  constructor(model: WaterfallModel, nowMs: () => number) {
    this.#model = model;
    this.#nowMs = nowMs;
    elements.turnBefore.addEventListener('click', () => this.#step(-1));
    elements.turnAfter.addEventListener('click', () => this.#step(1));
    setInterval(() => this.render(), liveStepMs);
  }

  render(): void {
    const { turns } = this.#model;
    const index = this.#index(turns);
    const picture = turns[index];
    this.#name(index, turns.length);
    elements.turns.dataset['empty'] = String(!picture);
    if (!picture) {
      this.#shown = '';
      elements.waterfall.replaceChildren();
      elements.turnDecisions.replaceChildren();
      return;
    }
    const nowMs = this.#nowMs();
    const lasts = picture.agent !== undefined && picture.agent.endMs === undefined;
    const key = JSON.stringify([picture, lasts && Math.floor(nowMs / liveStepMs)]);
    if (key === this.#shown) return;
    this.#shown = key;
    const { figure, words } = headlineOf(picture);
    setText(elements.turnFigure, figure);
    setText(elements.turnWords, words);
    elements.waterfall.setAttribute('aria-label', pictureInWords(picture));
    elements.waterfall.replaceChildren(...drawWaterfall(picture, nowMs));
    this.#decisions(picture);
    this.#table(picture);
  }

  #step(by: -1 | 1): void {
    const { turns } = this.#model;
    const index = Math.min(turns.length - 1, Math.max(0, this.#index(turns) + by));
    this.#chosen = index === turns.length - 1 ? undefined : turns[index]?.turnId;
    this.render();
  }

  #index(turns: readonly TurnPicture[]): number {
    const chosen = turns.findIndex(({ turnId }) => turnId === this.#chosen);
    return chosen === -1 ? turns.length - 1 : chosen;
  }

  #name(index: number, count: number): void {
    setText(elements.turnName, count === 0 ? '' : `${index + 1} of ${count}`);
    // Said to be disabled and not disabled: it would lose the focus of whoever has just pressed it.
    elements.turnBefore.setAttribute('aria-disabled', String(index <= 0));
    elements.turnAfter.setAttribute('aria-disabled', String(index >= count - 1));
  }

  /** An item is made once and changed in place, so that nobody who reads it loses their place. */
  #decisions(picture: TurnPicture): void {
    const originMs = originOf(picture);
    const list = elements.turnDecisions;
    while (list.children.length > picture.decisions.length) list.lastElementChild?.remove();
    picture.decisions.forEach((decision, index) => {
      const item = list.children[index] ?? list.appendChild(newItem());
      const { what, why } = wordsOfDecision(decision);
      const atMs = decision.atMs - originMs;
      const texts = [atMs < 0 ? `−${duration(-atMs)}` : `+${duration(atMs)}`, what, why];
      texts.forEach((text, part) => setText(item.children[part]!, text));
    });
  }

  #table(picture: TurnPicture): void {
    const rows = stepsOf(picture).map(({ name, fromMs, toMs }) => {
      const row = document.createElement('tr');
      const head = document.createElement('th');
      head.scope = 'row';
      head.append(stepWords[name].name);
      const what = document.createElement('span');
      what.className = 'what';
      what.append(stepWords[name].what);
      head.append(what);
      row.append(head, ...[tookWords({ name, fromMs, toMs }), `+${duration(toMs)}`].map(cell));
      return row;
    });
    elements.turnTable.replaceChildren(...rows);
    elements.turnDetails.hidden = rows.length === 0;
  }
}

function newItem(): HTMLLIElement {
  const item = document.createElement('li');
  for (const part of ['when', 'what', 'why']) {
    const element = document.createElement('span');
    element.className = part;
    item.append(element);
  }
  return item;
}

function cell(text: string): HTMLTableCellElement {
  const element = document.createElement('td');
  element.textContent = text;
  return element;
}

function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
