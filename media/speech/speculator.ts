/** Has replies generated ahead of the end of the caller's turn, as `speculation.ts` decides, and tells of each. */
import type { PreemptiveGenerationOptions } from '../agent/agent.ts';
import type { AgentVoice } from './agent-voice.ts';
import type { ReplyRequest } from '../conversation/conversation-events.ts';
import type { Decide } from '../turn/decision.ts';
import { journaledPart } from '../journal/journal-parts.ts';
import type { Journal } from '../journal/journal.ts';
import type { Message, SpeechToTextEvent } from '../providers/provider.ts';
import type { SpeculativeReply } from './speculative-reply.ts';
import type { BeginReason, DiscardReason, Heard, Speculation, SpeculationAction } from '../turn/speculation.ts';
import { WINDOW_MS } from '../vad/speech-detector.ts';
import { wordsOf } from '../turn/words.ts';

export type SpeculatorOptions = {
  preemptiveGeneration: PreemptiveGenerationOptions;
  journal?: Journal | undefined;
  voice: AgentVoice;
  /** The turn of the caller that would be answered if it ended now. */
  answerable: () => string | undefined;
  /** What was said so far. */
  history: () => Message[];
  decide: Decide;
  /** Told of the steps of a reply that is used, with their times. */
  onStep: (step: Step, atMs: number) => void;
  now: () => number;
};

export type SpeculationCounts = { begun: number; used: number; discarded: number };
export const NO_SPECULATIONS: Readonly<SpeculationCounts> = { begun: 0, used: 0, discarded: 0 };
type Step = 'firstTokenMs' | 'firstAudioMs';
type Running = {
  reply: SpeculativeReply;
  turnId: string;
  begunMs: number;
  steps: Map<Step, number>;
  /** The turn has ended, with the same words. */
  accepted: boolean;
};

export class Speculator {
  readonly counts: SpeculationCounts = { ...NO_SPECULATIONS };
  readonly #options: SpeculatorOptions;
  readonly #speculation: Speculation;
  #inTurn = false;
  #speechMs = 0;
  #silenceMs = 0;
  #running: Running | undefined;

  constructor(options: SpeculatorOptions) {
    this.#options = options;
    this.#speculation = journaledPart(options.journal, 'speculation', options.preemptiveGeneration);
  }

  speechStarted(): void {
    this.#inTurn = true;
  }

  /** @param text all words of the turn */
  recognised(event: Exclude<SpeechToTextEvent, { type: 'error' }>, text: string, nowMs: number): void {
    const heard: Heard = event.type === 'turn' ? event.event : event.type;
    this.#act(this.#speculation.recognised(heard, text, this.#free, nowMs), nowMs);
  }

  /** @param silenceMs 0 in speech */
  window(silenceMs: number, nowMs: number): void {
    if (!this.#inTurn) return;
    if (silenceMs === 0) this.#speechMs += WINDOW_MS;
    this.#silenceMs = silenceMs;
    this.#act(this.#speculation.window(silenceMs, this.#free, nowMs), nowMs);
  }

  /** To be called before the conversation hears of it. @param text its words */
  turnEnded(text: string, nowMs: number): void {
    this.#act(this.#speculation.turnEnded(text), nowMs);
    this.#inTurn = false;
    this.#speechMs = this.#silenceMs = 0;
  }

  /** What there is of this reply already. Anything else that was begun is discarded. */
  take(request: ReplyRequest, nowMs: number): SpeculativeReply | undefined {
    const running = this.#running;
    if (!running) return undefined;
    if (request.kind !== 'answer' || !this.#answers(running, request)) {
      this.#unanswered(nowMs);
      return undefined;
    }
    const { reply, begunMs, steps } = running;
    this.#running = undefined;
    this.counts.used++;
    for (const [step, atMs] of steps) this.#options.onStep(step, atMs);
    this.#options.decide('use', 'same words', { aheadMs: nowMs - begunMs }, nowMs);
    return reply;
  }

  /** The first text or audio of what runs is there. */
  step(step: Step, nowMs: number): void {
    const steps = this.#running?.steps;
    if (steps && !steps.has(step)) steps.set(step, nowMs);
  }

  /** Gives up what nobody will ask for any more. */
  poll(nowMs: number): void {
    const running = this.#running;
    if (running && (running.accepted || this.#options.answerable() !== running.turnId)) this.#unanswered(nowMs);
  }

  close(): void {
    this.#running?.reply.discard();
    this.#running = undefined;
  }

  get #free(): boolean {
    return this.#options.answerable() !== undefined;
  }

  /** Nothing but the caller's words has been said since it was begun. */
  #answers({ accepted, turnId, reply }: Running, request: Extract<ReplyRequest, { kind: 'answer' }>): boolean {
    const history = this.#options.history();
    return accepted && request.turnId === turnId && history.at(-2) === reply.history.at(-2);
  }

  #act(actions: readonly SpeculationAction[], nowMs: number): void {
    for (const action of actions) {
      if (action.do === 'begin') this.#begin(action.text, action.reason, nowMs);
      else if (action.do === 'discard') this.#discard(action.reason, nowMs);
      else if (this.#running) this.#running.accepted = true;
    }
  }

  #begin(text: string, reason: BeginReason, nowMs: number): void {
    const { answerable, voice, decide, now } = this.#options;
    const turnId = answerable();
    if (turnId === undefined) return;
    const before = this.#options.history();
    const turnIndex = before.filter(({ role }) => role === 'user').length;
    const turn = { turnId, text, speechMs: this.#speechMs, endpointingMs: this.#silenceMs, turnIndex };
    const reply = voice.speculate(turn, [...before, { role: 'user', text, turnId }]);
    this.#running = { reply, turnId, begunMs: nowMs, steps: new Map(), accepted: false };
    this.counts.begun++;
    decide('speculate', reason, { silenceMs: this.#silenceMs, words: wordsOf(text).length }, nowMs);
    reply.outcome.catch(() => {
      if (this.#running?.reply === reply) this.#act(this.#speculation.failed(), now());
    });
  }

  #unanswered(nowMs: number): void {
    this.#act(this.#speculation.unanswered(), nowMs);
    // Its turn is over: there is nothing left to decide.
    this.#discard('unanswered', nowMs);
  }

  #discard(reason: DiscardReason, nowMs: number): void {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    this.counts.discarded++;
    running.reply.discard();
    this.#options.decide('discard', reason, { afterMs: nowMs - running.begunMs }, nowMs);
  }
}
