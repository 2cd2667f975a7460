/** Whom a call hears, thinks and speaks with: an agent's names, else the environment's, else all that have keys. */
import type { AgentConfig } from './agent.ts';
import type { Fillers } from './fillers.ts';
import type { CallTools } from './tools/call-tools.ts';
import { LlmResponder } from './providers/llm-responder.ts';
import type { Responder, SpeechToText, SpokenAudio, TextToSpeech } from './providers/provider.ts';
import type { OnStageEvent, ProviderRegistry, VoiceChoice } from './providers/registry.ts';
import { ProviderConfigError } from './providers/vendor-access.ts';
import { speakable } from './speakable.ts';

/** Names in the order in which they are tried. */
export type DefaultNames = {
  readonly llm?: readonly string[];
  readonly stt?: readonly string[];
  readonly tts?: readonly string[];
};

export type CallProviders = {
  responder: Responder;
  textToSpeech: TextToSpeech;
  /** Of flite, and of vendors whose voice the agent does not name. */
  voice: string;
  /** Absent: words are not understood, and turns go by speech alone. */
  speechToText?: SpeechToText;
  /** Text as the voice should say it. */
  pronounce?: (text: string) => string;
  /** Words for the midst of a reply that stalls, spoken ahead. */
  bridges?: (index: number) => readonly SpokenAudio[] | undefined;
};

/** A voice that takes longer has more to do than this. */
const FILLERS_WITHIN_MS = 20_000;

/** @throws ProviderConfigError saying what to set */
export function vendorProviders(
  agent: AgentConfig,
  registry: ProviderRegistry,
  defaults: DefaultNames,
  fillers: Fillers,
  onEvent?: OnStageEvent,
  tools?: CallTools,
): CallProviders {
  const { stt, llm, tts, voice, prompt, language } = agent;
  const models = namesOf(llm, defaults.llm ?? registry.usable('language-model'), 'language model', 'OPENAI_API_KEY');
  const ears = namesOf(stt, defaults.stt ?? registry.usable('speech-to-text'), 'recogniser', 'DEEPGRAM_API_KEY');
  const { temperature, maxOutputTokens, reasoningEffort } = llm;
  const model = registry.languageModel(
    models,
    {
      ...(temperature !== undefined && { temperature }),
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      ...(reasoningEffort && { reasoningEffort }),
    },
    onEvent,
  );
  const keyterms = stt.keyterms.length > 0 && { keyterms: stt.keyterms, prompt: stt.keyterms.join(', ') };
  const { speed, instructions } = tts;
  const textToSpeech = registry.textToSpeech(
    voicesOf(agent, defaults.tts ?? registry.usable('text-to-speech')),
    { ...(language && { language }), ...(speed !== undefined && { speed }), ...(instructions && { instructions }) },
    onEvent,
  );
  const key = JSON.stringify([tts, voice, language]);
  fillers.prepare(key, textToSpeech, voice, AbortSignal.timeout(FILLERS_WITHIN_MS));
  return {
    pronounce: (text) => speakable(text, language),
    bridges: (index) => fillers.get(key, index),
    responder: new LlmResponder({ model, prompt, tools }),
    textToSpeech,
    voice,
    speechToText: registry.speechToText(ears, { ...keyterms }, onEvent),
  };
}

function namesOf(
  { model, fallbacks }: { model?: string | undefined; fallbacks: readonly string[] },
  defaults: readonly string[],
  what: string,
  variable: string,
): readonly string[] {
  const names = model ? [model, ...fallbacks] : defaults;
  if (names.length > 0) return names;
  throw new ProviderConfigError('missing_key', `there is no ${what}: set ${variable}, or name one in the agent`);
}

/** The agent's voice is its vendor's; fallbacks speak with their own. */
function voicesOf({ tts, voice: flite }: AgentConfig, defaults: readonly string[]): VoiceChoice[] {
  const [first, ...others] = tts.model ? [tts.model, ...tts.fallbacks] : defaults;
  const choices = first
    ? [{ name: first, ...(tts.voice && { voice: tts.voice }) }, ...others.map((name) => ({ name }))]
    : [];
  return choices.map((choice) => (choice.name === 'flite' ? { ...choice, voice: flite } : choice));
}
