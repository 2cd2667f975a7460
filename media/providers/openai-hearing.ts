/** What OpenAI's ways of transcription have in common: how they are reached, and what they are told of the speech. */
import type { VendorTimeouts } from './deadline.ts';

export type OpenAiHearingOptions = {
  vendor: 'openai' | 'compatible';
  /** Local servers need none. */
  apiKey?: string;
  /** With its version. Default: OpenAI's own address. */
  baseUrl?: string;
  model: string;
  /** Words that are likely to be said. */
  prompt?: string;
  timeouts?: VendorTimeouts;
};

export function addressOf({ baseUrl = 'https://api.openai.com/v1' }: OpenAiHearingOptions): string {
  return baseUrl;
}

export function authorizationOf({ apiKey }: OpenAiHearingOptions): Record<string, string> {
  return apiKey ? { authorization: `Bearer ${apiKey}` } : {};
}

/** @param language a BCP 47 tag, of which they take what ISO 639-1 knows */
export function transcriptionOf(
  { model, prompt }: OpenAiHearingOptions,
  language: string | undefined,
): { model: string; language?: string; prompt?: string } {
  return { model, ...(language && { language: language.split('-')[0]! }), ...(prompt && { prompt }) };
}
