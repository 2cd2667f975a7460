/** A pod whose agents hear, think and speak with local vendors, and a caller who is connected to it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { CallEvent } from '../../signalling/call-control.ts';
import type { Environment } from '../../server/config.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import { eventually } from './eventually.ts';
import { MediaPodClient, startMediaPod, type MediaPod } from './media-pod.ts';
import { opusSpeech } from './opus-speech.ts';
import { sessionRecord } from './session-record.ts';
import { DEEPGRAM_KEY, DeepgramServer } from './vendors/deepgram-server.ts';
import { SERVER_KEY, SERVER_MODEL } from './vendors/dialect.ts';
import { DIALECTS, startLanguageModel } from './vendors/language-model-server.ts';
import { ScriptListener } from './vendors/spoken-words.ts';

const PATIENCE_MS = 20_000;
/** The local recognisers take shorter pauses than 300 ms for none: two sentences would be one. */
const BETWEEN_MS = 500;

export type VendorSet = {
  ears: DeepgramServer;
  model: Awaited<ReturnType<typeof startLanguageModel>>;
  /** What the caller will be understood to say, one sentence a stretch of speech. */
  script: string[];
  environment: Environment;
  close: () => Promise<void>;
};

/** @param address where they listen. Default: loopback */
export async function startVendors(address?: string): Promise<VendorSet> {
  const script: string[] = [];
  const ears = await DeepgramServer.start(() => new ScriptListener(script), address);
  const model = await startLanguageModel(DIALECTS.openai, address);
  const environment = {
    OPENAI_API_KEY: SERVER_KEY,
    OPENAI_BASE_URL: `${model.server.url}/v1`,
    DEEPGRAM_API_KEY: DEEPGRAM_KEY,
    DEEPGRAM_BASE_URL: ears.vendor.server.url,
    LLM_MODEL: `openai/${SERVER_MODEL}`,
    STT_MODEL: 'deepgram/nova-3',
    TTS_MODEL: 'flite',
  };
  const close = async () => {
    await Promise.all([ears.close(), model.server.close()]);
  };
  return { ears, model, script, environment, close };
}

export class VendorCaller {
  readonly pod: MediaPod;
  readonly session: SessionRecord;
  readonly client = new MediaPodClient();
  readonly #script: string[];
  #saidMs = -Infinity;

  private constructor(pod: MediaPod, session: SessionRecord, script: string[]) {
    this.pod = pod;
    this.session = session;
    this.#script = script;
  }

  static async join(
    vendors: VendorSet,
    environment: Environment = {},
    overrides: Record<string, unknown> = {},
  ): Promise<VendorCaller> {
    const pod = await startMediaPod(undefined, { ...vendors.environment, ...environment });
    const caller = new VendorCaller(pod, sessionRecord({ agent: 'assistant', overrides }), vendors.script);
    const request = { rtpCapabilities: pod.calls.rtpCapabilities, playback: 'running' as const };
    const joined = await pod.calls.join(caller.session, request, new AbortController().signal);
    if (joined.kept) throw new Error('There was nothing to keep.');
    await caller.client.connect(pod.calls, caller.session.id, joined.media);
    return caller;
  }

  /** Says it aloud; resolves when it is said. @param understood what the recogniser makes of it */
  async says(text: string, understood = text): Promise<void> {
    const packets = await opusSpeech(text);
    await pause(Math.max(0, this.#saidMs + BETWEEN_MS - performance.now()));
    this.#script.push(understood);
    await this.client.voice.say(packets);
    this.#saidMs = performance.now();
  }

  async hears(part: string, withinMs = PATIENCE_MS): Promise<void> {
    const heard = () => this.lines('agent').some((text) => text.includes(part));
    await eventually(heard, withinMs).catch(() => {
      throw new Error(
        `"${part}" was not said; the agent said ${JSON.stringify(this.lines('agent'))}, the log ${JSON.stringify(this.pod.log)}`,
      );
    });
  }

  /** The agent has come to these words. */
  async begins(part: string): Promise<void> {
    const told = () => this.pod.told.some((event) => event.name === 'transcript' && event.data.text.includes(part));
    await eventually(told, PATIENCE_MS);
  }

  async listening(): Promise<void> {
    await eventually(() => this.pod.state() === 'listening', PATIENCE_MS);
  }

  /** Final lines. */
  lines(role: 'user' | 'agent'): string[] {
    return this.pod
      .transcript()
      .filter((line) => line.role === role)
      .map(({ text }) => text);
  }

  decisions(): Extract<CallEvent, { name: 'decision' }>['data'][] {
    return this.pod.told.flatMap((event) => (event.name === 'decision' ? [event.data] : []));
  }

  async close(): Promise<void> {
    this.client.close();
    await this.pod.close();
  }
}
