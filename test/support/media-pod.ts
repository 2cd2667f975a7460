/** The media side of one pod without signalling, and a client that is connected to it straight. */
import { cleanup } from 'node-datachannel';
import type { Absence } from '../../media/call-client.ts';
import { startCalls } from '../../server/calls.ts';
import { AgentFiles } from '../../server/agent-files.ts';
import { Agents } from '../../server/agents.ts';
import { readConfig, type Environment } from '../../server/config.ts';
import type { CallControl, CallEvent } from '../../signalling/call-control.ts';
import type { Continuation } from '../../signalling/session-store.ts';
import type { MediaOptions, TranscriptEntry } from '../../signalling/protocol.ts';
import { HeardVoice } from './heard-voice.ts';
import { RtcLink, type RtcLinkOptions } from './rtc-link.ts';
import { memoryLog } from './running-server.ts';
import { onEachTick, SpeechLine } from './speech-line.ts';

export type MediaPod = Awaited<ReturnType<typeof startMediaPod>>;

/** Everything that it tells is kept in order. */
export const startMediaPod = async (absence?: Absence, environment: Environment = {}) => {
  const config = readConfig({ WORKER_POOL_SIZE: '1', MEDIA_WORKERS: '1', ...environment });
  const log = memoryLog();
  const { folder, secrets } = config.agents;
  const files = await AgentFiles.open({ folder, secrets, log, nowMs: Date.now });
  const agents = new Agents({ files, secrets, log });
  const calls = await startCalls({ config, agents, log }, undefined, absence);
  const told: (CallEvent | { name: 'flowing'; data: boolean })[] = [];
  const continuations: Continuation[] = [];
  const ends: string[] = [];
  const listeners = new Map<string, (event: CallEvent) => void>();
  calls.observe({
    event: (id, event) => {
      told.push(event);
      listeners.get(id)?.(event);
    },
    flowing: (_id, data) => void told.push({ name: 'flowing', data }),
    continuation: async (_id, continuation) => continuations.push(continuation) > 0,
    ended: (_id, reason) => void ends.push(reason),
  });
  const transcript = (): TranscriptEntry[] =>
    told.flatMap((event) => (event.name === 'transcript' && event.data.final ? [event.data] : []));
  const state = () => told.flatMap((event) => (event.name === 'agent-state' ? [event.data.state] : [])).at(-1);
  /** Tells the events of one call as they come. */
  const listen = (sessionId: string, listener: (event: CallEvent) => void) => void listeners.set(sessionId, listener);
  return { calls, told, continuations, ends, log, transcript, state, listen, close: () => calls.close() };
};

/** A client's media at one or several pods; what it says goes to all of them, as in a browser that is being moved. */
export class MediaPodClient {
  readonly heard = new HeardVoice();
  readonly voice: SpeechLine;
  readonly #links: RtcLink[] = [];
  readonly #stopClock: () => void;

  constructor() {
    const send = (...frame: Parameters<RtcLink['send']>) => this.#links.forEach((link) => link.send(...frame));
    this.voice = new SpeechLine(send, performance.now());
    this.#stopClock = onEachTick((nowMs) => {
      this.voice.tick(nowMs);
      for (const link of this.#links) link.tick(nowMs);
    });
  }

  /**
   * Resolves when its media at this pod stands in both directions.
   * @param options.repairs packets are asked for, and sent, again
   */
  async connect(
    calls: CallControl,
    sessionId: string,
    media: MediaOptions,
    options: { repairs?: boolean; onPacket?: (packet: Buffer) => void } = {},
  ): Promise<RtcLink> {
    const index = this.#links.length;
    const link = new RtcLink({
      media,
      bindAddress: '127.0.0.1',
      request: requestsOf(calls, sessionId),
      onPacket: (packet) => {
        this.heard.note(packet, index, true, performance.now());
        options.onPacket?.(packet);
      },
      repairs: options.repairs ?? false,
      onLost: () => undefined,
    });
    this.#links.push(link);
    await link.connect();
    return link;
  }

  /** For the end of tests that had clients: libdatachannel's threads end. */
  static cleanUp(): void {
    cleanup();
  }

  /** Closes the media that was connected first, second …; without a number all of it. */
  close(index?: number): void {
    if (index === undefined) this.#stopClock();
    for (const link of index === undefined ? this.#links : [this.#links[index]]) link?.close();
  }
}

/** What the gateway would pass on. */
const requestsOf = (calls: CallControl, sessionId: string): RtcLinkOptions['request'] => {
  const handlers = {
    'connect-transport': async ({ transportId, dtlsParameters }) => {
      await calls.connectTransport(sessionId, transportId, dtlsParameters);
      return {};
    },
    produce: async ({ transportId, rtpParameters }) => ({
      producerId: await calls.produce(sessionId, transportId, rtpParameters),
    }),
  } as Partial<Record<string, (request: never) => Promise<object>>>;
  return (name, request) => handlers[name]!(request as never) as never;
};
