import type { AgentState, Decision, TranscriptEntry, Turn, TurnTimings } from '../../client-sdk/src/types.ts';

/** What happened in a turn, and why: from the caller's speech to the end of the agent's. Session time, in ms. */
export type TurnPicture = {
  turnId: string;
  /** The caller's speech; absent where the agent spoke unasked. Typed text has no length. */
  user?: { startMs: number; endMs: number; typed: boolean };
  /** As far as it is known. */
  timings: Partial<TurnTimings>;
  /** The agent's voice: without an end while it lasts. */
  agent?: { startMs: number; endMs: number | undefined };
  /** The caller cut in; whether where the words end is a guess. */
  cutOff?: { estimated: boolean };
  /** In the order of time. */
  decisions: Decision[];
};

export type StepName = keyof Omit<TurnTimings, 'endOfSpeechMs'>;
/** A bar: relative to the end of the caller's speech, in ms. */
export type Step = { name: StepName; fromMs: number; toMs: number };

/** In this order they are drawn. What runs side by side begins with the same step. */
const stepNames: readonly StepName[] = [
  'transcriptMs',
  'endpointMs',
  'firstTokenMs',
  'firstAudioMs',
  'firstPacketMs',
  'heardMs',
];

/** Turns that are kept: more is a list that nobody goes through. */
const maxTurns = 100;

/** Turns out of what a call tells. Pure. */
export class WaterfallModel {
  readonly #turns = new Map<string, TurnPicture>();
  #speaking: string | undefined;

  /** Those that became one, in the order in which they began: a noise does not, and a greeting only where it was disturbed. */
  get turns(): TurnPicture[] {
    return [...this.#turns.values()].filter(
      ({ user, agent, decisions }) => user !== undefined || (agent !== undefined && decisions.length > 0),
    );
  }

  turn({ turnId, startMs, endOfSpeechMs, atMs }: Turn): void {
    const picture = this.#picture(turnId);
    picture.user = { startMs, endMs: endOfSpeechMs, typed: false };
    picture.timings = { endOfSpeechMs, endpointMs: atMs, ...picture.timings };
  }

  transcript(entry: TranscriptEntry): void {
    for (const decision of entry.decisions ?? []) this.decision({ turnId: entry.turnId, ...decision });
    if (entry.role === 'user') this.#userLine(entry);
    else this.#agentLine(entry);
  }

  decision(decision: Decision): void {
    const turnId = decision.turnId ?? this.#speaking ?? [...this.#turns.keys()].at(-1);
    if (turnId === undefined) return;
    const { decisions } = this.#picture(turnId);
    if (decisions.some((known) => isSame(known, decision))) return;
    const later = decisions.findIndex(({ atMs }) => atMs > decision.atMs);
    decisions.splice(later === -1 ? decisions.length : later, 0, decision);
  }

  agentState({ state, turnId, interruptedAfterMs, atMs }: AgentState): void {
    const before = this.#current;
    if (before?.agent && turnId !== this.#speaking) {
      before.agent.endMs ??= atMs;
      if (interruptedAfterMs !== undefined) before.cutOff ??= { estimated: false };
    }
    this.#speaking = state === 'speaking' ? turnId : undefined;
    if (state !== 'speaking' || turnId === undefined) return;
    const picture = this.#picture(turnId);
    picture.agent ??= { startMs: atMs, endMs: undefined };
    picture.timings.firstPacketMs ??= atMs;
  }

  /** Nothing lasts any longer: the call is over. */
  end(atMs: number): void {
    const { agent } = this.#current ?? {};
    if (agent) agent.endMs ??= atMs;
    this.#speaking = undefined;
  }

  clear(): void {
    this.#turns.clear();
    this.#speaking = undefined;
  }

  /** The turn whose answer is being heard. */
  get #current(): TurnPicture | undefined {
    return this.#speaking === undefined ? undefined : this.#turns.get(this.#speaking);
  }

  /** After a reload the words of the past come again, and the turns with them. */
  #userLine({ turnId, final, startMs, endMs }: TranscriptEntry): void {
    if (!final) return;
    const picture = this.#picture(turnId);
    picture.user ??= { startMs, endMs, typed: startMs === endMs };
    picture.timings.endOfSpeechMs ??= endMs;
  }

  #agentLine({ turnId, final, timings, estimated, startMs, endMs }: TranscriptEntry): void {
    const picture = this.#picture(turnId);
    if (timings) picture.timings = { ...picture.timings, ...timings };
    picture.agent ??= { startMs, endMs: undefined };
    if (final) picture.agent.endMs = endMs;
    if (estimated) picture.cutOff = { estimated };
  }

  #picture(turnId: string): TurnPicture {
    const known = this.#turns.get(turnId);
    if (known) return known;
    const picture: TurnPicture = { turnId, timings: {}, decisions: [] };
    this.#turns.set(turnId, picture);
    for (const oldest of this.#turns.keys()) {
      if (this.#turns.size <= maxTurns) break;
      this.#turns.delete(oldest);
    }
    return picture;
  }
}

/**
 * The bars of a turn: each begins where the last step before it was done. What is not known, or does not exist (the
 * parrot has neither recogniser nor language model), has none.
 */
export function stepsOf({ timings }: TurnPicture): Step[] {
  const { endOfSpeechMs } = timings;
  if (endOfSpeechMs === undefined) return [];
  const done: number[] = [0];
  return stepNames.flatMap((name): Step[] => {
    const atMs = timings[name];
    if (atMs === undefined) return [];
    const toMs = Math.max(0, atMs - endOfSpeechMs);
    // The end of the turn is waited for beside the transcript, not after it.
    const fromMs = name === 'endpointMs' ? 0 : Math.max(...done.filter((ms) => ms <= toMs));
    done.push(toMs);
    return [{ name, fromMs, toMs }];
  });
}

/** From the caller's last sound to the agent's first; where it is heard there is not known, to its leaving. */
export function totalOf({ timings }: TurnPicture): { ms: number; heard: boolean } | undefined {
  const { endOfSpeechMs, firstPacketMs, heardMs } = timings;
  const atMs = heardMs ?? firstPacketMs;
  if (endOfSpeechMs === undefined || atMs === undefined) return undefined;
  return { ms: Math.max(0, atMs - endOfSpeechMs), heard: heardMs !== undefined };
}

function isSame(left: Decision, right: Decision): boolean {
  return left.atMs === right.atMs && left.decision === right.decision && left.reason === right.reason;
}
