/**
 * What an agent with a language model is made of: who it is, and which recogniser, model and voice it uses. Names are
 * `vendor/model`, as `deepgram/nova-3`. Where an agent names none, the environment does; else all that there are keys for
 * are used, the best first.
 */
import { z } from 'zod';

const providerName = z.string().regex(/^[a-z]+(\/\S{1,200})?$/, 'must be vendor/model, as deepgram/nova-3');
/** Tried in this order when the one before fails. */
const fallbacks = z.array(providerName).max(8).default([]);

export const providerFields = {
  /** Who the agent is and how it speaks: the first message to the language model. */
  prompt: z.string().max(100_000).default(''),
  /** A BCP 47 tag for recogniser and voice; without one their own defaults hold. */
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag, as en or en-US')
    .optional(),
  stt: z
    .strictObject({
      model: providerName.optional(),
      fallbacks,
      /** Names and words that callers are likely to say. */
      keyterms: z.array(z.string().min(1).max(100)).max(100).default([]),
    })
    .prefault({}),
  llm: z
    .strictObject({
      model: providerName.optional(),
      fallbacks,
      temperature: z.number().min(0).max(2).optional(),
      maxOutputTokens: z.number().int().min(16).max(16_384).optional(),
      /** Higher: the caller waits longer. Default: the lowest that the model takes. */
      reasoningEffort: z.enum(['none', 'minimal', 'low', 'medium', 'high']).optional(),
    })
    .prefault({}),
  /** What the language model is told of a long conversation. Tokens are estimated: `memory.ts`. */
  memory: z
    .strictObject({
      /** Off: the oldest words are left out above one and a half times as many tokens, unsaid. */
      summarise: z.boolean().default(true),
      /** From here on the oldest of what was said is summarised, behind the replies. Higher: dearer and slower turns. */
      aboveTokens: z.number().int().min(200).max(1_000_000).default(6_000),
      /** Of the latest, so much stays as it was said. */
      keepTokens: z.number().int().min(50).max(500_000).default(2_000),
    })
    .refine((value) => value.keepTokens < value.aboveTokens, {
      path: ['keepTokens'],
      message: 'must be below aboveTokens',
    })
    .prefault({}),
  tts: z
    .strictObject({
      model: providerName.optional(),
      /** The vendor's own name for the voice; that of flite is the agent's `voice`. */
      voice: z.string().min(1).max(200).optional(),
      fallbacks,
      /** 1 is the voice's own pace. */
      speed: z.number().min(0.5).max(2).optional(),
      /** How it is to sound, in words, for voices that take them. */
      instructions: z.string().max(2000).optional(),
    })
    .prefault({}),
};
