/** What the conversation is told, what it orders, and what of it survives a voice worker. */
import type { AgentOutput, CallEvent } from './call-events.ts';

/** A turn of the caller that the turn detector takes as ended. */
export type EndedTurn = { startMs: number; speechMs: number; endOfSpeechMs: number; endpointingMs: number };

/** What the agent does next: greet, answer a turn, or say again what a break cut off. */
export type ReplyRequest =
  | { kind: 'greeting'; turnId: string }
  | { kind: 'answer'; turnId: string; turn: EndedTurn; turnIndex: number; text?: string; cutIn?: CutIn }
  | { kind: 'repeat'; turnId: string; text: string };

/** How the caller cut in: from the onset of the speech to the agent's silence, and what had been heard by then. */
export type CutIn = { silentAfterMs: number; heard: string };

export type ConversationEvent =
  /** The caller can hear and, if at all, be heard. Again after each return of the client. */
  | { type: 'client-ready' }
  | { type: 'client-gone' }
  | { type: 'speech-started'; startMs: number }
  | { type: 'speech-stopped' }
  | { type: 'turn-ended'; turn: EndedTurn }
  | { type: 'typed'; text: string }
  /** What the caller's speech does to the agent's voice, as barge-in decides. */
  | { type: 'output'; output: AgentOutput }
  /** The caller's speech, or the caller's click, ends the reply. */
  | { type: 'cut-in'; onsetMs?: number }
  /** The agent's voice went silent after a pause or a stop. */
  | { type: 'silent' }
  | { type: 'reply-audible' }
  | { type: 'reply-text'; text: string }
  | { type: 'reply-finished'; text: string }
  | { type: 'reply-failed' };

/** How far the running reply has come: the words that the caller has heard, and those that are left. */
export type ReplyProgress = { heard: string; unheard: string };

export type ConversationEffect =
  | { type: 'emit'; event: CallEvent }
  | { type: 'reply'; request: ReplyRequest }
  /** Give the reply up: stop generating, fade the voice out. */
  | { type: 'abort-reply' };

/** What has to survive a voice worker, so that another goes on. */
export type ConversationSnapshot = {
  greeted: boolean;
  turnIndex: number;
  turnNumber: number;
  /** What the agent was saying and the caller did not hear. */
  unheard?: string;
};
