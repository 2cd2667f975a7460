/** The configuration of an agent: whom a caller talks to. One schema, for files and for whatever gives agents later. */
import { z } from 'zod';
import { limits } from './agent-limits.ts';
import { providerFields } from './agent-providers.ts';
import { agentTexts } from './agent-texts.ts';
import { namesUsedBy, tools } from './tool-schema.ts';
import { unknownNames, variables, type VariableValues } from './agent-variables.ts';

const ms = (minimum: number, maximum: number, value: number) =>
  z.number().int().min(minimum).max(maximum).default(value);

/**
 * When the caller's turn counts as ended. Delays count from the last speech frame; the largest wins, they do not add.
 * How they were chosen: docs/decisions/0015-barge-in-by-length.md.
 */
export const endpointing = z
  .strictObject({
    /** Probability from which a 32 ms window is speech. Lower: noise triggers. Higher: soft voices are missed. */
    threshold: z.number().min(0.05).max(0.95).default(0.5),
    /** Probability below which speech is over; between both nothing changes. */
    releaseThreshold: z.number().min(0.01).max(0.9).default(0.35),
    /** Speech that must be heard before it counts as speech. */
    speechStartMs: ms(32, 500, 96),
    /** Silence after which speech counts as ended, without a turn model. */
    speechEndMs: ms(100, 3000, 550),
    /** Audio kept from before the detected start. */
    preRollMs: ms(0, 2000, 500),
    /** A turn never ends sooner than this after the last speech frame … */
    minimumDelayMs: ms(0, 3000, 300),
    /** … and never later than this. */
    maximumDelayMs: ms(300, 10000, 2500),
  })
  .refine((value) => value.releaseThreshold <= value.threshold, {
    path: ['releaseThreshold'],
    message: 'must not be above threshold',
  })
  .refine((value) => value.minimumDelayMs <= value.maximumDelayMs, {
    path: ['minimumDelayMs'],
    message: 'must not be above maximumDelayMs',
  });

/** What the caller's speech does to the agent's voice. */
export const interruption = z
  .strictObject({
    /** Off: the agent always finishes. */
    enabled: z.boolean().default(true),
    /** Speech after which the agent's voice is lowered. */
    duckAfterMs: ms(32, 1000, 96),
    /** By how much, in decibels. */
    duckByDb: z.number().min(3).max(40).default(15),
    /** Speech after which the agent's voice stops for the time being. */
    pauseAfterMs: ms(64, 3000, 350),
    /** Speech after which the reply is given up, where no recogniser can tell what was said. */
    interruptAfterMs: ms(96, 5000, 500),
    /** Silence after which a voice that was ducked or paused goes on. */
    resumeAfterMs: ms(100, 2000, 400),
    /** How far back it goes on, where the voice gives no word times. */
    resumeRewindMs: ms(0, 2000, 300),
  })
  .refine((value) => value.duckAfterMs <= value.pauseAfterMs && value.pauseAfterMs <= value.interruptAfterMs, {
    path: ['pauseAfterMs'],
    message: 'must lie between duckAfterMs and interruptAfterMs',
  });

/** Replies begun before the caller's turn is known to be over, where a recogniser and a language model are there. */
export const preemptiveGeneration = z.strictObject({
  enabled: z.boolean().default(true),
  /** So many are begun in a turn, the one that is used among them. More: more is asked of vendors for nothing. */
  maxPerTurn: z.number().int().min(1).max(10).default(3),
  /** None is begun after this much speech in the turn: who speaks for so long is likely to go on. */
  maxSpeechMs: ms(500, 60_000, 10_000),
});

export const turnHandling = z.strictObject({
  endpointing: endpointing.prefault({}),
  interruption: interruption.prefault({}),
  preemptiveGeneration: preemptiveGeneration.prefault({}),
});

export const VOICES = ['slt', 'rms', 'awb', 'kal16'] as const;

/** Names of secrets, as settings and texts have them. */
export const secretName = z.string().regex(/^[A-Za-z_]\w{0,63}$/, 'must be letters, digits and underscores');

/** Where the end of a session is told; in place of WEBHOOK_URL. */
export const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an address with http or https' }),
  /** Name of the secret that signs; in place of WEBHOOK_SECRET. */
  secret: secretName,
});

/** The texts in which `{{name}}` stands for a variable. */
export const TEMPLATES = ['prompt', 'greeting'] as const;

export const agent = z
  .strictObject({
    /** For agents of a backend their id there. */
    name: z.string().regex(/^[A-Za-z0-9][\w-]{0,62}$/, 'must be letters, digits, dashes and underscores'),
    /** One sentence for the page. */
    description: z.string().max(500).default(''),
    /** What answers: the embedded parrot, or a language model. */
    responder: z.enum(['parrot', 'llm']).default('parrot'),
    ...providerFields,
    /** Said first. `{{name}}` stands for the variable of that name. */
    greeting: z.string().max(1000).default(''),
    voice: z.enum(VOICES).default('slt'),
    turnHandling: turnHandling.prefault({}),
    /**
     * What detectors and conversation are told and decide is written to JOURNAL_DIR, with what is said in text. `audio`: and what
     * both sides sound like.
     */
    journal: z.union([z.boolean(), z.strictObject({ audio: z.boolean().default(false) })]).default(false),
    /** What a language model may do besides speaking. */
    tools,
    /** What sessions may give, or must. */
    variables: variables.default({}),
    limits,
    /** Said in place of the language's own words. */
    texts: agentTexts,
    webhook: webhook.optional(),
    /** Values of secrets, for configurations that are not files; those of files stand in AGENT_SECRETS. */
    secrets: z.record(secretName, z.string().min(1).max(4096)).default({}),
  })
  .superRefine(({ variables: declared, ...texts }, context) => {
    for (const field of TEMPLATES) {
      for (const message of unknownNames(texts[field], declared)) {
        context.addIssue({ code: 'custom', path: [field], message });
      }
    }
    for (const [index, tool] of texts.tools.entries()) {
      const unknown = namesUsedBy(tool).variables.filter((name) => !Object.hasOwn(declared, name));
      for (const name of unknown) {
        const message = `has {{${name}}}, but the agent declares no variable "${name}"`;
        context.addIssue({ code: 'custom', path: ['tools', index], message });
      }
    }
    if (texts.limits.idle?.askBy === 'model' && texts.responder !== 'llm') {
      const message = 'needs a language model: set responder to llm, or askBy to texts';
      context.addIssue({ code: 'custom', path: ['limits', 'idle', 'askBy'], message });
    }
  });

/** An agent as it is written: with open places in its texts, and with secrets. */
export type AgentDefinition = z.infer<typeof agent>;
/** What a call is given of it: texts are complete, and there is no secret in it but for its tools. */
export type AgentConfig = Omit<AgentDefinition, 'variables' | 'webhook' | 'secrets'> & {
  /** What its tools' templates are filled with: of all secrets those that they name. It goes to voice workers alone. */
  toolValues?: { variables: VariableValues; secrets: Record<string, string> };
};
export type TurnHandling = z.infer<typeof turnHandling>;
export type EndpointingOptions = z.infer<typeof endpointing>;
export type InterruptionOptions = z.infer<typeof interruption>;
export type PreemptiveGenerationOptions = z.infer<typeof preemptiveGeneration>;
export type Voice = (typeof VOICES)[number];
