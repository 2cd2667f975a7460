/** What the conversation is told, what it orders, and what of it survives a voice worker. */
import type { AgentOutput, CallEvent } from './call-events.ts';
import type { Course } from './conversation-restore.ts';
import type { InitiativeSnapshot } from '../voice-call/initiative.ts';
import type { MemorySnapshot } from './memory.ts';

/** A turn of the caller that the turn detector takes as ended. */
export type EndedTurn = { startMs: number; speechMs: number; endOfSpeechMs: number; endpointingMs: number };

/**
 * What the agent does next: greet, answer a turn (`again`: after a try that failed), or say words that are known, as those
 * that a break cut off (`ends`: the call is over with them, and why); or have the model say something that nobody asked for
 * (`text`: said where it cannot).
 */
export type ReplyRequest =
  | { kind: 'greeting'; turnId: string }
  | { kind: 'answer'; turnId: string; turn: EndedTurn; turnIndex: number; text?: string; cutIn?: CutIn; again?: true }
  | { kind: 'repeat'; turnId: string; text: string; broken?: BrokenClause; ends?: EndedBy }
  | { kind: 'prompt'; turnId: string; text: string; instruction: string };

/** Why a call is over that the agent ends. */
export type EndedBy = 'agent' | 'failed' | 'idle' | 'expired';

/** A reply that is being prepared or heard. */
export type Reply = {
  request: ReplyRequest;
  audible: boolean;
  output: AgentOutput;
  startMs: number;
  userStartMs?: number;
  /** The call is over when it has been heard. */
  hangsUp?: true;
};

/**
 * A clause that was stopped within, and can be gone on with at the very sample: it is spoken again whole, and the part
 * that was heard left out.
 */
export type BrokenClause = {
  clause: string;
  /** Names the samples (`SpokenAudio.cacheKey`): where they are others, the words that are left have to do. */
  key: string;
  /** From the start of the clause, in ms. */
  heardMs: number;
};

/** How the caller cut in: from the onset of the speech to the agent's silence, and what had been heard by then. */
export type CutIn = { silentAfterMs: number; heard: string };

export type ConversationEvent =
  /** The caller can hear and, if at all, be heard. Again after each return of the client. */
  | { type: 'client-ready' }
  | { type: 'client-gone' }
  | { type: 'speech-started'; startMs: number }
  | { type: 'speech-stopped' }
  /** @property words what was said in it, where there is a recogniser */
  | { type: 'turn-ended'; turn: EndedTurn; words?: { text: string; settled: boolean } }
  /** All words so far of the turn that runs. */
  | { type: 'user-text'; text: string }
  /** Words whose turn had been taken as ended, or that were too soft for one. */
  | { type: 'late-words'; text: string }
  /** What the caller said came to nothing, again: only an apology is left. */
  | { type: 'stuck' }
  /**
   * The agent speaks of its own accord, where nobody speaks; where it `insists`, in the midst of everything.
   * `instruction`: to the model, which finds other words than `text`. `ends`: the call is over with them.
   */
  | { type: 'volunteer'; text: string; instruction?: string; ends?: EndedBy; insists?: true }
  /** No recogniser is left; how often in a row. */
  | { type: 'recogniser-failed'; inARow: number }
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
  /** `exhausted`: nobody is left who could answer. */
  | { type: 'reply-failed'; exhausted?: boolean }
  /** The call is over when the reply that runs has been heard; one that is given up ends nothing. */
  | { type: 'hang-up' }
  /** Another pod speaks from now on: the reply ends at the word that it has come to. */
  | { type: 'hand-over' }
  /** This call stood by, and speaks from now on. `ready`: the client can hear it. */
  | { type: 'lead'; course: Course; ready: boolean };

/**
 * How far the running reply has come: the words that the caller has heard, and those that are left, a clause a line.
 * `unheard` goes back to the beginning of the clause, `rest` does not.
 */
export type ReplyProgress = {
  heard: string;
  unheard: string;
  /** Where `heard` ends is a guess: the voice gave no times of words, or the client did not tell how late it hears. */
  estimated?: true;
  /** Nothing of the reply itself is there yet, but words that bridge its silence. */
  bridgesOnly?: boolean;
  /** A tool was run for it, and what it is to say then is not all there yet. */
  findsOut?: true;
  /** The clauses before `unheard`, and how long they last. */
  whole?: { text: string; durationMs: number };
  rest?: string;
  broken?: BrokenClause;
};

/** What was heard of a reply that a break cut off, up to its unfinished clause; a line that nobody has written yet. */
export type HeardPart = { text: string; startMs: number; endMs: number };

export type ConversationEffect =
  | { type: 'emit'; event: CallEvent }
  | { type: 'reply'; request: ReplyRequest }
  /** Give the reply up: stop generating, fade the voice out. */
  | { type: 'abort-reply' }
  /** The call is over. */
  | { type: 'end'; reason: EndedBy };

/** What has to survive a voice worker or a pod, so that another goes on. Plain data of a few hundred bytes. */
export type ConversationSnapshot = {
  greeted: boolean;
  turnIndex: number;
  turnNumber: number;
  /** What the agent was to say and the caller did not hear, a clause a line. */
  unheard?: string;
  /** The turn whose reply that is, while the reply is under way. */
  replyTurnId?: string;
  /** What was heard of that reply before `unheard`. */
  heard?: HeardPart;
  /** In place of the first line of `unheard`, where the voice can go on within it. */
  broken?: BrokenClause;
  /** The call is over with `unheard`, or, where all was heard, with the client's return. */
  ends?: EndedBy;
  /** A turn of the caller's that has ended, and of whose answer nothing was heard. `text`: what was typed. */
  unanswered?: { turnId: string; startMs: number; text?: string };
  /** The turn that the caller was in the midst of. */
  speaking?: { turnId: string; startMs: number };
  /** Kept with it, for whoever goes on; the conversation itself knows nothing of it. */
  initiative?: InitiativeSnapshot;
  memory?: MemorySnapshot;
};

/** What a call that stood by has heard of the caller, in session time. */
export type HeardMeanwhile = {
  /** The turn that runs. */
  speech?: { startMs: number; speaking: boolean };
  /** The last one that ended. */
  turn?: EndedTurn;
};
