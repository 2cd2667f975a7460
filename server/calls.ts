/** Where signalling meets media: the composition root is handed one of these. */
import { networkInterfaces } from 'node:os';
import type { AgentConfig } from '../media/agent/agent.ts';
import type { Absence } from '../media/call-client.ts';
import { Calls as MediaCalls } from '../media/calls.ts';
import { compileFlite } from '../media/providers/flite-module.ts';
import { sileroModelPath } from '../media/vad/silero.ts';
import { dropsOfProcesses } from '../media/rtp/udp-drops.ts';
import { MediaError } from '../media/errors.ts';
import type { MediaListener } from '../media/sfu-worker.ts';
import type { VoiceStatistics } from '../media/workers/voice-protocol.ts';
import type { CallControl, CallObserver, Restored } from '../signalling/call-control.ts';
import type { Log } from '../signalling/log.ts';
import type { Agents } from './agents.ts';
import { CallAgents } from './call-agents.ts';
import { isLoopback, type Config } from './config.ts';
import { StartError } from './http-server.ts';
import type { GaugeSource } from './metrics.ts';

/** What media takes; extensions that it does not know are told from the parameters by name and left out. */
type RtpParameters = Parameters<ReturnType<MediaCalls['get']>['client']['produce']>[1];

/** The live media of this process. */
export type Calls = CallControl & {
  /** Tells `observer` everything from now on. Called once, before the first join. */
  observe(observer: CallObserver): void;
  /** Calls that hold a browser's media. */
  readonly peerConnections: number;
  /** Whether the machine has time for one more. */
  hasTime(): boolean;
  /** How many pods, this one among them, share the vendors' keys. */
  setLivePods(pods: number): void;
  /** Numbers worth watching: late packets, kernel drops, restarts of workers. */
  readonly gauges: readonly GaugeSource[];
  /** Ends all calls, then voice workers, then media workers. Idempotent. */
  close(): Promise<void>;
};

export type CreateCalls = (parts: { config: Config; agents: Agents; log: Log }) => Promise<Calls>;

/** Rate of the agent's voice: all that speech has, at two thirds of the work of 48 kHz. */
const PLAYOUT_RATE_HZ = 24_000;

/** Builds the media side: media workers, voice workers, and the registry of calls. */
export const createCalls: CreateCalls = (parts) => startCalls(parts);

/**
 * @param voiceWorkerEntry the voice worker's file, for tests that add to it
 * @param absence how long clients may be away, for tests that do not wait
 */
export const startCalls = async (
  { config, agents, log }: Parameters<CreateCalls>[0],
  voiceWorkerEntry?: URL,
  absence?: Absence,
): Promise<Calls & { media: MediaCalls }> => {
  const sharers = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  // Pods of a fleet are alike.
  const setLivePods = (pods: number) => void Atomics.store(sharers, 0, Math.max(1, pods) * config.voice.workers);
  setLivePods(1);
  const media = await startMedia({
    media: {
      size: config.media.workers,
      listeners: () => listenersFor(config),
      ...(config.media.port !== undefined && { port: config.media.port }),
    },
    voice: {
      size: config.voice.workers,
      ...(voiceWorkerEntry && { entry: voiceWorkerEntry }),
      data: {
        heartbeatMs: config.voice.heartbeatIntervalMs,
        rateHz: PLAYOUT_RATE_HZ,
        sileroPath: sileroModelPath(),
        ...(config.voice.journalFolder !== undefined && { journalFolder: config.voice.journalFolder }),
        flite: await compileFlite(),
        vendors: config.vendors,
        models: config.models,
        sharers,
      },
    },
    ...(absence && { absence }),
    onNotice: ({ message, ...notice }) => log.warn(notice, message),
  });
  return connect(media, new CallAgents(agents), setLivePods);
};

