/**
 * Whose turn it is, as a pure state machine: events in, effects out, which `voice-call.ts` carries out. It knows nothing about
 * audio, clocks or threads. A reply is `pending` from the end of the caller's turn until its first packet, then `speaking`.
 * During a reply, short speech counts as a noise or a backchannel and begins no turn; only cutting in ends the reply.
 * All times are milliseconds from the start of the session.
 */
import { CallerSpeech } from './caller-speech.ts';
import { ConversationEffects } from './conversation-effects.ts';
import type {
  ConversationEffect,
  ConversationEvent,
  ConversationSnapshot,
  EndedTurn,
  ReplyProgress,
  ReplyRequest,
} from './conversation-events.ts';
import { TURN_NUMBER_SKIP, type Course } from './conversation-restore.ts';
import { ENGLISH } from '../languages/english.ts';
import type { Texts } from '../languages/language.ts';
import { joined, LateWords } from '../turn/late-words.ts';
import { cutOff, owedAfter, owedAtWord, owedOf, type Owed } from './owed.ts';
import { Recovery, say } from './recovery.ts';
import { ReplyCourse } from './reply-course.ts';

type Volunteered = Extract<ConversationEvent, { type: 'volunteer' }>;

/** Shorter sounds may not be speech; callers are not asked to repeat them. */
const SURELY_SPEECH_MS = 600;

type Answer = Extract<ReplyRequest, { kind: 'answer' }>;

export class Conversation {
  #greeted = false;
  #ready = false;
  #turnIndex = 0;
  #turnNumber = 0;
  #owed: Owed = {};
  /** Start of an earlier part of this turn, if its reply was given up before any of it was heard. */
  #carriedStartMs: number | undefined;
  readonly #later = new LateWords();
  readonly #effects = new ConversationEffects();
  readonly #speech = new CallerSpeech(this.#effects, () => this.#newTurnId());
  readonly #texts: Texts;
  readonly #recovery: Recovery | undefined;
  readonly #reply: ReplyCourse;
  readonly #progress: () => ReplyProgress;

  /**
   * @param progress asked how far the running reply has come, when it is given up or a snapshot is taken
   * @param recovers whether the agent apologises for what fails and tries again
   * @param texts what it says by itself, in the agent's words
   */
  constructor(progress: () => ReplyProgress, recovers = false, texts = ENGLISH.texts) {
    this.#progress = progress;
    this.#texts = texts;
    this.#recovery = recovers ? new Recovery(texts) : undefined;
    this.#reply = new ReplyCourse(this.#effects, progress, () => this.#newTurnId(), this.#recovery);
  }

  /** @param course how to continue if the caller was heard meanwhile; otherwise the caller is asked to repeat */
  static restore(
    snapshot: ConversationSnapshot,
    progress: () => ReplyProgress,
    course?: Course,
    recovers = false,
    texts = ENGLISH.texts,
  ): Conversation {
    const conversation = new Conversation(progress, recovers, texts);
    conversation.#greeted = snapshot.greeted;
    conversation.#turnIndex = snapshot.turnIndex;
    conversation.#turnNumber = snapshot.turnNumber + TURN_NUMBER_SKIP;
    conversation.#effects.cutOff(snapshot);
    conversation.#owed = owedAfter(snapshot, course !== undefined && course.type !== 'none', texts.sayAgain);
    return conversation;
  }

