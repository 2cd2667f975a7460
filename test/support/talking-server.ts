/** The real server with real media on free loopback ports, for tests that talk to it. */
import { fileURLToPath } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import type { Calls as MediaCalls } from '../../media/calls.ts';
import { startCalls } from '../../server/calls.ts';
import { readConfig, type Environment } from '../../server/config.ts';
import { startServer } from '../../server/server.ts';
import type { Fate } from './mortal-voice-worker.ts';
import { memoryLog } from './running-server.ts';

/** In a server's environment: its parrot greets within a second, for tests that are about something else. */
export const BRIEFLY_GREETING = { AGENTS_DIR: fileURLToPath(new URL('agents', import.meta.url)) };

export type TalkingServer = {
  url: string;
  media: MediaCalls;
  log: ReturnType<typeof memoryLog>;
  /** Lets a voice worker exit, or hang for good. */
  strike: (fate: Fate) => void;
  close: () => Promise<void>;
};

export async function startTalkingServer(environment: Environment = {}): Promise<TalkingServer> {
  const log = memoryLog();
  let media: MediaCalls | undefined;
  const config = readConfig({
    PORT: '0',
    // With keys its media would be on every address of the machine, also on those of networks that other tests take down.
    HOST: '127.0.0.1',
    DRAIN_TIMEOUT_MS: '0',
    WORKER_POOL_SIZE: '1',
    MEDIA_WORKERS: '1',
    ...environment,
  });
  const server = await startServer({
    config,
    log,
    createCalls: async (parts) => {
      const calls = await startCalls(parts, new URL('mortal-voice-worker.ts', import.meta.url));
      media = calls.media;
      return calls;
    },
  });
  const channel = new BroadcastChannel('parley-test-fate');
  return {
    url: `http://127.0.0.1:${server.port}/`,
    media: media!,
    log,
    strike: (fate) => channel.postMessage(fate),
    close: async () => {
      channel.close();
      await server.close();
    },
  };
}
