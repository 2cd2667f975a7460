/** What the backend of agents answered one pod, for all of them: sealed, since it may hold keys. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Log } from '../signalling/log.ts';
import type { SharedCache } from '../signalling/shared-cache.ts';

export type SharedAnswersOptions = {
  cache: SharedCache;
  /** That of the backend, which all pods have: nobody else can read or write an answer. */
  secret: string;
  /** How long an answer is kept. */
  ttlMs: number;
  log: Log;
};

/** An answer of the backend, and when it came, Unix ms. */
export type SharedAnswer = { body: object; atMs: number };

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Nothing here rejects: a pod that cannot read or write what is shared asks the backend itself. */
export class SharedAnswers {
  readonly #options: SharedAnswersOptions;
  readonly #key: Buffer;

  constructor(options: SharedAnswersOptions) {
    this.#options = options;
    this.#key = Buffer.from(hkdfSync('sha256', options.secret, '', 'parley: answers shared by pods', 32));
  }

  async find(key: string): Promise<SharedAnswer | undefined> {
    try {
      const sealed = await this.#options.cache.get(key);
      return sealed === undefined ? undefined : this.#open(key, sealed);
    } catch (error) {
      // Another secret's, or another one's altogether; or Redis is away.
      this.#options.log.debug({ err: error }, 'a shared answer of the backend of agents could not be read');
      return undefined;
    }
  }

  async keep(key: string, answer: SharedAnswer): Promise<void> {
    const { cache, ttlMs, log } = this.#options;
    await cache.set(key, this.#seal(key, answer), ttlMs).catch((error: unknown) => {
      log.debug({ err: error }, 'an answer of the backend of agents could not be shared');
    });
  }

  async forget(key: string): Promise<void> {
    await this.#options.cache.remove(key).catch((error: unknown) => {
      this.#options.log.debug({ err: error }, 'a shared answer of the backend of agents could not be removed');
    });
  }

  /** The key is sealed along: an answer cannot be put in the place of another one. */
  #seal(key: string, answer: SharedAnswer): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv).setAAD(Buffer.from(key));
    const text = Buffer.concat([cipher.update(JSON.stringify(answer), 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64');
  }

  #open(key: string, sealed: string): SharedAnswer {
    const bytes = Buffer.from(sealed, 'base64');
    const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(key)).setAuthTag(tag);
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString('utf8')) as SharedAnswer;
  }
}
