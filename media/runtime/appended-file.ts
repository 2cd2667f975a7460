/** A file that grows behind the thread: nobody waits for the disk, and what the disk does not take is let go. */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

export type AppendedFileOptions = {
  path: string;
  /** It grows no larger. */
  maxFileBytes: number;
  /** As much may wait for the disk; then the file ends. */
  maxWaitingBytes: number;
  /** Told once. */
  onFault: (fault: unknown) => void;
};

/** Longer: more of it is lost with the process. */
const WRITE_EVERY_MS = 1_000;

export class AppendedFile {
  readonly #options: AppendedFileOptions;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writtenBytes = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: AppendedFileOptions) {
    this.#options = options;
  }

  append(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    const { maxFileBytes, maxWaitingBytes } = this.#options;
    const waiting = this.#waitingBytes + bytes.length;
    if (waiting > maxWaitingBytes || this.#writtenBytes + waiting > maxFileBytes) return void this.close();
    this.#waiting.push(bytes);
    this.#waitingBytes = waiting;
    this.#timer ??= setTimeout(this.#onTimer, WRITE_EVERY_MS);
  }

  /** All is on the disk when this resolves, as far as the disk takes it. Idempotent. */
  close(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      clearTimeout(this.#timer);
      this.#work = this.#work.then(() => this.#write());
    }
    return this.#work;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#work = this.#work.then(() => this.#write());
  };

  /** Opened for each piece: a worker has many calls, and a file that is closed is whole whatever happens next. */
  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (bytes.length === 0) return;
    const { path, onFault } = this.#options;
    let file: FileHandle | undefined;
    try {
      if (this.#writtenBytes === 0) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      file = await open(path, this.#writtenBytes === 0 ? 'wx' : 'a', 0o600);
      this.#writtenBytes += bytes.length;
      await file.writeFile(bytes);
    } catch (fault) {
      this.#ended = true;
      clearTimeout(this.#timer);
      onFault(fault);
    } finally {
      await file?.close();
    }
  }
}
