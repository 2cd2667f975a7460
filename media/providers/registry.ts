/** From the names that agents use (`vendor/model`) and the keys that are there to providers that can be called. */
import { CartesiaSockets } from './cartesia-sockets.ts';
import { CartesiaSpeech } from './cartesia.ts';
import { DEFAULT_TIMEOUTS, type VendorTimeouts } from './deadline.ts';
import { DeepgramSpeechToText, type DeepgramOptions } from './deepgram.ts';
import {
  DEFAULT_LANGUAGE_MODELS,
  DEFAULT_SPEECH_TO_TEXT,
  DEFAULT_TEXT_TO_SPEECH,
  REALTIME_TRANSCRIPTION_MODELS,
} from './defaults.ts';
import { FailoverLanguageModel } from './failover-language-model.ts';
import { FailoverSpeechToText } from './failover-recognition.ts';
import { FailoverTextToSpeech, type SpeechCandidate } from './failover-speech.ts';
import { LANGUAGE_MODEL_VENDORS, type LanguageModelVendor, loadLanguageModels } from './language-model-vendors.ts';
import { type LanguageModelOptions, VendorLanguageModel } from './language-model.ts';
import { OpenAiRealtimeTranscription } from './openai-realtime-transcription.ts';
import { OpenAiSpeech } from './openai-speech.ts';
import { OpenAiTranscription } from './openai-transcription.ts';
import type { LanguageModel, SpeechToText, TextToSpeech } from './provider.ts';
import type { Candidate, StageEvent, StageName } from './stage.ts';
import { doorOf, languageModelAccess, parseProviderName, type Vendor, type VendorAccess } from './vendor-access.ts';
import { missingModel, unusableProvider, usableProviders } from './usable-providers.ts';
import { VendorGate } from './vendor-gate.ts';
import { VendorLimit } from './vendor-limit.ts';

export type ProviderRegistryOptions = {
  access: VendorAccess;
  /** Of all voices, so that one can go on where another died. */
  sampleRateHz: 24_000 | 48_000;
  /** The voice that is always there. */
  flite: TextToSpeech;
  /** Who shares what a key allows: the voice workers of all pods. Default: this one alone. */
  sharers?: () => number;
};

export type OnStageEvent = (event: StageEvent) => void;
export type LanguageModelSettings = Pick<
  LanguageModelOptions,
  'maxOutputTokens' | 'temperature' | 'reasoningEffort' | 'timeouts'
>;
export type SpeechToTextSettings = Pick<DeepgramOptions, 'keyterms' | 'flux' | 'timeouts'> & { prompt?: string };
export type TextToSpeechSettings = {
  language?: string;
  speed?: number;
  instructions?: string;
  timeouts?: VendorTimeouts;
};
/** `voice` is the vendor's own name for it; each vendor has a default. */
export type VoiceChoice = { name: string; voice?: string };

const FLITE_VOICE = 'slt';

export class ProviderRegistry {
  readonly #options: ProviderRegistryOptions;
  /** One for each vendor and kind of service, shared by all calls. */
  readonly #gates = new Map<string, VendorGate>();
  readonly #limits = new Map<Vendor, VendorLimit>();
  #cartesia: CartesiaSockets | undefined;

  constructor(options: ProviderRegistryOptions) {
    this.#options = options;
  }

  /** The keys that there are. */
  get access(): VendorAccess {
    return this.#options.access;
  }

