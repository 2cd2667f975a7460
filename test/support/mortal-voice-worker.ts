/**
 * The real voice worker, which a test can have exit, hang, be busy with something else, or collect its garbage: it listens on a channel that
 * the server knows nothing of.
 */
import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';
import type { ToVoiceWorker, VoiceWorkerData } from '../../media/workers/voice-protocol.ts';

/** `index` undefined: of the spare one. */
export type Fate = { index: number | undefined; fate: 'exit' | 'hang' | 'busy' | 'calm' | 'tidy' };

/** Work that leaves a hundredth of the time for anything else. */
const BUSY_MS = 99;
const BUSY_INTERVAL_MS = 100;

let work: NodeJS.Timeout | undefined;
let place = (workerData as VoiceWorkerData).index;

const channel = new BroadcastChannel('parley-test-fate');
channel.onmessage = (event: unknown) => {
  const { index, fate } = (event as { data: Fate }).data;
  if (index !== place) return;
  if (fate === 'exit') process.exit(1);
  clearInterval(work);
  if (fate === 'busy') work = setInterval(() => burn(BUSY_MS), BUSY_INTERVAL_MS);
  if (fate === 'hang') burn(Infinity);
  if (fate === 'tidy') void import('./leaks.ts').then(({ heapInUse }) => heapInUse());
};
channel.unref();

function burn(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) Math.sqrt(endMs);
}

// Last, so that the worker says that it is ready when its fate can already reach it.
await import('../../media/workers/voice-worker-thread.ts');
parentPort!.on('message', (message: ToVoiceWorker) => {
  if (message.type === 'serve') place = message.index;
});
