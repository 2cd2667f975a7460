/** The settings that open vendors' doors, and what they come to: data for the voice workers, which read no environment. */
import { z } from 'zod';
import { LANGUAGE_MODEL_ORDER } from '../media/providers/defaults.ts';
import { parseProviderName, VENDOR_VARIABLES, type VendorAccess } from '../media/providers/vendor-access.ts';

const key = (vendor: string, uses: string) => ({
  schema: z.string().min(1),
  allowed: 'a key',
  meaning: `Key of ${vendor}, for ${uses}.`,
  secret: true as const,
});

const isAddress = (value: string): boolean => URL.canParse(value) && /^(https?|wss?):$/.test(new URL(value).protocol);
const address = (meaning: string) => ({
  schema: z.string().refine(isAddress),
  allowed: 'an address with http or https',
  meaning,
});

const isProviderName = (name: string): boolean => {
  const { vendor, model } = parseProviderName(name);
  return (vendor in VENDOR_VARIABLES || vendor === 'flite') && model !== '';
};
const names = (example: string, meaning: string) => ({
  schema: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.string().refine(isProviderName)).min(1)) as unknown as z.ZodType<string[], string>,
  allowed: `vendors with models, such as \`${example}\`, separated by commas`,
  defaultInWords: 'all with keys, best first',
  meaning,
});

/** How many calls at once a vendor allows for its key. One for each, whatever the key is used for. */
const concurrency = (vendor: string) => ({
  schema: z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(1).max(100_000)) as unknown as z.ZodType<
    number,
    string
  >,
  allowed: 'a whole number from 1 to 100000',
  defaultInWords: 'no limit',
  meaning: `Most concurrent uses of ${vendor} that its key allows, shared evenly by the voice workers of all servers.`,
});

const vendorLimits = {
  OPENAI_CONCURRENT: concurrency('OpenAI'),
  OPENAI_COMPATIBLE_CONCURRENT: concurrency('that address'),
  CEREBRAS_CONCURRENT: concurrency('Cerebras'),
  GROQ_CONCURRENT: concurrency('Groq'),
  GOOGLE_CONCURRENT: concurrency('Google'),
  ANTHROPIC_CONCURRENT: concurrency('Anthropic'),
  AWS_CONCURRENT: concurrency('Bedrock'),
  DEEPGRAM_CONCURRENT: concurrency('Deepgram'),
  CARTESIA_CONCURRENT: concurrency('Cartesia'),
};

export const vendorSettings = {
  OPENAI_API_KEY: key('OpenAI', 'models, recognition and voices'),
  OPENAI_BASE_URL: address(
    'Where OpenAI is, if not at its own address; without a key, the same as `OPENAI_COMPATIBLE_URL`.',
  ),
  OPENAI_COMPATIBLE_URL: address(
    "An address that speaks OpenAI's protocol, including the version in its path: Ollama, vLLM, a gateway.",
  ),
  OPENAI_COMPATIBLE_KEY: key('that address', 'what it serves'),
  CEREBRAS_API_KEY: key('Cerebras', 'models'),
  GROQ_API_KEY: key('Groq', 'models'),
  GOOGLE_API_KEY: key('Google', 'models'),
  ANTHROPIC_API_KEY: key('Anthropic', 'models'),
  AWS_REGION: { schema: z.string().min(1), allowed: 'a region', meaning: 'Region of Amazon Bedrock, for models.' },
  AWS_ACCESS_KEY_ID: key('AWS', 'Bedrock'),
  AWS_SECRET_ACCESS_KEY: key('AWS', 'Bedrock'),
  AWS_SESSION_TOKEN: key('a session of AWS', 'Bedrock'),
  DEEPGRAM_API_KEY: key('Deepgram', 'recognition'),
  DEEPGRAM_BASE_URL: address('Where Deepgram is, if not at its own address.'),
  CARTESIA_API_KEY: key('Cartesia', 'voices'),
  CARTESIA_BASE_URL: address('Where Cartesia is, if not at its own address.'),
  LLM_MODEL: names(
    'cerebras/gpt-oss-120b',
    'Language models of agents that name none, in the order in which they are tried.',
  ),
  STT_MODEL: names('deepgram/nova-3', 'The same for recognisers.'),
  TTS_MODEL: names('cartesia/sonic-3.5', 'The same for voices; flite is always the last.'),
  ...vendorLimits,
};

type Values = { readonly [Name in keyof typeof vendorSettings]?: string | string[] | number | undefined };

/** Providers of agents that name none. */
export type DefaultModels = {
  readonly llm?: readonly string[];
  readonly stt?: readonly string[];
  readonly tts?: readonly string[];
};

const KEYED = ['openai', 'cerebras', 'groq', 'google', 'anthropic', 'deepgram', 'cartesia'] as const;

/** Where settings are not named as the vendor. */
const PREFIXES: Readonly<Record<string, string>> = { bedrock: 'AWS', compatible: 'OPENAI_COMPATIBLE' };

/** The doors that are open. */
export const vendorAccessOf = (values: Values): VendorAccess => {
  const text = (name: string): string | undefined => values[name as keyof Values] as string | undefined;
  const access: VendorAccess = {};
  for (const vendor of KEYED) {
    const apiKey = text(`${vendor.toUpperCase()}_API_KEY`);
    const baseUrl = text(`${vendor.toUpperCase()}_BASE_URL`);
    if (apiKey !== undefined) access[vendor] = { apiKey, ...(baseUrl !== undefined && { baseUrl: trimmed(baseUrl) }) };
  }
  const compatible = text('OPENAI_COMPATIBLE_URL') ?? (access.openai ? undefined : text('OPENAI_BASE_URL'));
  const apiKey = text('OPENAI_COMPATIBLE_KEY');
  if (compatible !== undefined) access.compatible = { baseUrl: trimmed(compatible), ...(apiKey && { apiKey }) };
  const [region, accessKeyId, secretAccessKey, sessionToken] = [
    'REGION',
    'ACCESS_KEY_ID',
    'SECRET_ACCESS_KEY',
    'SESSION_TOKEN',
  ].map((name) => text(`AWS_${name}`));
  if (region && accessKeyId && secretAccessKey) {
    access.bedrock = { region, accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
  }
  for (const [vendor, door] of Object.entries(access)) {
    const concurrent = values[`${PREFIXES[vendor] ?? vendor.toUpperCase()}_CONCURRENT` as keyof Values];
    if (concurrent !== undefined) Object.assign(door, { concurrent });
  }
  return access;
};

export const defaultModelsOf = ({ LLM_MODEL, STT_MODEL, TTS_MODEL }: Values): DefaultModels => ({
  ...(LLM_MODEL && { llm: LLM_MODEL as string[] }),
  ...(STT_MODEL && { stt: STT_MODEL as string[] }),
  ...(TTS_MODEL && { tts: TTS_MODEL as string[] }),
});

/** Whether what is there suffices for an agent that names nothing: a language model, and a recogniser. */
export const canConverse = (access: VendorAccess, { llm, stt }: DefaultModels): boolean => {
  const models = LANGUAGE_MODEL_ORDER.some((vendor) => vendor !== 'compatible' && access[vendor] !== undefined);
  const recognisers = access.deepgram !== undefined || access.openai !== undefined;
  return (llm !== undefined || models) && (stt !== undefined || recognisers);
};

const trimmed = (url: string): string => url.replace(/\/+$/, '');