  /** The names, with their default models, that can be used with the keys there are; the best first. */
  usable(stage: StageName): string[] {
    return usableProviders(stage, this.#options.access);
  }

  /**
   * The models in this order, and OpenAI's default after them where its key is there.
   * @throws ProviderConfigError for a name that cannot be used, also of a fallback
   */
  languageModel(names: readonly string[], settings: LanguageModelSettings, onEvent?: OnStageEvent): LanguageModel {
    const ending = this.#options.access.openai && !names.some((name) => parseProviderName(name).vendor === 'openai');
    const candidates = [...names, ...(ending ? ['openai'] : [])].map((name) => this.#languageModel(name, settings));
    return new FailoverLanguageModel({ candidates, ...(onEvent && { onEvent }) });
  }

  /** @throws ProviderConfigError for a name that cannot be used, also of a fallback */
  speechToText(names: readonly string[], settings: SpeechToTextSettings, onEvent?: OnStageEvent): SpeechToText {
    const candidates = names.map((name) => this.#speechToText(name, settings));
    return new FailoverSpeechToText({ candidates, ...(onEvent && { onEvent }) });
  }

  /**
   * The voices in this order, then Cartesia's default where its key is there, then flite.
   * @throws ProviderConfigError for a name that cannot be used, also of a fallback
   */
  textToSpeech(voices: readonly VoiceChoice[], settings: TextToSpeechSettings, onEvent?: OnStageEvent): TextToSpeech {
    const vendors = voices.map(({ name }) => parseProviderName(name).vendor);
    const endings = (['cartesia', 'flite'] as const)
      .filter((vendor) => (vendor === 'flite' || this.#options.access[vendor]) && !vendors.includes(vendor))
      .map((name) => ({ name }));
    const candidates = [...voices, ...endings].map((choice) => this.#voice(choice, settings));
    return new FailoverTextToSpeech({ candidates, ...(onEvent && { onEvent }) });
  }

  /**
   * Loads the packages of the models there are keys for. Call it while the thread has no calls: it keeps it busy for
   * hundreds of milliseconds. Never fails: the first turn will tell.
   */
  async load(): Promise<void> {
    const { access } = this.#options;
    await Promise.allSettled([loadLanguageModels(LANGUAGE_MODEL_VENDORS.filter((vendor) => access[vendor]))]);
  }

  /** Connects to what stays connected. Never fails, as `load`. */
  async connect(): Promise<void> {
    if (this.#options.access.cartesia) await Promise.allSettled([this.#cartesiaSockets().warm()]);
  }

  close(): void {
    this.#cartesia?.close();
  }

  #languageModel(name: string, settings: LanguageModelSettings): Candidate<LanguageModel> {
    const { vendor, model } = parseProviderName(name);
    if (!isLanguageModelVendor(vendor)) throw unusableProvider('language-model', name);
    const access = languageModelAccess(this.#options.access, vendor);
    const chosen = model ?? (vendor === 'compatible' ? undefined : DEFAULT_LANGUAGE_MODELS[vendor]);
    const provider = new VendorLanguageModel({ access, model: chosen ?? needsModel(name), ...settings });
    return { provider, gate: this.#gate('language-model', vendor) };
  }

  #speechToText(name: string, { keyterms, flux, prompt, timeouts }: SpeechToTextSettings): Candidate<SpeechToText> {
    const { vendor, model } = parseProviderName(name);
    const settings = { ...(timeouts && { timeouts }) };
    switch (vendor) {
      case 'deepgram': {
        const { apiKey, baseUrl } = doorOf(this.#options.access, vendor);
        const door = { apiKey, ...(baseUrl && { baseUrl }), ...(keyterms && { keyterms }), ...(flux && { flux }) };
        const provider = new DeepgramSpeechToText({
          ...door,
          model: model ?? DEFAULT_SPEECH_TO_TEXT.deepgram,
          ...settings,
        });
        return { provider, gate: this.#gate('speech-to-text', vendor) };
      }
      case 'openai':
      case 'compatible': {
        const { concurrent: _, ...door } = doorOf(this.#options.access, vendor);
        const chosen = model ?? (vendor === 'openai' ? DEFAULT_SPEECH_TO_TEXT.openai : needsModel(name));
        const options = { vendor, ...door, model: chosen, ...(prompt && { prompt }), ...settings };
        const realtime = vendor === 'openai' && REALTIME_TRANSCRIPTION_MODELS.includes(chosen);
        const provider = realtime ? new OpenAiRealtimeTranscription(options) : new OpenAiTranscription(options);
        return { provider, gate: this.#gate('speech-to-text', vendor) };
      }
      default:
        throw unusableProvider('speech-to-text', name);
    }
  }

  #voice({ name, voice }: VoiceChoice, settings: TextToSpeechSettings): SpeechCandidate {
    const { vendor, model } = parseProviderName(name);
    const { sampleRateHz, flite, access } = this.#options;
    const { language, speed, instructions, timeouts } = settings;
    const common = { sampleRateHz, ...(speed !== undefined && { speed }), ...(timeouts && { timeouts }) };
    switch (vendor) {
      case 'flite':
        return { provider: flite, voice: voice ?? model ?? FLITE_VOICE };
      case 'cartesia': {
        const options = { sockets: this.#cartesiaSockets(), ...common, ...(language && { language }) };
        const provider = new CartesiaSpeech({ ...options, model: model ?? DEFAULT_TEXT_TO_SPEECH.cartesia.model });
        return {
          provider,
          voice: voice ?? DEFAULT_TEXT_TO_SPEECH.cartesia.voice,
          gate: this.#gate('text-to-speech', vendor),
        };
      }
      case 'openai':
      case 'compatible': {
        const { concurrent: _, ...door } = doorOf(access, vendor);
        const chosen = model ?? (vendor === 'openai' ? DEFAULT_TEXT_TO_SPEECH.openai.model : needsModel(name));
        const options = { vendor, ...door, ...common, ...(instructions && { instructions }) };
        const provider = new OpenAiSpeech({ ...options, model: chosen });
        return {
          provider,
          voice: voice ?? DEFAULT_TEXT_TO_SPEECH.openai.voice,
          gate: this.#gate('text-to-speech', vendor),
        };
      }
      default:
        throw unusableProvider('text-to-speech', name);
    }
  }

  #cartesiaSockets(): CartesiaSockets {
    const { apiKey, baseUrl } = doorOf(this.#options.access, 'cartesia');
    const { connectMs } = DEFAULT_TIMEOUTS;
    this.#cartesia ??= new CartesiaSockets({ apiKey, connectMs, ...(baseUrl && { baseUrl }) });
    return this.#cartesia;
  }

  #gate(stage: StageName, vendor: Vendor): VendorGate {
    const key = `${stage}/${vendor}`;
    const limit = this.#limit(vendor);
    const gate = this.#gates.get(key) ?? new VendorGate(limit ? { limit } : {});
    this.#gates.set(key, gate);
    return gate;
  }

  /** One for the key, whatever it is used for. */
  #limit(vendor: Vendor): VendorLimit | undefined {
    const concurrent = this.#options.access[vendor]?.concurrent;
    if (concurrent === undefined) return undefined;
    const sharers = this.#options.sharers ?? (() => 1);
    const limit = this.#limits.get(vendor) ?? new VendorLimit({ concurrent, sharers });
    this.#limits.set(vendor, limit);
    return limit;
  }
}

function isLanguageModelVendor(vendor: string): vendor is LanguageModelVendor {
  return (LANGUAGE_MODEL_VENDORS as readonly string[]).includes(vendor);
}

function needsModel(name: string): never {
  throw missingModel(name);
}
