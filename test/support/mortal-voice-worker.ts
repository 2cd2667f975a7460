/** The real voice worker, which a test can have exit or hang: it listens on a channel that the server knows nothing of. */
import { BroadcastChannel, workerData } from 'node:worker_threads';
import type { VoiceWorkerData } from '../../media/voice-protocol.ts';

export type Fate = { index: number; fate: 'exit' | 'hang' };

const channel = new BroadcastChannel('parley-test-fate');
channel.onmessage = (event: unknown) => {
  const { index, fate } = (event as { data: Fate }).data;
  if (index !== (workerData as VoiceWorkerData).index) return;
  if (fate === 'exit') process.exit(1);
  for (;;) Math.sqrt(index);
};
channel.unref();

// Last, so that the worker says that it is ready when its fate can already reach it.
await import('../../media/voice-worker-thread.ts');
