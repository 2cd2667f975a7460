/**
 * One clause of text to speech with flite, compiled to WebAssembly, synchronously: for a thread of its own.
 *
 * flite is a command, so every clause is one run of it in a fresh instance: whatever a text does to it ends with the
 * clause. The instance's memory (17 MB of voices) is what takes the time, so the next one is made ready in advance. The
 * run sees arguments and one file that exist in memory only: what is said never touches a disk or a log.
 */
import { WASI } from 'node:wasi';
import type { Voice } from '../agent/agent.ts';
import type { Pcm } from './provider.ts';
import { SpeechError } from './errors.ts';
import { readWav } from './wav.ts';

const WASI_NAMESPACE = 'wasi_snapshot_preview1';
const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
/** The root folder, which is none: node:wasi would open one for each clause, and close it never. */
const ROOT_FD = 3;
const ROOT = '/';
/** The descriptor that the output gets: above the standard streams (0 to 2) and the root folder. */
const OUTPUT_FD = 4;
/** WASI's type of a regular file. A character device would have the C library write line by line. */
const FILETYPE_REGULAR = 4;
const FILETYPE_DIRECTORY = 3;

type Instance = { exports: { memory: { buffer: ArrayBuffer } } };
/** What Node's types leave out of WebAssembly. */
declare const WebAssembly: {
  Instance: new (module: WebAssembly.Module, imports: Record<string, Record<string, unknown>>) => Instance;
};

type Wasi = Record<string, (...args: number[]) => number>;
type Run = { wasi: WASI; instance: Instance; args: Buffer[]; output: Buffer[] };

export class FliteSynthesis {
  readonly #module: WebAssembly.Module;
  #ready: Run | undefined;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /** Makes the next instance ready, about 10 ms ahead of its need. */
  prepare(): void {
    this.#ready ??= instantiate(this.#module);
  }

  /**
   * Speech at 16 kHz, with the silence that flite puts around it. Equal texts give equal samples.
   * @param text printable ASCII (`pronounceablePieces`)
   * @throws SpeechError speech_failed
   */
  speak(voice: Voice, text: string): Pcm {
    const run = this.#ready ?? instantiate(this.#module);
    this.#ready = undefined;
    run.args.push(...['flite', '-voice', voice, '-t', text, '-o', '/speech.wav'].map((arg) => Buffer.from(`${arg}\0`)));
    try {
      const exitCode = run.wasi.start(run.instance);
      if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
      return readWav(Buffer.concat(run.output));
    } catch (cause) {
      throw new SpeechError('speech_failed', 'flite could not speak a clause', { cause });
    }
  }
}

/** The instance's view of its surroundings is node:wasi's, but for its arguments and its files. */
function instantiate(module: WebAssembly.Module): Run {
  const wasi = new WASI({ version: 'preview1', returnOnExit: true });
  const args: Buffer[] = [];
  const output: Buffer[] = [];
  const memory = () => Buffer.from(instance.exports.memory.buffer);
  const imports = wasi.getImportObject() as Record<string, Wasi>;
  const wasiCalls = imports[WASI_NAMESPACE]!;
  const instance: Instance = new WebAssembly.Instance(module, {
    [WASI_NAMESPACE]: {
      ...wasiCalls,
      ...argumentCalls(args, memory),
      ...rootCalls(memory),
      ...outputCalls(output, memory, wasiCalls),
    },
  });
  return { wasi, instance, args, output };
}

/** node:wasi fixes the arguments when it is made; these are known when the run begins. */
function argumentCalls(args: readonly Buffer[], memory: () => Buffer): Wasi {
  return {
    args_sizes_get(countAt = 0, bytesAt = 0) {
      memory().writeUInt32LE(args.length, countAt);
      memory().writeUInt32LE(Buffer.concat(args).length, bytesAt);
      return SUCCESS;
    },
    args_get(pointersAt = 0, bytesAt = 0) {
      let at = bytesAt;
      for (const [index, arg] of args.entries()) {
        memory().writeUInt32LE(at, pointersAt + 4 * index);
        at += arg.copy(memory(), at);
      }
      return SUCCESS;
    },
  };
}

/** A root folder that is none: the C library is told its name, and asks for nothing but a file in it. */
function rootCalls(memory: () => Buffer): Wasi {
  return {
    fd_prestat_get(fd = 0, prestatAt = 0) {
      if (fd !== ROOT_FD) return BAD_DESCRIPTOR;
      memory().writeUInt32LE(0, prestatAt);
      memory().writeUInt32LE(ROOT.length, prestatAt + 4);
      return SUCCESS;
    },
    fd_prestat_dir_name(fd = 0, nameAt = 0) {
      if (fd !== ROOT_FD) return BAD_DESCRIPTOR;
      memory().write(ROOT, nameAt, 'latin1');
      return SUCCESS;
    },
  };
}

/** A directory in which everything may be done. */
function describeRoot(memory: Buffer, statAt: number): number {
  memory.fill(0, statAt, statAt + 8);
  memory.fill(0xff, statAt + 8, statAt + 24);
  memory.writeUInt8(FILETYPE_DIRECTORY, statAt);
  return SUCCESS;
}

/** The one file that flite opens is its output. What it prints is dropped: it may quote what was to be said. */
function outputCalls(output: Buffer[], memory: () => Buffer, wasi: Wasi): Wasi {
  return {
    path_open(...parameters) {
      memory().writeUInt32LE(OUTPUT_FD, parameters[8]);
      return SUCCESS;
    },
    fd_fdstat_get(fd = 0, statAt = 0) {
      if (fd === ROOT_FD) return describeRoot(memory(), statAt);
      if (fd !== OUTPUT_FD) return wasi['fd_fdstat_get']!(fd, statAt);
      memory().fill(0, statAt, statAt + 24);
      memory().writeUInt8(FILETYPE_REGULAR, statAt);
      return SUCCESS;
    },
    fd_write(fd = 0, vectorsAt = 0, vectorCount = 0, writtenAt = 0) {
      let written = 0;
      for (let at = vectorsAt; at < vectorsAt + 8 * vectorCount; at += 8) {
        const start = memory().readUInt32LE(at);
        const bytes = memory().subarray(start, start + memory().readUInt32LE(at + 4));
        if (fd === OUTPUT_FD) output.push(Buffer.from(bytes));
        written += bytes.length;
      }
      memory().writeUInt32LE(written, writtenAt);
      return SUCCESS;
    },
    fd_close: () => SUCCESS,
  };
}