  snapshot(): ConversationSnapshot {
    const speaking = this.#speech.current;
    const reply = this.#reply.current;
    const owed = { ...(reply ? owedOf(reply, this.#progress) : this.#owed), ...this.#effects.over };
    return {
      greeted: this.#greeted && !this.#reply.isGreetingUnheard,
      turnIndex: this.#turnIndex,
      turnNumber: this.#turnNumber,
      ...owed,
      ...(reply && owed.unheard && cutOff(reply, this.#progress)),
      ...(speaking && { speaking: { ...speaking, startMs: Math.round(speaking.startMs) } }),
    };
  }

  /** The caller is not in a turn, or in a pause that may be part of one, and no reply is pending. */
  get isAtRest(): boolean {
    const reply = this.#reply.current;
    return this.#speech.current === undefined && (reply === undefined || reply.audible);
  }

  /** Whether anybody could hear the agent. */
  get ready(): boolean {
    return this.#ready;
  }

  /** The caller does not speak, and no reply is under way. */
  get isIdle(): boolean {
    return this.#speech.current === undefined && this.#reply.current === undefined;
  }

  /** The turn that the caller or the agent is in, if any. */
  get turnId(): string | undefined {
    return this.#speech.current?.turnId ?? this.#reply.current?.request.turnId;
  }

  /** The turn of the reply that is being prepared or heard. */
  get replyTurnId(): string | undefined {
    return this.#reply.current?.request.turnId;
  }

  handle(event: ConversationEvent, nowMs: number): ConversationEffect[] {
    this.#dispatch(event, nowMs);
    return this.#effects.take();
  }

  #dispatch(event: ConversationEvent, nowMs: number): void {
    switch (event.type) {
      case 'client-ready':
        return this.#clientReady(nowMs);
      case 'client-gone':
        return this.#clientGone(nowMs);
      case 'speech-started':
        return this.#speech.started(event.startMs);
      case 'speech-stopped':
        return this.#speech.stopped(nowMs);
      case 'turn-ended':
        return this.#turnEnded(event.turn, nowMs, event.words);
      case 'user-text':
        return this.#userText(event.text, nowMs);
      case 'late-words':
        return this.#lateWords(event.text, nowMs);
      case 'stuck':
        if (!this.#reply.current && this.#ready) this.#reply.start(say(this.#newTurnId(), this.#texts.apology), nowMs);
        return;
      case 'typed':
        return this.#typed(event.text, nowMs);
      case 'volunteer':
        return this.#volunteer(event, nowMs);
      case 'cut-in':
        this.#carriedStartMs = this.#reply.cutIn(event.onsetMs, nowMs) ?? this.#carriedStartMs;
        return;
      case 'hand-over':
        return this.#handOver(nowMs);
      case 'lead':
        return this.#lead(event.course, event.ready, nowMs);
      case 'reply-finished':
        this.#reply.handle(event, this.#ready, nowMs);
        return this.#answerLater(nowMs);
      default:
        return this.#reply.handle(event, this.#ready, nowMs);
    }
  }

  #clientReady(nowMs: number): void {
    this.#ready = true;
    if (this.#reply.current) return;
    const { unheard, broken, ends, unanswered } = this.#owed;
    if (unanswered?.text !== undefined) {
      for (const done of ['unanswered', 'ends'] as const) delete this.#owed[done];
      this.#greeted = true;
      this.#answerTyped(unanswered.turnId, unanswered.text, nowMs);
    } else if (!this.#greeted) {
      this.#greeted = true;
      this.#reply.start({ kind: 'greeting', turnId: this.#newTurnId() }, nowMs);
    } else if (unheard || unanswered) {
      this.#owed = {};
      const words = say(this.#newTurnId(), unheard || this.#texts.sayAgain, ends);
      this.#reply.start({ ...words, ...(broken && { broken }) }, nowMs);
    } else this.#effects.nothingOwed(ends, nowMs);
  }

  /** After standing by: says what is owed, unless the caller has the floor. */
  #lead(course: Course, ready: boolean, nowMs: number): void {
    this.#ready = ready;
    if (course.type === 'answer') {
      // The pod that reported it has counted it.
      this.#turnIndex = Math.max(0, this.#turnIndex - 1);
      return this.#answer(course.turnId, course.turn, undefined, nowMs);
    }
    const { turn } = course;
    if (course.type === 'caller') {
      this.#speech.resume(course.turnId, course.startMs);
      if (!course.speaking) this.#speech.stopped(nowMs);
    }
    if (ready && (!turn || this.#owed.unheard)) this.#clientReady(nowMs);
    if (turn) this.#turnEnded(turn, nowMs);
  }

  #handOver(nowMs: number): void {
    if (!this.#reply.current) return;
    this.#greeted &&= !this.#reply.isGreetingUnheard;
    this.#owed = owedAtWord(this.#reply.current, this.#progress);
    // From now on, the other pod reports the agent's state.
    this.#reply.giveUp(nowMs, true);
  }

  #clientGone(nowMs: number): void {
    this.#ready = false;
    this.#speech.forget(nowMs);
    this.#reply.forgetCutIn();
    this.#carriedStartMs = undefined;
    this.#later.take();
    if (!this.#reply.current) return;
    this.#greeted &&= !this.#reply.isGreetingUnheard;
    this.#owed = owedOf(this.#reply.current, this.#progress);
    this.#reply.giveUp(nowMs);
  }

  #turnEnded(ended: EndedTurn, nowMs: number, words?: { text: string; settled: boolean }): void {
    const turnId = this.#speech.end(nowMs);
    // A noise or a backchannel that did not cut in is no turn: the agent goes on.
    if (this.#reply.current) return;
    if (!this.#ready) return this.#owe(turnId, ended, words?.text ?? '');
    // With a recogniser, a turn that was heard elsewhere has no words here.
    const { text: heard, settled } = words ?? { text: '', settled: false };
    const said = this.#later.take(heard);
    if ((words || this.#recovery) && !said) return this.#notUnderstood(turnId, ended, settled, nowMs);
    const startMs = this.#carriedStartMs ?? ended.startMs;
    const turn = { ...ended, startMs };
    this.#effects.emit({ name: 'turn', data: { turnId, ...turn, atMs: nowMs } });
    const text = words ? said : `[${(ended.speechMs / 1000).toFixed(1)} s of speech]`;
    this.#effects.transcript({ turnId, role: 'user', text, final: true, startMs, endMs: ended.endOfSpeechMs });
    this.#answer(turnId, turn, words && said, nowMs);
  }

  /** After the client went away in the middle of a turn: answers it once somebody can hear the answer. */
  #owe(turnId: string, { startMs, endOfSpeechMs: endMs }: EndedTurn, text: string): void {
    if (!text) return;
    this.#effects.transcript({ turnId, role: 'user', text, final: true, startMs, endMs });
    this.#owed.unanswered = { turnId, startMs, text };
  }

  /** Without words it was a noise, unless the recogniser still owes them or a reply was given up for them: then asks again. */
  #notUnderstood(turnId: string, { speechMs }: EndedTurn, settled: boolean, nowMs: number): void {
    const missed = !settled || this.#reply.isCutInto;
    if (missed && speechMs >= SURELY_SPEECH_MS) this.#reply.start(say(turnId, this.#texts.notUnderstood), nowMs);
  }

  #userText(text: string, nowMs: number): void {
    this.#recovery?.understood();
    if (!this.#reply.current) this.#speech.words(text, nowMs);
  }

  /** Late words of the last turn: an answer not yet heard is begun anew, to all of it; one that is being heard goes on. */
  #lateWords(text: string, nowMs: number): void {
    this.#recovery?.understood();
    if (!this.#ready) return;
    const { request, audible } = this.#reply.current ?? {};
    if (request?.kind === 'greeting' || (audible && request?.kind === 'answer')) {
      this.#later.add(text);
    } else this.#typed(text, nowMs, request?.kind === 'answer' ? request : undefined);
  }

  #answerLater(nowMs: number): void {
    // A caller who is speaking says more, and gets one answer to all of it.
    if (this.#later.any && this.#ready && this.isIdle) this.#typed(this.#later.take(), nowMs);
  }

  /** @param former what they belong to, and what the answer is to answer with them */
  #typed(text: string, nowMs: number, former?: Answer): void {
    if (this.#reply.current) this.#reply.giveUp(nowMs);
    const turnId = this.#newTurnId();
    this.#effects.transcript({ turnId, role: 'user', text, final: true, startMs: nowMs, endMs: nowMs });
    if (this.#ready) this.#answerTyped(turnId, text, nowMs, former);
    else this.#owed.unanswered = { turnId, startMs: nowMs, text };
  }

  #volunteer({ text, instruction, ends, insists }: Volunteered, nowMs: number): void {
    if (!this.#ready || (!this.isIdle && !insists)) return;
    if (this.#reply.current) this.#reply.giveUp(nowMs);
    const turnId = this.#newTurnId();
    this.#reply.start(instruction ? { kind: 'prompt', turnId, text, instruction } : say(turnId, text, ends), nowMs);
  }

  #answerTyped(turnId: string, text: string, nowMs: number, former?: Answer): void {
    const turn = former?.turn ?? { startMs: nowMs, speechMs: 0, endOfSpeechMs: nowMs };
    const ended = { ...turn, endpointingMs: nowMs - turn.endOfSpeechMs };
    this.#answer(turnId, ended, joined(former?.text ?? '', text), nowMs);
  }

  #answer(turnId: string, turn: EndedTurn, text: string | undefined, nowMs: number): void {
    const cutIn = this.#reply.takeCutIn();
    this.#carriedStartMs = undefined;
    const request: ReplyRequest = { kind: 'answer', turnId, turn, turnIndex: this.#turnIndex };
    if (text === undefined) this.#turnIndex++;
    else request.text = text;
    if (cutIn && text === undefined) request.cutIn = cutIn;
    this.#reply.start(request, nowMs, turn.startMs);
  }

  #newTurnId(): string {
    return `t${++this.#turnNumber}`;
  }
}
