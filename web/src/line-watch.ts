import type { ParleyClient } from '../../client-sdk/src/index.ts';
import { LineQuality } from './line-quality.ts';

/** Soon enough to explain a voice that breaks up, and cheap. */
const lookMs = 2000;

/** Looks at the line of the call that goes on. */
export class LineWatch {
  readonly #client: () => ParleyClient | undefined;
  readonly #onChange: (poor: boolean) => void;
  readonly #quality = new LineQuality();
  #watched: ParleyClient | undefined;

  constructor(client: () => ParleyClient | undefined, onChange: (poor: boolean) => void) {
    this.#client = client;
    this.#onChange = onChange;
  }

  start(): void {
    setInterval(() => void this.#look(), lookMs);
  }

  async #look(): Promise<void> {
    const client = this.#client();
    if (client !== this.#watched) this.#quality.reset();
    this.#watched = client;
    // While the call is being mended its figures say nothing new.
    if (client?.state !== 'connected') return;
    const figures = await client.statistics().catch(() => undefined);
    if (!figures || client !== this.#client()) return;
    const was = this.#quality.poor;
    if (this.#quality.look(figures, performance.now()) !== was) this.#onChange(!was);
  }
}
