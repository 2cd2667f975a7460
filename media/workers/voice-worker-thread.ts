/** The voice worker's thread: loads the model, starts the worker and connects it to the main thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { vendorProviders } from '../voice-call/call-providers.ts';
import { FliteVoice } from '../providers/flite.ts';
import { Parrot } from '../providers/parrot.ts';
import { Fillers } from '../speech/fillers.ts';
import { ProviderRegistry } from '../providers/registry.ts';
import { CallTools } from '../tools/call-tools.ts';
import { CodeTools } from '../tools/code-tools.ts';
import { HttpTools } from '../tools/http-tools.ts';
import { useNativeMarks } from '../runtime/native-calls.ts';
import { Silero } from '../vad/silero.ts';
import { VoiceWorker } from '../voice-worker.ts';
import type { FromVoiceWorker, ToVoiceWorker, VoiceWorkerData } from './voice-protocol.ts';

if (!parentPort) throw new Error('media/workers/voice-worker-thread.ts runs as a worker thread only');
const port = parentPort;
const data = workerData as VoiceWorkerData;
if (data.nativeMarks) useNativeMarks(data.nativeMarks);
const post = (message: FromVoiceWorker): void => port.postMessage(message);

const flite = new FliteVoice({ module: data.flite, sampleRateHz: data.rateHz });
const [silero] = await Promise.all([Silero.load(data.sileroPath), flite.warm()]);
const { vendors: access = {}, rateHz: sampleRateHz, sharers } = data;
const shared = sharers && { sharers: () => Atomics.load(sharers, 0) };
const registry = new ProviderRegistry({ access, sampleRateHz, flite, ...shared });
const parrot = new Parrot();
const fillers = new Fillers();
const http = new HttpTools();
const code = new CodeTools({ onFault: (fault) => worker.fault('tool_failed', fault) });
const worker: VoiceWorker = new VoiceWorker({
  data,
  silero,
  providers: (agent, onStageEvent, decide, side) => {
    if (agent.responder === 'parrot') return { responder: parrot, textToSpeech: flite, voice: agent.voice };
    const { tools, toolValues: values } = agent;
    const callTools = values && new CallTools({ tools, values, http, code, side, decide });
    return vendorProviders(agent, registry, data.models ?? {}, fillers, onStageEvent, callTools, decide);
  },
  post,
  onServe: () => void registry.connect(),
});
void registry.load();
if (data.index !== undefined) void registry.connect();

// One after another: a message may wait for a socket, and the next one may need that socket.
let work = Promise.resolve();
port.on('message', (message: ToVoiceWorker) => {
  work = work.then(() => worker.handle(message));
  if (message.type !== 'close') return;
  work = work.then(async () => {
    http.close();
    await code.close();
    registry.close();
    await flite.close();
    port.close();
  });
});
post({ type: 'ready' });
