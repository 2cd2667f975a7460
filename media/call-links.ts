/** The plain paths between media workers and voice workers: opened when the first call needs one, shared by the rest. */
import type { Sfu } from './sfu.ts';
import { SfuLink } from './sfu-link.ts';
import type { VoiceWorkerPool } from './workers/voice-worker-pool.ts';

type Entry = { voiceIndex: number; mediaIndex: number; link: Promise<SfuLink> };

export class CallLinks {
  readonly #sfu: Sfu;
  readonly #pool: VoiceWorkerPool;
  #entries: Entry[] = [];
  #nextId = 1;

  constructor(sfu: Sfu, pool: VoiceWorkerPool) {
    this.#sfu = sfu;
    this.#pool = pool;
  }

  /** @throws {MediaError} when one of the two workers is being replaced */
  async get(voiceIndex: number, mediaIndex: number): Promise<SfuLink> {
    const known = this.#entries.find((entry) => entry.voiceIndex === voiceIndex && entry.mediaIndex === mediaIndex);
    if (known) return known.link;
    const link = SfuLink.open(this.#nextId++, this.#sfu.worker(mediaIndex), this.#pool.thread(voiceIndex));
    const entry = { voiceIndex, mediaIndex, link };
    this.#entries.push(entry);
    try {
      return await link;
    } catch (error) {
      this.#forget(entry);
      throw error;
    }
  }

  /** Gives a replaced voice worker the paths of its predecessor. Those that cannot be given are dropped. */
  async handOver(voiceIndex: number): Promise<void> {
    const thread = this.#pool.thread(voiceIndex);
    const entries = this.#entries.filter((entry) => entry.voiceIndex === voiceIndex);
    await Promise.all(
      entries.map(async (entry) => {
        try {
          await (await entry.link).handTo(thread);
        } catch {
          // Its port is taken, or its media worker has died too: calls get another path, and clients new transports.
          this.#forget(entry);
          (await entry.link.catch(() => undefined))?.close();
        }
      }),
    );
  }

  /** A media worker has died: its paths are gone. */
  async drop(mediaIndex: number): Promise<void> {
    const gone = this.#entries.filter((entry) => entry.mediaIndex === mediaIndex);
    // All at once: whoever asks while one of them still opens must not be given another.
    for (const entry of gone) this.#forget(entry);
    await Promise.all(
      gone.map(async (entry) => {
        const link = await entry.link.catch(() => undefined);
        if (link) this.#pool.thread(entry.voiceIndex).post({ type: 'close-link', linkId: link.id });
        link?.close();
      }),
    );
  }

  #forget(entry: Entry): void {
    this.#entries = this.#entries.filter((candidate) => candidate !== entry);
  }
}
