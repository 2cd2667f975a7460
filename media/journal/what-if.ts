/**
 * A call of a journal with other settings: what its caller did is put into detectors, barge-in and conversation anew, as the
 * voice call puts it there, and the agent's voice takes as long as it took. Pure.
 *
 * It is a model: it acts at the times of the worker's grid, without the thread's delays. Both runs of a comparison are made
 * by it, so that what differs comes from the settings alone.
 */
import type { TurnHandling } from '../agent/agent.ts';
import type { BargeInAction } from '../turn/barge-in.ts';
import type { ConversationEvent, ReplyRequest } from '../conversation/conversation-events.ts';
import type { ReadJournal } from './journal-line.ts';
import { makePart } from './journal-parts.ts';
import { replyTimes, type ReplyTime } from './reply-times.ts';
import { SimulatedSpeculation, type SpeculationDecision } from './what-if-speculation.ts';
import { endedTurn } from '../conversation/turn-input.ts';
import { inputOf, outsideInputs, type OutsideInput, type RecogniserEvent } from './what-if-inputs.ts';

export type Decision = { atMs: number } & (
  | { what: 'turn-ended'; startMs: number; endOfSpeechMs: number }
  | { what: BargeInAction | SpeculationDecision['what'] | 'heard'; turnId: string }
);

type Input =
  | OutsideInput
  | { atMs: number; do: 'nothing' }
  | { atMs: number; do: 'audible' | 'finished' | 'silent'; reply: number };

/** `endMs`: when its voice ends, once it is heard; `pausedMs`: since when it is paused. */
type SimulatedReply = { number: number; turnId: string; endMs?: number; pausedMs?: number };

/** The worker's. */
const TICK_MS = 5;
/** A voice that is paused or stopped has faded out by then. */
const FADE_MS = 20;
/** After the last line the caller is taken to be silent: for as long as any turn waits. */
const SILENCE_AFTER_MS = 11_000;
/** Times of decisions are of the session. */
export function decisionsWith(journal: ReadJournal, settings: TurnHandling): Decision[] {
  return new SimulatedCall(journal, settings).run();
}

class SimulatedCall {
  readonly #startedAtMs: number;
  readonly #replyTimes: ReplyTime[];
  readonly #queue: Input[];
  readonly #speech;
  readonly #turns;
  readonly #text;
  readonly #bargeIn;
  readonly #conversation;
  readonly #ahead: SimulatedSpeculation | undefined;
  readonly #decisions: Decision[] = [];
  #replies = 0;
  #reply: SimulatedReply | undefined;
  #onsetMs = 0;
  /** The caller is in a turn. */
  #running = false;

