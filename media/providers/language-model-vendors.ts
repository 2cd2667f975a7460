/** The vendors of language models: each one's package is loaded when its first model is asked for. */
import type { LanguageModel as SdkModel } from 'ai';
import type { vendorFetch } from './vendor-fetch.ts';

export const LANGUAGE_MODEL_VENDORS = [
  'openai',
  'cerebras',
  'groq',
  'google',
  'bedrock',
  'anthropic',
  'compatible',
] as const;
export type LanguageModelVendor = (typeof LANGUAGE_MODEL_VENDORS)[number];

/** Where a vendor's models are, and what opens the door. Addresses include the version: `https://api.openai.com/v1`. */
export type LanguageModelAccess =
  | { vendor: 'openai' | 'cerebras' | 'groq' | 'google' | 'anthropic'; apiKey: string; baseUrl?: string }
  /** Any address that speaks OpenAI's chat completions: Ollama, vLLM, llama.cpp, a gateway. */
  | { vendor: 'compatible'; baseUrl: string; apiKey?: string }
  | ({ vendor: 'bedrock'; region: string; baseUrl?: string } & AwsCredentials);

export type AwsCredentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high';

/** Named always, so that no address in the environment of the process takes the vendor's place. */
const BASE_URLS = {
  openai: 'https://api.openai.com/v1',
  cerebras: 'https://api.cerebras.ai/v1',
  groq: 'https://api.groq.com/openai/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  anthropic: 'https://api.anthropic.com/v1',
} as const;

type Fetch = ReturnType<typeof vendorFetch>;

/** The SDK's model for one of a vendor's. Unknown names are the vendor's to refuse. */
export async function sdkModel(access: LanguageModelAccess, model: string, fetch: Fetch): Promise<SdkModel> {
  switch (access.vendor) {
    case 'compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      const { baseUrl, apiKey } = access;
      const options = { name: 'compatible', baseURL: baseUrl, includeUsage: true, fetch };
      return createOpenAICompatible({ ...options, ...(apiKey && { apiKey }) }).chatModel(model);
    }
    case 'bedrock': {
      const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
      const { vendor: _, baseUrl, ...credentials } = access;
      const baseURL = baseUrl ?? `https://bedrock-runtime.${access.region}.amazonaws.com`;
      // An empty key keeps it from taking one out of the environment.
      return createAmazonBedrock({ apiKey: '', ...credentials, baseURL, fetch })(model);
    }
    default: {
      const create = await loadVendor(access.vendor);
      return create({ apiKey: access.apiKey, baseURL: access.baseUrl ?? BASE_URLS[access.vendor], fetch })(model);
    }
  }
}

/** Loads what the models of these vendors need: hundreds of milliseconds in which the thread does nothing else. */
export async function loadLanguageModels(vendors: readonly LanguageModelVendor[]): Promise<void> {
  if (vendors.length === 0) return;
  const load = (vendor: LanguageModelVendor) => {
    if (vendor === 'compatible') return import('@ai-sdk/openai-compatible');
    return vendor === 'bedrock' ? import('@ai-sdk/amazon-bedrock') : loadVendor(vendor);
  };
  await Promise.all([import('ai'), ...vendors.map(load)]);
}

type CreateVendor = (options: { apiKey: string; baseURL: string; fetch: Fetch }) => (model: string) => SdkModel;

async function loadVendor(vendor: keyof typeof BASE_URLS): Promise<CreateVendor> {
  switch (vendor) {
    case 'openai':
      return (await import('@ai-sdk/openai')).createOpenAI;
    case 'cerebras':
      return (await import('@ai-sdk/cerebras')).createCerebras;
    case 'groq':
      return (await import('@ai-sdk/groq')).createGroq;
    case 'google':
      return (await import('@ai-sdk/google')).createGoogle;
    case 'anthropic':
      return (await import('@ai-sdk/anthropic')).createAnthropic;
  }
}

/**
 * The least reasoning that the model can be asked for; undefined leaves it to the vendor. The SDK turns `none` into the
 * lowest that it knows the model to take, but for Cerebras, whose gpt-oss refuses it, and for addresses that may serve
 * anything: some refuse the parameter itself.
 */
export function lowestReasoning(vendor: LanguageModelVendor, model: string): ReasoningEffort | undefined {
  if (vendor === 'compatible') return undefined;
  return vendor === 'cerebras' && model.includes('gpt-oss') ? 'low' : 'none';
}
