import type { ConversationModel, Row } from './conversation-model.ts';
import { moment } from './durations.ts';
import { elements } from './elements.ts';

/** Shows the conversation as a list; a row is made once and changed in place, so that nothing jumps. */
export class ConversationView {
  readonly #model: ConversationModel;
  readonly #items = new Map<string, HTMLLIElement>();

  constructor(model: ConversationModel) {
    this.#model = model;
  }

  render(): void {
    const list = elements.transcript;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const rows = this.#model.rows;
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, item] of this.#items) {
      if (keys.has(key)) continue;
      item.remove();
      this.#items.delete(key);
    }
    rows.forEach((row, index) => {
      const item = this.#items.get(row.key) ?? this.#create(row);
      fill(item, row);
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    });
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  #create(row: Row): HTMLLIElement {
    const item = document.createElement('li');
    item.dataset['role'] = row.role;
    for (const part of ['when', 'who', 'what', 'measures']) {
      const element = document.createElement(part === 'what' || part === 'measures' ? 'p' : 'span');
      element.className = part;
      item.append(element);
    }
    this.#items.set(row.key, item);
    return item;
  }
}

function fill(item: HTMLLIElement, row: Row): void {
  const wordless = row.text === '';
  item.dataset['final'] = String(row.final);
  item.dataset['wordless'] = String(wordless);
  const texts = {
    when: moment(row.startMs),
    who: row.role === 'user' ? 'You' : 'Agent',
    measures: row.measures.join(' · '),
  };
  for (const [part, text] of Object.entries(texts)) {
    const element = item.querySelector(`.${part}`);
    if (element && element.textContent !== text) element.textContent = text;
  }
  fillWords(item.querySelector('.what'), wordless ? wordlessText(row) : row.text);
}

/** What stands in brackets was done and not said: `[plays back what it heard]`. */
function fillWords(element: Element | null, text: string): void {
  if (!element || element.textContent === text) return;
  const parts = text.split(/(\[[^\]]*\])/).filter((part) => part !== '');
  element.replaceChildren(
    ...parts.map((part) => {
      const span = document.createElement('span');
      span.textContent = part;
      if (part.startsWith('[')) span.className = 'aside';
      return span;
    }),
  );
}

/** Without speech recognition nobody knows the words, only that there were some. */
function wordlessText({ role }: Row): string {
  return role === 'user' ? 'Spoken' : 'Sound';
}
