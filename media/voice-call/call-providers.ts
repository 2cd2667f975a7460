/** Whom a call hears, thinks and speaks with. */
import type { AgentConfig } from '../agent/agent.ts';
import { stagesOf, type DefaultNames } from '../providers/agent-stages.ts';
import { textsOf } from '../agent/agent-texts.ts';
import { CallMemory } from './call-memory.ts';
import type { Decide } from '../turn/decision.ts';
import type { Fillers } from '../speech/fillers.ts';
import type { CallTools } from '../tools/call-tools.ts';
import { LlmResponder } from '../providers/llm-responder.ts';
import type { LanguageModel, Responder, SpeechToText, SpokenAudio, TextToSpeech } from '../providers/provider.ts';
import type { LanguageModelSettings, OnStageEvent, ProviderRegistry } from '../providers/registry.ts';
import { summarise } from '../providers/summariser.ts';
import { speakable } from '../speech/speakable.ts';

export type CallProviders = {
  responder: Responder;
  /** Absent: what was said is told as a whole. */
  memory?: CallMemory;
  textToSpeech: TextToSpeech;
  /** Of flite, and of vendors whose voice the agent does not name. */
  voice: string;
  /** Absent: words are not understood, and turns go by speech alone. */
  speechToText?: SpeechToText;
  /** Text as the voice should say it. */
  pronounce?: (text: string) => string;
  /** A tool runs. */
  isWorking?: () => boolean;
  /** Words for the midst of a reply that stalls, spoken ahead. */
  bridges?: (index: number) => readonly SpokenAudio[] | undefined;
  /** What the model may do besides speaking. */
  tools?: CallTools;
};

/** Of summaries: 200 words, in whatever language. */
const SUMMARIES = { maxOutputTokens: 800 };
/**
 * Flux tells of ends that are likely, so that replies can be begun ahead. Lower: sooner, and more of them for nothing. Its
 * vendor names 0.3 to 0.9, below what it takes for a certain end (developers.deepgram.com/docs/flux/configuration, 2026-11-25).
 */
const EAGER_FLUX = { eagerEotThreshold: 0.5 };
/** A voice that takes longer has more to do than this. */
const FILLERS_WITHIN_MS = 20_000;

/**
 * @param decide told of what is decided beside the stages
 * @throws ProviderConfigError saying what to set
 */
export function vendorProviders(
  agent: AgentConfig,
  registry: Pick<ProviderRegistry, 'access' | 'languageModel' | 'speechToText' | 'textToSpeech'>,
  defaults: DefaultNames,
  fillers: Fillers,
  onEvent?: OnStageEvent,
  tools?: CallTools,
  decide: Decide = () => undefined,
): CallProviders {
  const { stt, llm, tts, voice, prompt, language } = agent;
  const stages = stagesOf(agent, registry.access, defaults);
  const model = registry.languageModel(stages.llm, settingsOf(llm), onEvent);
  const memory = memoryOf(agent, registry.languageModel(stages.llm, SUMMARIES, onEvent), decide, tools);
  const keyterms = stt.keyterms.length > 0 && { keyterms: stt.keyterms, prompt: stt.keyterms.join(', ') };
  const { enabled: eager } = agent.turnHandling.preemptiveGeneration;
  const { speed, instructions } = tts;
  const textToSpeech = registry.textToSpeech(
    stages.tts,
    { ...(language && { language }), ...(speed !== undefined && { speed }), ...(instructions && { instructions }) },
    onEvent,
  );
  const { bridges } = textsOf(agent);
  const key = JSON.stringify([tts, voice, language, bridges]);
  fillers.prepare(key, bridges, textToSpeech, voice, AbortSignal.timeout(FILLERS_WITHIN_MS));
  return {
    pronounce: (text) => speakable(text, language),
    isWorking: () => tools?.isWorking ?? false,
    bridges: (index) => fillers.get(key, index),
    responder: new LlmResponder({ model, prompt, tools, memory }),
    memory,
    ...(tools && { tools }),
    textToSpeech,
    voice,
    speechToText: registry.speechToText(stages.stt, { ...keyterms, ...(eager && { flux: EAGER_FLUX }) }, onEvent),
  };
}

function settingsOf({ temperature, maxOutputTokens, reasoningEffort }: AgentConfig['llm']): LanguageModelSettings {
  return {
    ...(temperature !== undefined && { temperature }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(reasoningEffort && { reasoningEffort }),
  };
}

function memoryOf(
  { memory: { summarise: enabled, ...bounds } }: AgentConfig,
  model: LanguageModel,
  decide: Decide,
  tools: CallTools | undefined,
): CallMemory {
  return new CallMemory({
    ...bounds,
    decide,
    expand: (messages) => tools?.withResults(messages) ?? messages,
    ...(enabled && { summarise: (...what) => summarise(model, ...what) }),
  });
}
