/** Which vendors there are, what opens their doors, and where that is configured. */
import type { AwsCredentials, LanguageModelAccess } from './language-model-vendors.ts';

type Keyed = {
  apiKey: string;
  /** In place of the vendor's own address. With the version (`…/v1`), but for Deepgram and Cartesia, which have several. */
  baseUrl?: string;
};

/** What is known of a vendor's door, and how many calls may go through it at once, over all pods. */
type Access<Door> = Door & { concurrent?: number };

/** The doors that are open; a vendor that is missing cannot be used. Given as data: nothing here reads the environment. */
export type VendorAccess = {
  openai?: Access<Keyed>;
  cerebras?: Access<Keyed>;
  groq?: Access<Keyed>;
  google?: Access<Keyed>;
  anthropic?: Access<Keyed>;
  deepgram?: Access<Keyed>;
  cartesia?: Access<Keyed>;
  bedrock?: Access<{ region: string; baseUrl?: string } & AwsCredentials>;
  /** Any address that speaks OpenAI's protocol, with its version: `http://localhost:11434/v1`. */
  compatible?: Access<{ baseUrl: string; apiKey?: string }>;
};

export type Vendor = keyof VendorAccess;

/** The variables that open a vendor's door, as messages name them. */
export const VENDOR_VARIABLES: Readonly<Record<Vendor, string>> = {
  openai: 'OPENAI_API_KEY',
  cerebras: 'CEREBRAS_API_KEY',
  groq: 'GROQ_API_KEY',
  google: 'GOOGLE_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
  deepgram: 'DEEPGRAM_API_KEY',
  cartesia: 'CARTESIA_API_KEY',
  bedrock: 'AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  compatible: 'OPENAI_COMPATIBLE_URL',
};

export type ProviderConfigErrorCode =
  | 'unknown_provider'
  /** The vendor's key is not configured. */
  | 'missing_key'
  /** The vendor has no default: its models are not known. */
  | 'missing_model'
  /** There is such a vendor, but it does not do this. */
  | 'unsuitable_provider';

/** A provider's name in an agent or a setting that cannot be used. Its message says what to do. */
export class ProviderConfigError extends Error {
  override readonly name = 'ProviderConfigError';
  readonly code: ProviderConfigErrorCode;

  constructor(code: ProviderConfigErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** `openai/gpt-6-luna` → vendor and model; models may contain slashes, and may be left out. */
export function parseProviderName(name: string): { vendor: string; model: string | undefined } {
  const slash = name.indexOf('/');
  if (slash < 0) return { vendor: name, model: undefined };
  return { vendor: name.slice(0, slash), model: name.slice(slash + 1) || undefined };
}

/** @throws ProviderConfigError missing_key */
export function doorOf<V extends Vendor>(access: VendorAccess, vendor: V): NonNullable<VendorAccess[V]> {
  const door = access[vendor];
  if (door) return door;
  throw new ProviderConfigError('missing_key', `${vendor} cannot be used: set ${VENDOR_VARIABLES[vendor]}`);
}

/** @throws ProviderConfigError missing_key */
export function languageModelAccess(access: VendorAccess, vendor: LanguageModelAccess['vendor']): LanguageModelAccess {
  const { concurrent: _, ...door } = doorOf(access, vendor);
  return { vendor, ...door } as LanguageModelAccess;
}
