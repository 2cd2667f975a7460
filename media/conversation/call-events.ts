/** What a call tells its client. The same shapes as the signalling protocol's events, which `server/` passes on. */
import type { Decision } from '../turn/decision.ts';
import type { ClientToolCall } from '../tools/client-tools.ts';
import type { ToolUse } from '../tools/tool-use.ts';
import type { TurnTimings } from './turn-timings.ts';

export type AgentActivity = 'listening' | 'thinking' | 'speaking';
export type AgentOutput = 'normal' | 'ducked' | 'paused';

/** Times in milliseconds from the start of the session. */
export type CallEvent =
  | {
      name: 'agent-state';
      data: {
        state: AgentActivity;
        output: AgentOutput;
        turnId?: string;
        /** From the caller's onset of speech to the agent's silence, where the caller cut in. */
        interruptedAfterMs?: number;
        atMs: number;
      };
    }
  | { name: 'speech'; data: { speaking: boolean; turnId: string; atMs: number } }
  | {
      name: 'turn';
      data: {
        turnId: string;
        startMs: number;
        speechMs: number;
        endOfSpeechMs: number;
        endpointingMs: number;
        atMs: number;
      };
    }
  | {
      name: 'transcript';
      data: {
        turnId: string;
        role: 'user' | 'agent';
        text: string;
        final: boolean;
        startMs: number;
        endMs: number;
        /** Of an agent's line that was cut off: where it ends is a guess. */
        estimated?: true;
        /** Of an agent's line that answers a spoken turn: how the turn went, as far as it is known. */
        timings?: TurnTimings;
        /** Of a final line: what was decided since the one before. */
        decisions?: readonly Decision[];
        /** Of a final line: the tools that were run since the one before. */
        tools?: readonly ToolUse[];
      };
    }
  | { name: 'decision'; data: Decision }
  /** The page is to run a tool, and no longer to. */
  | { name: 'tool-call'; data: ClientToolCall & { atMs: number } }
  | { name: 'tool-cancel'; data: { callId: string; atMs: number } }
  /** A text for the page to show. */
  | { name: 'text'; data: { turnId: string; text: string; atMs: number } }
  | { name: 'problem'; data: { code: string; message: string } };

/** What another voice worker or pod would have to know of to go on. */
export function changesState({ name, data }: CallEvent): boolean {
  return name === 'agent-state' || name === 'speech' || (name === 'transcript' && data.final);
}
