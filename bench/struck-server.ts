/** The real server, which a measurement can ask what it keeps, and whose voice workers it can have exit or hang. */
import { BroadcastChannel } from 'node:worker_threads';
import type { Calls as MediaCalls } from '../media/calls.ts';
import { startCalls } from '../server/calls.ts';
import { keepNativeLibrariesQuiet, readConfig } from '../server/config.ts';
import { createLog } from '../server/log.ts';
import { startServer } from '../server/server.ts';
import { heapInUse, openHandles } from '../test/support/leaks.ts';
import type { Fate } from '../test/support/mortal-voice-worker.ts';

export type ToStruckServer = { type: 'strike'; fate: Fate } | { type: 'measure' };
/** Bytes of JavaScript's heap, of the main thread after a collection and of each voice worker as it last told; handles of the main thread. */
export type Kept = { heapBytes: number; voiceHeapBytes: number; handles: number; mediaWorkerPids: number[] };

const config = readConfig();
keepNativeLibrariesQuiet();
const log = createLog({ level: config.logLevel });
let media: MediaCalls | undefined;
const server = await startServer({
  config,
  log,
  createCalls: async (parts) => {
    const calls = await startCalls(parts, new URL('../test/support/mortal-voice-worker.ts', import.meta.url));
    media = calls.media;
    return calls;
  },
});
const fates = new BroadcastChannel('parley-test-fate');

process.on('message', (message: ToStruckServer) => {
  if (message.type === 'strike') fates.postMessage(message.fate);
  else void measure().then((kept) => process.send?.(kept));
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
log.info(`Parley is ready: open ${server.url}`);

async function measure(): Promise<Kept> {
  const { voiceStatistics, mediaWorkerPids } = media!;
  const voiceHeapBytes = voiceStatistics.reduce((all, { heapBytes }) => all + heapBytes, 0);
  return { heapBytes: await heapInUse(), voiceHeapBytes, handles: openHandles(), mediaWorkerPids };
}

async function close(): Promise<void> {
  fates.close();
  await server.close();
  process.exit();
}
