/**
 * The models that are taken where an agent names none, as the vendors listed them on 2026-11-25. Chosen for the time to
 * the first token or sound, then for price; models that may answer without reasoning first.
 */
import type { LanguageModelVendor } from './language-model-vendors.ts';

export const DEFAULT_LANGUAGE_MODELS: Readonly<Record<Exclude<LanguageModelVendor, 'compatible'>, string>> = {
  // developers.openai.com/api/docs/models/gpt-6-luna: efforts from none, tools through the Responses API.
  openai: 'gpt-6-luna',
  // inference-docs.cerebras.ai/models/overview: about 3,000 tokens/s.
  cerebras: 'gpt-oss-120b',
  // console.groq.com/docs/models: production, about 500 tokens/s.
  groq: 'openai/gpt-oss-120b',
  // ai.google.dev/gemini-api/docs/models/gemini-3.5-flash-lite: stable, thinks minimally by default.
  google: 'gemini-3.5-flash-lite',
  // platform.claude.com/docs/en/about-claude/models/overview, and the list in @ai-sdk/anthropic 4.0.105.
  anthropic: 'claude-haiku-5-5',
  // docs.aws.amazon.com/nova: the smallest of the second generation; the prefix is that of regions in the US.
  bedrock: 'us.amazon.nova-2-lite-v1:0',
};

/** The order in which a language model is looked for among the keys given. */
export const LANGUAGE_MODEL_ORDER: readonly LanguageModelVendor[] = [
  'cerebras',
  'groq',
  'openai',
  'google',
  'anthropic',
  'bedrock',
  'compatible',
];

export const DEFAULT_SPEECH_TO_TEXT = {
  // developers.deepgram.com/docs/models-languages-overview. Flux (flux-general-en) brings turn events with it.
  deepgram: 'nova-3',
  // developers.openai.com/api/docs/guides/realtime-transcription: the model to start with.
  openai: 'gpt-live-transcribe',
} as const;

export const DEFAULT_TEXT_TO_SPEECH = {
  // docs.cartesia.ai/build-with-cartesia/tts-models: the stable successor of sonic-3; the voice is their quickstart's.
  cartesia: { model: 'sonic-3.5', voice: 'f786b574-daa5-4673-aa0c-cbe3e8534c02' },
  // developers.openai.com/api/docs/guides/text-to-speech recommends marin and cedar.
  openai: { model: 'gpt-4o-mini-tts', voice: 'marin' },
} as const;

/** Spoken answers are short; anthropic's default of 128,000 would let a runaway answer cost what it likes. */
export const DEFAULT_MAX_OUTPUT_TOKENS = 1_024;

/** Models of OpenAI's that transcribe while it is spoken; all others are sent whole utterances. */
export const REALTIME_TRANSCRIPTION_MODELS: readonly string[] = [
  'gpt-live-transcribe',
  'gpt-realtime-whisper',
  'gpt-4o-transcribe',
  'gpt-4o-mini-transcribe',
];