/** What an operator can mend is told without a stack. */
const startMedia = async (options: Parameters<typeof MediaCalls.start>[0]): Promise<MediaCalls> => {
  try {
    return await MediaCalls.start(options);
  } catch (error) {
    if (error instanceof MediaError) throw new StartError(`${error.message}.`, { cause: error });
    throw error;
  }
};

const connect = (
  media: MediaCalls,
  agents: CallAgents,
  setLivePods: Calls['setLivePods'],
): Calls & { media: MediaCalls } => ({
  media,
  setLivePods,
  rtpCapabilities: media.rtpCapabilities as CallControl['rtpCapabilities'],
  get peerConnections() {
    return media.peerConnections;
  },
  hasTime: () => media.voiceWorkers.withRoom > 0,
  gauges: gaugesOf(media),
  observe: (observer) => media.observe(stamping(agents, observer) as Parameters<MediaCalls['observe']>[0]),
  ...coming(media, agents),
  connectTransport: async (id, transportId, dtls) => media.get(id).client.connectTransport(transportId, dtls),
  produce: async (id, transportId, parameters) =>
    media.get(id).client.produce(transportId, parameters as RtpParameters),
  consume: async (id) => media.get(id).client.consume() as Awaited<ReturnType<CallControl['consume']>>,
  restartIce: async (id, transportId) => media.get(id).client.restartIce(transportId),
  interrupt: (id) => media.get(id).interrupt(),
  say: async (id, text) => media.get(id).say(text),
  toolResult: (id, answer) => media.get(id).toolResult(answer),
  mute: (id, muted) => media.get(id).mute(muted),
  report: (id, report) => {
    const call = media.get(id);
    call.client.report(report);
    return call.callerNetwork;
  },
  mediaState: async (id, signal) => (await media.find(id)?.client.mediaState(signal)) ?? 'none',
  standsBy: async (id, signal) => media.get(id).standsBy(signal),
  takeOver: (id, restored) => media.takeOver(id, restored),
  resume: (id) => media.get(id).resume(),
  clientGone: (id) => media.find(id)?.client.gone(),
  elapsedMs: (id) => media.elapsedMs(id),
  close: () => media.close(),
});

/** How calls begin, go elsewhere and end: each with the agent that it began with. */
const coming = (media: MediaCalls, agents: CallAgents): Pick<CallControl, 'join' | 'standBy' | 'handOver' | 'end'> => ({
  join: async (session, request, signal, restored) => {
    const options = request as Parameters<MediaCalls['join']>[1];
    const { config: agent } = await agents.take(session, restored);
    return media.join(newCall(session.id, agent, restored), options, signal) as ReturnType<CallControl['join']>;
  },
  standBy: async (session, request, restored, signal) => {
    const options = request as Parameters<MediaCalls['standBy']>[1];
    const { config: agent } = await agents.take(session, restored);
    return media.standBy(newCall(session.id, agent, restored), options, signal) as ReturnType<CallControl['standBy']>;
  },
  handOver: async (id, withinMs, signal) => {
    const continuation = await media.get(id).handOver(withinMs, signal);
    // Its lines were told as they came; whoever keeps them has the transcript.
    const toolsRun = continuation.tools?.some(({ idempotent, outcome }) => !idempotent && !outcome) ?? false;
    return { transcript: [], continuation: agents.stamp(id, continuation), toolsRun };
  },
  end: (id) => {
    agents.free(id);
    return media.end(id);
  },
});

const newCall = (id: string, agent: AgentConfig, saved: Restored | undefined) => ({
  id,
  agent,
  ...(saved && { saved }),
});

/** What is kept of a call names the version of its agent. */
const stamping = (agents: CallAgents, observer: CallObserver): CallObserver => ({
  event: (id, event) => observer.event(id, event),
  flowing: (id, flowing) => observer.flowing(id, flowing),
  continuation: (id, continuation) => observer.continuation(id, agents.stamp(id, continuation)),
  ended: (id, reason) => observer.ended(id, reason),
});

