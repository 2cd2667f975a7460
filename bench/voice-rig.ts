/** A media worker and a voice worker, as the server pairs them, with calls whose callers are a generator of RTP. */
import type { types } from 'mediasoup';
import { setEnvironmentData } from 'node:worker_threads';
import { agent as agentSchema } from '../media/agent/agent.ts';
import { monotonicMs } from '../media/runtime/clock.ts';
import { compileFlite } from '../media/providers/flite-module.ts';
import { AGENT_PAYLOAD_TYPE, SfuLink } from '../media/sfu-link.ts';
import { SfuWorker } from '../media/sfu-worker.ts';
import { sileroModelPath } from '../media/vad/silero.ts';
import type { VoiceThread } from '../media/workers/voice-thread.ts';
import { VoiceWorkerPool } from '../media/workers/voice-worker-pool.ts';
import { monologue } from './speech-packets.ts';
import { AGENT_SPEECH_KEY, SPEAK_ON, type AgentSpeech } from './voice-observations.ts';

export type VoiceRigOptions = {
  /** For how long agents that are to speak have something to say. */
  agentSpeechSeconds: number;
  /** Told what the voice worker has to say of faults. */
  onFault: (fault: string) => void;
};

const RATE_HZ = 24_000;
const HEARTBEAT_MS = 1000;
const LINK_ID = 1;
const FIRST_CALLER_SSRC = 1000;
const FIRST_AGENT_SSRC = 100_000;
const BUFFER_BYTES = 4 << 20;
const GREETING = "Hello, I am Parley's parrot. Say something, and I will play it back.";

const agent = agentSchema.parse({ name: 'parrot', greeting: GREETING });
/** Speaks on while the caller speaks: what it costs to speak is to be measured, not what it costs to be cut in on. */
const speaker = agentSchema.parse({ name: 'speaker', turnHandling: { interruption: { enabled: false } } });

export class VoiceRig {
  readonly #pool: VoiceWorkerPool;
  readonly #sfu: SfuWorker;
  readonly #link: SfuLink;
  readonly #callers: types.PlainTransport;

  private constructor(pool: VoiceWorkerPool, sfu: SfuWorker, link: SfuLink, callers: types.PlainTransport) {
    this.#pool = pool;
    this.#sfu = sfu;
    this.#link = link;
    this.#callers = callers;
  }

  static async start({ agentSpeechSeconds, onFault }: VoiceRigOptions): Promise<VoiceRig> {
    if (agentSpeechSeconds > 0) {
      const samples = await monologue('slt', RATE_HZ);
      setEnvironmentData(AGENT_SPEECH_KEY, {
        samples,
        sampleRateHz: RATE_HZ,
        seconds: agentSpeechSeconds,
      } satisfies AgentSpeech);
    }
    const pool = await startPool(onFault);
    const sfu = await SfuWorker.start({
      listeners: [{ ip: '127.0.0.1' }],
      port: 0,
      onDied: () => onFault('the media worker died'),
      onHung: (forMs) => onFault(`the media worker has not answered for ${Math.round(forMs)} ms`),
    });
    const link = await SfuLink.open(LINK_ID, sfu, pool.thread(0));
    const callers = await sfu.router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: '127.0.0.1', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES },
      rtcpMux: true,
      comedia: true,
    });
    return new VoiceRig(pool, sfu, link, callers);
  }

  get thread(): VoiceThread {
    return this.#pool.thread(0);
  }

  get mediaWorkerPid(): number {
    return this.#sfu.pid;
  }

  /** Where the callers' packets are to be sent, and as what. */
  get destination(): { port: number; firstSsrc: number; payloadType: number } {
    return { port: this.#callers.tuple.localPort, firstSsrc: FIRST_CALLER_SSRC, payloadType: AGENT_PAYLOAD_TYPE };
  }

  /** Opens a call as the server does: both ways over the link, and the call in the voice worker. */
  async openCall(index: number, agentSpeaks: boolean): Promise<void> {
    const producer = await this.#callers.produce({
      kind: 'audio',
      rtpParameters: {
        codecs: [{ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: AGENT_PAYLOAD_TYPE }],
        encodings: [{ ssrc: FIRST_CALLER_SSRC + index }],
      },
    });
    const agentSsrc = FIRST_AGENT_SSRC + index;
    await this.#link.produceAgent(agentSsrc);
    const consumer = await this.#link.consumeCaller(producer.id);
    const callId = `call-${index}`;
    const call = { callId, linkId: LINK_ID, agentSsrc, payloadType: AGENT_PAYLOAD_TYPE, history: [] };
    this.thread.post({
      type: 'open-call',
      call: { ...call, agent: agentSpeaks ? speaker : agent, startedAtMs: monotonicMs() },
    });
    this.thread.post({ type: 'caller-ssrc', callId, ssrc: consumer.rtpParameters.encodings?.[0]?.ssrc });
    this.thread.post({ type: 'client-ready', callId });
    if (agentSpeaks) await this.thread.say(callId, SPEAK_ON);
  }

  async close(): Promise<void> {
    await this.#pool.close();
    this.#sfu.close();
  }
}

function startPool(onFault: (fault: string) => void): Promise<VoiceWorkerPool> {
  return compileFlite().then((flite) =>
    VoiceWorkerPool.start({
      size: 1,
      data: { heartbeatMs: HEARTBEAT_MS, rateHz: RATE_HZ, sileroPath: sileroModelPath(), flite },
      entry: new URL('./voice-thread-observed.ts', import.meta.url),
      // Nothing but the one that is measured.
      spareAfterMs: 'never',
      events: {
        onMessage: (_index, message) => message.type === 'fault' && onFault(`${message.code}: ${message.message}`),
        onLost: (_index, reason) => onFault(`the voice worker was lost: ${reason}`),
        onReplaced: () => undefined,
      },
    }),
  );
}