  constructor(journal: ReadJournal, { endpointing, interruption, preemptiveGeneration }: TurnHandling) {
    this.#startedAtMs = journal.opening.startedAtMs;
    this.#replyTimes = replyTimes(journal);
    this.#queue = [...outsideInputs(journal)];
    this.#queue.push({ do: 'nothing', atMs: (journal.lines.at(-1)?.t ?? 0) + SILENCE_AFTER_MS });
    this.#speech = makePart('speech', endpointing);
    const { awaitsWords = false } = inputOf(journal, 'turns') ?? {};
    this.#turns = makePart('turns', { endpointing, awaitsWords });
    const text = inputOf(journal, 'text');
    this.#text = text && makePart('text', { ...text, endpointing });
    const { recogniser = false } = inputOf(journal, 'bargeIn') ?? {};
    this.#bargeIn = makePart('bargeIn', { interruption, recogniser });
    const conversation = inputOf(journal, 'conversation') ?? { recovers: false };
    this.#conversation = makePart('conversation', conversation, () => ({ heard: 'some of it', unheard: '' }));
    // As in a call: where there is a recogniser and a language model. What fails is told by voice with these alone.
    if (preemptiveGeneration.enabled && this.#text && conversation.recovers) {
      this.#ahead = new SimulatedSpeculation(preemptiveGeneration, this.#answerable, ({ atMs, ...decision }) => {
        this.#decisions.push({ ...decision, atMs: this.#sessionMs(atMs) });
      });
    }
  }

  run(): Decision[] {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      this.#poll(next.atMs);
      this.#take(next);
      this.#ahead?.poll(next.atMs);
    }
    return this.#decisions;
  }

  /** What time brings before the next input, on the worker's grid. */
  #poll(untilMs: number): void {
    for (;;) {
      const dueMs = Math.min(this.#turns.nextDeadlineMs, this.#bargeIn.nextDeadlineMs);
      const atMs = Math.ceil(dueMs / TICK_MS) * TICK_MS;
      if (!(atMs < untilMs)) return;
      const turn = this.#turns.poll(atMs);
      if (turn) this.#turnEnded(endedTurn(turn, this.#startedAtMs), atMs);
      this.#act(this.#bargeIn.poll(atMs), atMs);
    }
  }

  #take(input: Input): void {
    const { atMs } = input;
    switch (input.do) {
      case 'window':
        return this.#window(input, atMs);
      case 'tell':
        return this.#tell(input.event, atMs);
      case 'recognise':
        return this.#recognise(input.event, atMs);
      case 'words':
        return this.#act(this.#bargeIn.words(input.kind, atMs), atMs);
      case 'mute': {
        this.#turns.mute();
        const turn = this.#turns.poll(atMs);
        if (turn) this.#turnEnded(endedTurn(turn, this.#startedAtMs), atMs);
        return;
      }
      case 'nothing':
        return;
      default:
        if (this.#reply?.number === input.reply || input.do === 'silent') this.#voice(input.do, atMs);
    }
  }

  #window({ probability, endMs, soundUntilMs }: Extract<Input, { do: 'window' }>, atMs: number): void {
    const speech = this.#speech;
    const change = speech.push(probability, endMs, soundUntilMs);
    if (change === 'start') this.#turns.speechStarted(speech.speechStartMs, atMs);
    const nextStartMs = speech.speaking ? this.#turns.speechActive(speech.lastSpeechMs, atMs) : undefined;
    const startMs = change === 'start' ? speech.speechStartMs : nextStartMs;
    if (startMs !== undefined) {
      this.#onsetMs = startMs;
      this.#running = true;
      this.#tell({ type: 'speech-started', startMs: this.#sessionMs(startMs) }, atMs);
    }
    const { silenceMs, speechMs } = speech;
    if (this.#text && this.#running) {
      if (silenceMs === 0) this.#text.speech();
      else {
        this.#text.silence(silenceMs, atMs);
        this.#turns.vote(this.#text.vote().delayMs);
      }
    }
    if (speech.speaking) {
      this.#act(silenceMs === 0 ? this.#bargeIn.speech(speechMs, atMs) : this.#bargeIn.silence(silenceMs, atMs), atMs);
    }
    if (this.#running) this.#ahead?.window(silenceMs, atMs);
    if (change === 'end') this.#tell({ type: 'speech-stopped' }, atMs);
  }

  #recognise(event: RecogniserEvent, atMs: number): void {
    if (this.#text && this.#running) {
      this.#text.note(event);
      this.#turns.vote(this.#text.vote().delayMs);
      this.#ahead?.recognised(event, this.#text.text, atMs);
      return;
    }
    if (event.type !== 'final') return;
    const text = this.#text ? this.#text.late(event.text) : event.text;
    if (text) this.#tell({ type: 'late-words', text }, atMs);
  }

  #turnEnded(turn: Extract<ConversationEvent, { type: 'turn-ended' }>['turn'], atMs: number): void {
    const { startMs, endOfSpeechMs } = turn;
    this.#running = false;
    const words = this.#text?.take();
    this.#decisions.push({ what: 'turn-ended', atMs: this.#sessionMs(atMs), startMs, endOfSpeechMs });
    this.#ahead?.turnEnded(words?.text ?? '', atMs);
    this.#tell({ type: 'turn-ended', turn, ...(words && { words }) }, atMs);
  }

  #act(action: BargeInAction | undefined, atMs: number): void {
    if (action === undefined) return;
    const reply = this.#reply;
    this.#decisions.push({ what: action, atMs: this.#sessionMs(atMs), turnId: reply?.turnId ?? '' });
    if (action === 'interrupt') return this.#tell({ type: 'cut-in', onsetMs: this.#sessionMs(this.#onsetMs) }, atMs);
    if (action === 'hold' || action === 'release') return;
    const output = action === 'duck' ? 'ducked' : action === 'pause' ? 'paused' : 'normal';
    if (reply && action === 'pause') {
      reply.pausedMs = atMs;
      this.#schedule({ do: 'silent', reply: reply.number, atMs: atMs + FADE_MS });
    } else if (reply?.pausedMs !== undefined) this.#resume(reply, atMs);
    this.#tell({ type: 'output', output }, atMs);
  }

  #resume(reply: SimulatedReply, atMs: number): void {
    const pausedMs = reply.pausedMs!;
    delete reply.pausedMs;
    if (reply.endMs === undefined) return;
    reply.endMs += atMs - pausedMs;
    this.#schedule({ do: 'finished', reply: reply.number, atMs: reply.endMs });
  }

  #tell(event: ConversationEvent, atMs: number): void {
    for (const effect of this.#conversation.handle(event, this.#sessionMs(atMs))) {
      if (effect.type === 'reply') this.#begin(effect.request, atMs);
      else if (effect.type === 'abort-reply') {
        this.#reply = undefined;
        this.#agentSilent(atMs);
        this.#schedule({ do: 'silent', reply: -1, atMs: atMs + FADE_MS });
      }
    }
  }

  #begin(request: ReplyRequest, atMs: number): void {
    const number = this.#replies++;
    this.#reply = { number, turnId: request.turnId };
    const { audibleAfterMs, aheadMs } = this.#timesOf(number);
    // Begun sooner than it was, it is there sooner; never before it is asked for.
    const afterMs = Math.max(0, audibleAfterMs + aheadMs - (this.#ahead?.take(request, atMs) ?? 0));
    this.#schedule({ do: 'audible', reply: number, atMs: atMs + afterMs });
    this.#act(this.#bargeIn.agentPending(true, atMs), atMs);
  }

  /** Those of a call with more replies than were recorded are like the last one. */
  #timesOf(number: number): ReplyTime {
    return this.#replyTimes[number] ?? this.#replyTimes.at(-1) ?? { audibleAfterMs: 500, aheadMs: 0, lengthMs: 3_000 };
  }

  #voice(what: 'audible' | 'finished' | 'silent', atMs: number): void {
    const reply = this.#reply;
    if (what === 'silent') return this.#tell({ type: 'silent' }, atMs);
    if (what === 'audible' && reply) {
      reply.endMs = atMs + this.#timesOf(reply.number).lengthMs;
      this.#schedule({ do: 'finished', reply: reply.number, atMs: reply.endMs });
      this.#bargeIn.agentPending(false, atMs);
      this.#act(this.#bargeIn.agentAudible(true, atMs), atMs);
      if (this.#text) this.#decisions.push({ what: 'heard', atMs: this.#sessionMs(atMs), turnId: reply.turnId });
      this.#tell({ type: 'reply-audible' }, atMs);
    } else if (reply && reply.pausedMs === undefined && atMs >= (reply.endMs ?? 0)) {
      this.#reply = undefined;
      this.#tell({ type: 'reply-finished', text: 'all of it' }, atMs);
      this.#agentSilent(atMs);
    }
  }

  #agentSilent(atMs: number): void {
    this.#bargeIn.agentPending(false, atMs);
    this.#bargeIn.agentAudible(false, atMs);
  }

  readonly #answerable = (): string | undefined => {
    const { ready, replyTurnId, turnId } = this.#conversation;
    return ready && replyTurnId === undefined ? turnId : undefined;
  };

  #schedule(input: Input): void {
    const index = this.#queue.findIndex(({ atMs }) => atMs > input.atMs);
    this.#queue.splice(index === -1 ? this.#queue.length : index, 0, input);
  }

  #sessionMs(atMs: number): number {
    return Math.round(atMs - this.#startedAtMs);
  }
}
