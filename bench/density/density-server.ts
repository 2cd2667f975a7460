/**
 * The server of the density measurement, in a process of its own: the one that people start, whose voice workers have eyes
 * and models that take no time (`density-thread.ts`). It tells of itself when asked.
 */
import { BroadcastChannel, setEnvironmentData } from 'node:worker_threads';
import type { Calls as MediaCalls } from '../../media/calls.ts';
import { keepNativeLibrariesQuiet, readConfig } from '../../server/config.ts';
import { startCalls } from '../../server/calls.ts';
import { createLog } from '../../server/log.ts';
import { startServer } from '../../server/server.ts';
import { monologue } from '../speech-packets.ts';
import { ThreadProfile } from '../thread-probe.ts';
import { AGENT_SPEECH_KEY, Observer, type AgentSpeech } from '../voice-observations.ts';
import { DENSITY, type DensityObservations, type ToDensityThread } from './density-observations.ts';
import type { Answer, Question } from './density-target.ts';

const RATE_HZ = 24_000;

const samples = await monologue('slt', RATE_HZ);
setEnvironmentData(AGENT_SPEECH_KEY, { samples, sampleRateHz: RATE_HZ, seconds: 0 } satisfies AgentSpeech);
const config = readConfig();
keepNativeLibrariesQuiet();
let media: MediaCalls | undefined;
const server = await startServer({
  config,
  log: createLog({ level: config.logLevel }),
  createCalls: async (parts) => {
    const calls = await startCalls(parts, new URL('density-thread.ts', import.meta.url));
    media = calls.media;
    return calls;
  },
});
const observer = new Observer();
const mainProfile = new ThreadProfile();
const channel = new BroadcastChannel(DENSITY);
const waiting = new Map<number, (answer: unknown) => void>();
channel.onmessage = (event) => {
  const { data } = event as { data: { id: number; answer: unknown } };
  waiting.get(data.id)?.(data.answer);
  waiting.delete(data.id);
};
let nextId = 1;

function ask(question: ToDensityThread): Promise<unknown> {
  const id = nextId++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    channel.postMessage({ id, ...question });
  });
}

async function answer(question: Question): Promise<Answer[Question['ask']]> {
  switch (question.ask) {
    case 'reset':
      await Promise.all([observer.reset(), ask({ ask: 'reset' })]);
      return undefined;
    case 'observations': {
      const [thread, density] = await Promise.all([observer.observations(), ask({ ask: 'observations' })]);
      return { thread, density: density as DensityObservations, statistics: media!.voiceStatistics };
    }
    case 'live-memory':
      return observer.liveMemory();
    case 'busy':
    case 'calm':
      return void (await ask({ ask: question.ask }));
    case 'start-profile':
      await Promise.all([observer.startProfile(), mainProfile.start()]);
      return undefined;
    case 'stop-profile': {
      const { voice, main } = question.files;
      await Promise.all([
        observer.stopProfile(voice.cpuFile, voice.heapFile),
        mainProfile.stop(main.cpuFile, main.heapFile),
      ]);
      return undefined;
    }
  }
}

process.on('message', (message: { id: number } & Question) => {
  void answer(message).then((answered) => process.send?.({ id: message.id, answer: answered }));
});
process.on('disconnect', () => void close());
process.on('SIGTERM', () => void close());

async function close(): Promise<void> {
  observer.close();
  channel.close();
  await server.close();
  process.exit();
}

process.send?.({ ready: { url: `http://127.0.0.1:${server.port}`, mediaWorkerPids: media!.mediaWorkerPids } });
