import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { SpeechError } from '../../../media/providers/errors.ts';
import { compileFlite } from '../../../media/providers/flite-module.ts';
import { FliteWorker, type FliteWorkerOptions } from '../../../media/providers/flite-worker.ts';

declare const WebAssembly: { compile(bytes: Uint8Array): Promise<WebAssembly.Module> };

const MAGIC_AND_VERSION = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const section = (id: number, ...bytes: number[]) => [id, bytes.length, ...bytes];
const name = (text: string) => [text.length, ...Buffer.from(text)];

/** A command whose `_start` has the given body, instead of flite. */
function command(...body: number[]): Promise<WebAssembly.Module> {
  return WebAssembly.compile(
    Uint8Array.from([
      ...MAGIC_AND_VERSION,
      ...section(1, 1, 0x60, 0, 0),
      ...section(3, 1, 0),
      ...section(5, 1, 0, 1),
      ...section(7, 2, ...name('memory'), 2, 0, ...name('_start'), 0, 0),
      ...section(10, 1, body.length, ...body),
    ]),
  );
}
const ENDLESS = [0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b];
const CRASHING = [0x00, 0x00, 0x0b];

const SOURCE = JSON.stringify(new URL('../../../media/providers/flite-worker.ts', import.meta.url));
const mortal = (marker = '') =>
  new URL(`../../support/mortal-flite-thread.ts?marker=${encodeURIComponent(marker)}`, import.meta.url);
const never = new AbortController().signal;

/** The code of the error that a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(SpeechError);
    return (error as SpeechError).code;
  }
  throw new Error('it did not fail');
}

describe('FliteWorker', () => {
  let flite: WebAssembly.Module;
  const workers: FliteWorker[] = [];
  const start = (options: Partial<FliteWorkerOptions> = {}) => {
    const worker = new FliteWorker({ module: flite, sampleRateHz: 24_000, ...options });
    workers.push(worker);
    return worker;
  };

  before(async () => {
    flite = await compileFlite();
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
  });

  it('speaks one clause after another, in the order of asking', async () => {
    const worker = start();
    const order: string[] = [];
    const ask = async (text: string) => {
      await worker.speak('slt', text, never);
      order.push(text);
    };
    await Promise.all(['a much longer clause comes first', 'two', 'three'].map(ask));
    expect(order).to.deep.equal(['a much longer clause comes first', 'two', 'three']);
  });

  it('never begins a clause that was given up while it waited', async () => {
    const worker = start({ entry: mortal() });
    const abort = new AbortController();
    const first = worker.speak('slt', 'one', never);
    const second = worker.speak('slt', 'die', abort.signal);
    const third = worker.speak('slt', 'three', never);
    abort.abort(new Error('no longer wanted'));
    const reason: unknown = await second.catch((error: unknown) => error);
    expect(reason).to.have.property('message', 'no longer wanted');
    expect((await first).length).to.be.above(0);
    expect((await third).length).to.be.above(0);
  });

  it('finishes a clause that has begun, given up or not', async () => {
    const abort = new AbortController();
    const speaking = start().speak('slt', 'one', abort.signal);
    abort.abort();
    expect((await speaking).length).to.be.above(0);
  });

  it('tries once more when the thread dies, in a new one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-test-'));
    try {
      const worker = start({ entry: mortal(join(folder, 'died')) });
      const [survived, next] = await Promise.all(['die once', 'two'].map((text) => worker.speak('slt', text, never)));
      expect(survived?.length).to.be.above(0);
      expect(next?.length).to.be.above(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('fails a clause that every thread dies of, and speaks the next', async () => {
    const worker = start({ entry: mortal() });
    const next = worker.speak('slt', 'die', never).catch((error: unknown) => error);
    const following = worker.speak('slt', 'two', never);
    const error = await next;
    expect(error).to.include({ code: 'speech_thread_died', retryable: true });
    expect((await following).length).to.be.above(0);
  });

  it('does not wait for ever for a thread that cannot start', async () => {
    const worker = start({ entry: pathToFileURL('/nowhere/thread.ts') });
    await worker.warm();
    expect(await failure(worker.speak('slt', 'one', never))).to.equal('speech_thread_died');
  });

  it('fails a clause that crashes the synthesiser, in a thread that lives on', async () => {
    const worker = start({ module: await command(...CRASHING) });
    expect(await failure(worker.speak('slt', 'one', never))).to.equal('speech_failed');
    expect(await failure(worker.speak('slt', 'two', never))).to.equal('speech_failed');
  });

  it('ends a thread that takes too long', async () => {
    const worker = start({ module: await command(...ENDLESS), clauseTimeoutMs: 50 });
    expect(await failure(worker.speak('slt', 'one', never))).to.equal('speech_timed_out');
    expect(await failure(worker.speak('slt', 'two', never))).to.equal('speech_timed_out');
  });

  it('fails what is under way when it is closed, also a second time', async () => {
    const worker = start();
    const codes = ['one', 'two'].map((text) => failure(worker.speak('slt', text, never)));
    await Promise.all([worker.close(), worker.close()]);
    expect(await Promise.all(codes)).to.deep.equal(['closed', 'closed']);
    expect(await failure(worker.speak('slt', 'three', never))).to.equal('closed');
    await worker.warm();
  });

  it('runs within another thread, with the module compiled once', async () => {
    const outer = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       import(${SOURCE}).then(async ({ FliteWorker }) => {
         const worker = new FliteWorker({ module: workerData, sampleRateHz: 48000 });
         const samples = await worker.speak('slt', 'one', new AbortController().signal);
         await worker.close();
         parentPort.postMessage(samples.length);
       });`,
      { eval: true, workerData: flite },
    );
    const length = await new Promise((resolve, reject) => outer.on('message', resolve).on('error', reject));
    expect(length).to.be.above(48_000 / 10);
    await outer.terminate();
  });

  it('keeps no process alive while it is idle', async () => {
    // Not closed: a process that it kept alive would never exit.
    const idle = new Worker(
      `const { workerData } = require('node:worker_threads');
       import(${SOURCE}).then(({ FliteWorker }) => {
         const worker = new FliteWorker({ module: workerData, sampleRateHz: 24000 });
         return worker.speak('slt', 'one', new AbortController().signal);
       });`,
      { eval: true, workerData: flite },
    );
    expect(await new Promise((resolve, reject) => idle.on('exit', resolve).on('error', reject))).to.equal(0);
  });
});
