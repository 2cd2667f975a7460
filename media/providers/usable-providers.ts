/** Which providers can be used, by their names and the keys that there are. Opens nothing. */
import {
  DEFAULT_LANGUAGE_MODELS,
  DEFAULT_SPEECH_TO_TEXT,
  DEFAULT_TEXT_TO_SPEECH,
  LANGUAGE_MODEL_ORDER,
} from './defaults.ts';
import { LANGUAGE_MODEL_VENDORS } from './language-model-vendors.ts';
import type { StageName } from './stage.ts';
import {
  parseProviderName,
  ProviderConfigError,
  VENDOR_VARIABLES,
  type Vendor,
  type VendorAccess,
} from './vendor-access.ts';

const KINDS: Readonly<Record<StageName, { what: string; vendors: readonly string[]; variable: string }>> = {
  'language-model': { what: 'language model', vendors: LANGUAGE_MODEL_VENDORS, variable: 'OPENAI_API_KEY' },
  'speech-to-text': {
    what: 'recogniser',
    vendors: ['deepgram', 'openai', 'compatible'],
    variable: 'DEEPGRAM_API_KEY',
  },
  'text-to-speech': {
    what: 'voice',
    vendors: ['cartesia', 'openai', 'compatible', 'flite'],
    variable: 'CARTESIA_API_KEY',
  },
};
const ALL_VENDORS: ReadonlySet<string> = new Set(Object.values(KINDS).flatMap(({ vendors }) => vendors));

/** The names, with their default models, that can be used with the keys there are; the best first. */
export function usableProviders(stage: StageName, access: VendorAccess): string[] {
  const named = (vendors: readonly Vendor[], models: Readonly<Record<string, string>>) =>
    vendors.filter((vendor) => access[vendor] && models[vendor]).map((vendor) => `${vendor}/${models[vendor]}`);
  if (stage === 'language-model') return named(LANGUAGE_MODEL_ORDER, DEFAULT_LANGUAGE_MODELS);
  if (stage === 'speech-to-text') return named(['deepgram', 'openai'], DEFAULT_SPEECH_TO_TEXT);
  const { cartesia, openai } = DEFAULT_TEXT_TO_SPEECH;
  return [...named(['cartesia', 'openai'], { cartesia: cartesia.model, openai: openai.model }), 'flite'];
}

/**
 * Of the names those whose keys there are, in their order.
 * @throws ProviderConfigError `missing_key` where there is none, naming the variables that would bring one; for a name that
 * nothing would help, whatever else there is
 */
export function runnableProviders(stage: StageName, names: readonly string[], access: VendorAccess): string[] {
  const { what, vendors, variable } = KINDS[stage];
  for (const name of names) {
    const { vendor, model } = parseProviderName(name);
    if (!vendors.includes(vendor)) throw unusableProvider(stage, name);
    if (vendor === 'compatible' && model === undefined) throw missingModel(name);
  }
  if (names.length === 0) {
    throw new ProviderConfigError('missing_key', `there is no ${what}: set ${variable}, or name one in the agent`);
  }
  const runnable = names.filter((name) => variablesOf(name, access) === undefined);
  if (runnable.length > 0) return runnable;
  const needed = names.map((name) => `${variablesOf(name, access)} for ${name}`);
  throw new ProviderConfigError('missing_key', `no ${what} can be used: set ${[...new Set(needed)].join(', or ')}`);
}

export function unusableProvider(stage: StageName, name: string): ProviderConfigError {
  const { vendor } = parseProviderName(name);
  const { what, vendors } = KINDS[stage];
  const known = ALL_VENDORS.has(vendor);
  return new ProviderConfigError(
    known ? 'unsuitable_provider' : 'unknown_provider',
    `${known ? `${vendor} has no ${what}` : `there is no provider "${vendor}"`}: use one of ${vendors.join(', ')}`,
  );
}

export function missingModel(name: string): ProviderConfigError {
  const message = `"${name}" needs the name of a model after it, as in "${name}/llama3.2"`;
  return new ProviderConfigError('missing_model', message);
}

/** What to set for it; undefined: nothing is missing. */
function variablesOf(name: string, access: VendorAccess): string | undefined {
  const { vendor } = parseProviderName(name);
  return vendor === 'flite' || access[vendor as Vendor] ? undefined : VENDOR_VARIABLES[vendor as Vendor];
}