/** The addresses that browsers are given: the announced one, or those of this machine that HOST lets them reach. */
const listenersFor = ({ http, media }: Config): MediaListener[] => {
  if (media.announcedAddress !== undefined) return [{ ip: '0.0.0.0', announcedAddress: media.announcedAddress }];
  if (isLoopback(http.host)) return [{ ip: '127.0.0.1' }];
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => ({ ip: address }));
};

const SPECULATIONS: readonly [string, string, (statistics: VoiceStatistics) => number][] = [
  ['begun', 'Replies begun before the end of the turn.', (s) => s.speculationsBegun],
  ['used', 'Of these, used.', (s) => s.speculationsUsed],
  ['discarded', 'Of these, thrown away.', (s) => s.speculationsDiscarded],
];

type Sum = (value: (statistics: VoiceStatistics) => number) => () => number;

/** How callers' packets arrive. */
const arrivalGauges = (sum: Sum): GaugeSource[] => [
  { name: 'rtp_packets_received_total', help: 'Packets of callers.', read: sum((s) => s.packetsReceived) },
  { name: 'rtp_packets_lost_total', help: 'Packets of callers given up.', read: sum((s) => s.packetsLost) },
  {
    name: 'rtp_packets_recovered_total',
    help: 'Packets of callers that were sent again, in time.',
    read: sum((s) => s.packetsRecovered),
  },
  {
    name: 'caller_concealed_seconds_total',
    help: 'Sound of callers made up for lost packets.',
    read: sum((s) => s.concealedMs / 1000),
  },
  {
    name: 'caller_gap_wait_seconds_total',
    help: 'Time for which packets of callers waited for missing ones.',
    read: sum((s) => s.waitedMs / 1000),
  },
  { name: 'rtp_packets_rejected_total', help: 'Packets that belong to no call.', read: sum((s) => s.packetsRejected) },
  { name: 'rtp_kernel_drops_total', help: 'Packets dropped by full buffers.', read: sum((s) => s.kernelDrops) },
];

const gaugesOf = (media: MediaCalls): GaugeSource[] => {
  const sum: Sum = (value) => () => media.voiceStatistics.reduce((all, statistics) => all + value(statistics), 0);
  const worst = (value: (statistics: VoiceStatistics) => number) => () =>
    Math.max(0, ...media.voiceStatistics.map(value));
  return [
    { name: 'voice_calls', help: 'Calls in voice workers.', read: sum(({ calls }) => calls) },
    ...arrivalGauges(sum),
    {
      name: 'media_kernel_drops_total',
      help: 'Packets dropped by full buffers of media workers, from browsers or from voice workers.',
      read: () => dropsOfProcesses(media.mediaWorkerPids),
    },
    {
      name: 'voice_workers_with_room',
      help: 'Voice workers that can carry another call.',
      read: () => media.voiceWorkers.withRoom,
    },
    {
      name: 'voice_workers_spare',
      help: 'Whether one that goes would be replaced at once: 1 or 0.',
      read: () => Number(media.voiceWorkers.spare),
    },
    {
      name: 'vad_windows_skipped_total',
      help: 'Windows not judged for lack of time.',
      read: sum((s) => s.windowsSkipped),
    },
    { name: 'playout_late_packets_total', help: 'Packets over 20 ms late.', read: sum((s) => s.late20Ms) },
    { name: 'playout_skipped_frames_total', help: 'Frames left out after stalls.', read: sum((s) => s.skippedFrames) },
    ...SPECULATIONS.map(([end, help, read]) => ({ name: `speculations_${end}_total`, help, read: sum(read) })),
    {
      name: 'vad_verdict_p99_seconds',
      help: 'Window to verdict, worst worker.',
      read: worst((s) => s.verdictP99Ms / 1000),
    },
    { name: 'voice_worker_restarts_total', help: 'Voice workers replaced.', read: () => media.restarts.voice },
    { name: 'media_worker_restarts_total', help: 'Media workers replaced.', read: () => media.restarts.media },
  ];
};
