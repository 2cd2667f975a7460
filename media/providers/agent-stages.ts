/** Whom an agent hears, thinks and speaks with: the names it has, else the environment's, else all that have keys. Pure. */
import type { AgentConfig } from '../agent/agent.ts';
import type { VoiceChoice } from './registry.ts';
import type { StageName } from './stage.ts';
import { runnableProviders, usableProviders } from './usable-providers.ts';
import type { VendorAccess } from './vendor-access.ts';

/** Names in the order in which they are tried. */
export type DefaultNames = {
  readonly llm?: readonly string[];
  readonly stt?: readonly string[];
  readonly tts?: readonly string[];
};

export type AgentStages = { llm: string[]; stt: string[]; tts: VoiceChoice[] };

type Named = { model?: string | undefined; fallbacks: readonly string[] };

/** @throws ProviderConfigError where one of the three has nobody, saying what to set */
export function stagesOf(agent: AgentConfig, access: VendorAccess, defaults: DefaultNames): AgentStages {
  const wanted = (stage: StageName, { model, fallbacks }: Named, ofAll: readonly string[] | undefined) =>
    model ? [model, ...fallbacks] : (ofAll ?? usableProviders(stage, access));
  const { llm, stt, tts, voice: flite } = agent;
  const voices = wanted('text-to-speech', tts, defaults.tts);
  return {
    llm: runnableProviders('language-model', wanted('language-model', llm, defaults.llm), access),
    stt: runnableProviders('speech-to-text', wanted('speech-to-text', stt, defaults.stt), access),
    tts: runnableProviders('text-to-speech', voices, access).map((name) => {
      if (name === 'flite') return { name, voice: flite };
      // The agent's voice is its vendor's; fallbacks speak with their own.
      return { name, ...(tts.voice && name === voices[0] && { voice: tts.voice }) };
    }),
  };
}
