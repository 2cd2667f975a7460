/**
 * What the parts that decide were told in one call, and what they decided, as lines of JSON in a file: enough to have them
 * decide again. docs/journal.md has the format.
 *
 * Writing never holds up the thread: lines are gathered and written behind it. Where the disk does not keep up, or the file
 * has grown to its limit, the journal ends there and says so.
 */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalAudio } from './journal-audio.ts';
import { encodeLine, JOURNAL_VERSION, type JournalEnd, type JournalLine, type JournalOpening } from './journal-line.ts';

export type JournalOptions = {
  folder: string;
  /** Names the file, with the time of its opening. */
  callId: string;
  /** The worker's clock in ms. */
  now: () => number;
  opening: Omit<JournalOpening, 'journal' | 'callId' | 'savedAt'>;
  /** A file grows no larger. Default 64 MiB: two hours of a lively conversation. */
  maxFileBytes?: number;
  /** As much may wait for the disk. Default 1 MiB: minutes of a conversation. */
  maxWaitingCharacters?: number;
  onFault: (fault: unknown) => void;
};

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_WAITING_CHARACTERS = 1024 * 1024;
/** Lines gather for so long. Longer: more of them are lost with the process. */
const WRITE_EVERY_MS = 250;
/** Room for the line that says how the journal ended. */
const END_BYTES = 200;

export class Journal {
  readonly #options: JournalOptions;
  readonly #maxFileBytes: number;
  readonly #maxWaiting: number;
  readonly path: string;
  /** Where that is kept, too. It ends with the journal's call. */
  audio: JournalAudio | undefined;
  #waiting = '';
  #writtenBytes = 0;
  #ended = false;
  /** The file takes no more: it is full, or cannot be written. */
  #shut = false;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void>;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#maxFileBytes = (options.maxFileBytes ?? MAX_FILE_BYTES) - END_BYTES;
    this.#maxWaiting = options.maxWaitingCharacters ?? MAX_WAITING_CHARACTERS;
    const savedAt = new Date().toISOString();
    const name = options.callId.replace(/[^\w-]/g, '_').slice(0, 100);
    this.path = join(options.folder, `${name}-${savedAt.replace(/[:.]/g, '-')}.jsonl`);
    const opening = { journal: JOURNAL_VERSION, callId: options.callId, savedAt, ...options.opening };
    this.#waiting = `${encodeLine(opening)}\n`;
    this.#work = this.#write();
  }

  /** One line, with the time of it. */
  note(line: JournalLine): void {
    if (this.#ended) return;
    this.#waiting += `${encodeLine({ t: this.#now(), ...line })}\n`;
    if (this.#waiting.length > this.#maxWaiting) void this.#end('slow');
    else this.#timer ??= setTimeout(this.#onTimer, WRITE_EVERY_MS);
  }

  /** All is on the disk when this resolves, as far as the disk takes it. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#end('closed'), this.audio?.close(this.#options.now())]);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#work = this.#work.then(() => this.#write());
  };

  #end(end: JournalEnd['end']): Promise<void> {
    if (this.#ended) return this.#work;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#waiting += `${encodeLine({ t: this.#now(), end })}\n`;
    this.#work = this.#work.then(() => this.#write());
    return this.#work;
  }

  #now(): number {
    return Math.round(this.#options.now() * 1000) / 1000;
  }

  /** Opened for each piece: a worker has many calls, and a file that is closed is whole whatever happens next. */
  async #write(): Promise<void> {
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = '';
    if (bytes.length === 0 || this.#shut) return;
    let file: FileHandle | undefined;
    try {
      if (this.#writtenBytes === 0) await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
      file = await open(this.path, this.#writtenBytes === 0 ? 'wx' : 'a', 0o600);
      await file.writeFile(this.#bounded(bytes));
      this.#writtenBytes += bytes.length;
    } catch (fault) {
      this.#shutDown();
      this.#options.onFault(fault);
    } finally {
      await file?.close();
    }
  }

  #shutDown(): void {
    this.#ended = true;
    this.#shut = true;
    clearTimeout(this.#timer);
  }

  /** Whole lines up to the limit, and a last one where that is reached. */
  #bounded(bytes: Buffer): Buffer {
    const room = this.#maxFileBytes - this.#writtenBytes;
    if (bytes.length <= room) return bytes;
    this.#shutDown();
    const whole = bytes.subarray(0, Math.max(0, bytes.lastIndexOf('\n', room - 1) + 1));
    return Buffer.concat([whole, Buffer.from(`${encodeLine({ t: this.#now(), end: 'full' })}\n`)]);
  }
}
