/** Words that came late, into a reply that nothing stops: kept until it is over, or until the caller says more. Pure. */
export class LateWords {
  #text = '';

  get any(): boolean {
    return this.#text !== '';
  }

  add(text: string): void {
    this.#text = joined(this.#text, text);
  }

  /** All of them and, after them, more; they are kept no longer. */
  take(more = ''): string {
    const text = joined(this.#text, more);
    this.#text = '';
    return text;
  }
}

export function joined(before: string, after: string): string {
  return [before, after].filter(Boolean).join(' ');
}
