/** The real server, which a measurement can ask what it keeps, and whose voice workers it can have exit or hang. */
import { setTimeout as pause } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import type { Calls as MediaCalls } from '../media/calls.ts';
import { startCalls } from '../server/calls.ts';
import { keepNativeLibrariesQuiet, readConfig } from '../server/config.ts';
import { createLog } from '../server/log.ts';
import { startServer } from '../server/server.ts';
import { heapInUse, openHandles } from '../test/support/leaks.ts';
import type { Fate } from '../test/support/mortal-voice-worker.ts';

/** `tidy`: the voice workers collect their garbage first, which nobody's packets should wait for. */
export type ToStruckServer = { type: 'strike'; fate: Fate } | { type: 'measure'; tidy?: boolean };
/**
 * Bytes of JavaScript's heap, of the main thread after a collection and of all voice workers as they last told; handles of the
 * main thread that stay: the deadline of a command to Redis is one for a moment.
 */
export type Kept = { heapBytes: number; voiceHeapBytes: number; handles: number; mediaWorkerPids: number[] };

/** Until a heartbeat has told how it is after a collection. */
const TIDY_BEATS = 3;
/** Longer than a command to Redis may take, which is 250 ms. */
const LOOKS = 10;
const LOOK_MS = 50;

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
  else void measure(message.tidy === true).then((kept) => process.send?.(kept));
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
log.info(`Parley is ready: open ${server.url}`);

async function measure(tidy: boolean): Promise<Kept> {
  if (tidy) {
    for (let index = 0; index < config.voice.workers; index++)
      fates.postMessage({ index, fate: 'tidy' } satisfies Fate);
    await pause(TIDY_BEATS * config.voice.heartbeatIntervalMs);
  }
  const { voiceStatistics, mediaWorkerPids } = media!;
  const voiceHeapBytes = voiceStatistics.reduce((all, { heapBytes }) => all + heapBytes, 0);
  return { heapBytes: await heapInUse(), voiceHeapBytes, handles: await standingHandles(), mediaWorkerPids };
}

/** The fewest that there were at any of some moments. */
async function standingHandles(): Promise<number> {
  let fewest = openHandles();
  for (let look = 1; look < LOOKS; look++) {
    await pause(LOOK_MS);
    fewest = Math.min(fewest, openHandles());
  }
  return fewest;
}

async function close(): Promise<void> {
  fates.close();
  await server.close();
  process.exit();
}
