/** What surrounds a call in a story: time, the caller's ears and mouth, and the vendors. Everything else is the server's own. */
import { agent as agentSchema, type AgentConfig, type AgentDefinition } from '../../../media/agent/agent.ts';
import { vendorProviders } from '../../../media/voice-call/call-providers.ts';
import { EncodedClips } from '../../../media/audio/encoded-clips.ts';
import { Fillers } from '../../../media/speech/fillers.ts';
import { FailoverLanguageModel } from '../../../media/providers/failover-language-model.ts';
import { FailoverSpeechToText } from '../../../media/providers/failover-recognition.ts';
import { FailoverTextToSpeech } from '../../../media/providers/failover-speech.ts';
import type { OnStageEvent } from '../../../media/providers/registry.ts';
import { WINDOW_SAMPLES, type Silero } from '../../../media/vad/silero.ts';
import { CallTools } from '../../../media/tools/call-tools.ts';
import type { VoiceCallOptions } from '../../../media/voice-call/voice-call-options.ts';
import { VirtualTiming } from '../virtual-timing.ts';
import { EAR_RATE_HZ, StoryEar } from './story-ear.ts';
import { StoryMicrophone } from './story-microphone.ts';
import { StoryModel } from './story-model.ts';
import { StoryRecogniser } from './story-recogniser.ts';
import { StoryTool } from './story-tool.ts';
import { StoryVoice } from './story-voice.ts';
import { levelOf, WordSounds } from './word-sounds.ts';

/** Fields of an agent's configuration, as a file has them. */
export type StoryAgent = Partial<Record<keyof AgentDefinition, unknown>>;

/** No reply is begun ahead, unless the story is about that: what is asked of vendors follows from what is decided. */
const WHEN_ASKED = { preemptiveGeneration: { enabled: false } };
/** Levels of a window that the detector takes for speech, and for what may be speech. */
const SPEECH_LEVEL = 800;
const DOUBTFUL_LEVEL = 350;
/** Of the loudspeaker's sound in the microphone: −12 dB, as of a telephone on a table. */
const ECHO_GAIN = 0.25;
/** From a packet to its echo in the microphone. */
const ECHO_AFTER_MS = 120;

export class StoryWorld {
  readonly timing = new VirtualTiming();
  readonly sounds = new WordSounds();
  readonly ear = new StoryEar(this.sounds);
  readonly clips = new EncodedClips(EAR_RATE_HZ);
  readonly agent: AgentConfig;
  readonly model: StoryModel;
  readonly voice: StoryVoice;
  readonly recogniser: StoryRecogniser;
  /** Whom the stages fall back to. */
  readonly spare: { model: StoryModel; voice: StoryVoice; recogniser: StoryRecogniser };
  readonly tool: StoryTool;
  readonly microphone: StoryMicrophone;
  /** Where the caller's packets go. */
  readonly receivers = new Set<(packet: Uint8Array) => void>();
  /** The caller listens by a loudspeaker. */
  loudspeaker = false;
  readonly #fillers = new Fillers();

  constructor(agent: StoryAgent) {
    const { after, nowMs } = this.timing;
    const { sounds } = this;
    const {
      webhook: _,
      secrets: __,
      variables: ___,
      ...config
    } = agentSchema.parse({
      name: 'story',
      responder: 'llm',
      ...agent,
      turnHandling: { ...WHEN_ASKED, ...(agent.turnHandling as object | undefined) },
    });
    this.agent = { ...config, toolValues: { variables: {}, secrets: {} } };
    this.model = new StoryModel('test/model', after);
    this.voice = new StoryVoice({ name: 'test/voice', sounds, after });
    this.recogniser = new StoryRecogniser('test/recogniser', sounds, after);
    this.spare = {
      model: new StoryModel('test/spare-model', after),
      voice: new StoryVoice({ name: 'test/spare-voice', sounds, after, embedded: true }),
      recogniser: new StoryRecogniser('test/spare-recogniser', sounds, after),
    };
    this.tool = new StoryTool(after);
    this.microphone = new StoryMicrophone(nowMs(), {
      send: (packet) => this.receivers.forEach((receive) => receive(packet)),
      echo: (atMs) => this.#echo(atMs),
    });
  }

  /** The speech detector's model: a loud window is speech. */
  readonly silero: Pick<Silero, 'run'> = {
    run: async (_streams, windows, count, probabilities) => {
      for (let row = 0; row < count; row++) {
        const level = levelOf(windows.subarray(row * WINDOW_SAMPLES, (row + 1) * WINDOW_SAMPLES)) * 32_768;
        probabilities[row] = level >= SPEECH_LEVEL ? 0.95 : level >= DOUBTFUL_LEVEL ? 0.42 : 0.02;
      }
    },
  };

  /** Put together as a voice worker does, with the story's vendors in the registry's place. */
  readonly providers: VoiceCallOptions['providers'] = (agent, onStageEvent, decide, side) => {
    const { nowMs: now, after } = this.timing;
    const values = { variables: {}, secrets: {} };
    const code = { prepare: () => undefined, run: () => Promise.reject(new Error('No story has code.')) };
    const tools = new CallTools({ tools: agent.tools, values, http: this.tool, code, side, decide, now, after });
    return vendorProviders(agent, this.#registry, {}, this.#fillers, onStageEvent, tools);
  };

  get #registry(): Parameters<typeof vendorProviders>[1] {
    const { model, voice, recogniser, spare } = this;
    const staged = (onEvent?: OnStageEvent) => ({ now: this.timing.nowMs, ...(onEvent && { onEvent }) });
    const both = <P>(one: P, other: P) => [{ provider: one }, { provider: other }];
    return {
      // Names are checked, and then the story's own are taken.
      access: { openai: { apiKey: 'none' } },
      languageModel: (_names, _settings, onEvent) =>
        new FailoverLanguageModel({ candidates: both(model, spare.model), ...staged(onEvent) }),
      speechToText: (_names, _settings, onEvent) =>
        new FailoverSpeechToText({ candidates: both(recogniser, spare.recogniser), ...staged(onEvent) }),
      textToSpeech: (_voices, _settings, onEvent) =>
        new FailoverTextToSpeech({ candidates: both(voice, spare.voice), ...staged(onEvent) }),
    };
  }

  #echo(atMs: number): Int16Array | undefined {
    const played = this.loudspeaker ? this.ear.playedAt(atMs - ECHO_AFTER_MS) : undefined;
    return played?.map((sample) => sample * ECHO_GAIN);
  }
}
