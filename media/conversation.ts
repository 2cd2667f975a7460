/**
 * Whose turn it is, as a pure state machine: events in, effects out, which `voice-call.ts` carries out. It knows nothing of
 * audio, clocks or threads. A reply is `pending` from the end of the caller's turn until its first packet, then `speaking`.
 * While there is one, short speech is a noise or a backchannel and begins no turn; only cutting in ends the reply.
 * All times are milliseconds from the start of the session.
 */
import type { AgentOutput } from './call-events.ts';
import { ConversationEffects } from './conversation-effects.ts';
import type {
  ConversationEffect,
  ConversationEvent,
  ConversationSnapshot,
  EndedTurn,
  Reply,
  ReplyProgress,
  ReplyRequest,
} from './conversation-events.ts';
import { TURN_NUMBER_SKIP, type Course } from './conversation-restore.ts';
import { cutOff, owedAfter, owedAtWord, owedOf, SAY_AGAIN, type Owed } from './owed.ts';

type Speech = { turnId: string; startMs: number; speaking: boolean };

export class Conversation {
  #greeted = false;
  #ready = false;
  #turnIndex = 0;
  #turnNumber = 0;
  #owed: Owed = {};
  #reply: Reply | undefined;
  #speech: Speech | undefined;
  /** Start of an earlier part of this turn, whose reply was given up before anything of it was heard. */
  #carriedStartMs: number | undefined;
  #cutIn: { onsetMs: number; heard: string; silentAfterMs?: number } | undefined;
  #silentAtMs: number | undefined;
  #fading = false;
  readonly #effects = new ConversationEffects();
  readonly #progress: () => ReplyProgress;

  /** @param progress asked how far the running reply has come, when it is given up or a snapshot is taken */
  constructor(progress: () => ReplyProgress) {
    this.#progress = progress;
  }

  /** @param course how it goes on where it was heard meanwhile; else what the caller was saying is asked for again */
  static restore(snapshot: ConversationSnapshot, progress: () => ReplyProgress, course?: Course): Conversation {
    const conversation = new Conversation(progress);
    conversation.#greeted = snapshot.greeted;
    conversation.#turnIndex = snapshot.turnIndex;
    conversation.#turnNumber = snapshot.turnNumber + TURN_NUMBER_SKIP;
    conversation.#effects.cutOff(snapshot);
    conversation.#owed = owedAfter(snapshot, course !== undefined && course.type !== 'none');
    return conversation;
  }

  snapshot(): ConversationSnapshot {
    const owed = this.#reply ? owedOf(this.#reply, this.#progress) : this.#owed;
    return {
      greeted: this.#greeted && !this.#isGreetingUnheard,
      turnIndex: this.#turnIndex,
      turnNumber: this.#turnNumber,
      ...owed,
      ...(this.#reply && owed.unheard && cutOff(this.#reply, this.#progress)),
      ...(this.#speech && { speaking: { turnId: this.#speech.turnId, startMs: Math.round(this.#speech.startMs) } }),
    };
  }

  /** Neither is the caller in a turn, or in a pause that may be part of one, nor is a reply awaited. */
  get isAtRest(): boolean {
    return this.#speech === undefined && (this.#reply === undefined || this.#reply.audible);
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
        return this.#speechStarted(event.startMs);
      case 'speech-stopped':
        return this.#speechStopped(nowMs);
      case 'turn-ended':
        return this.#turnEnded(event.turn, nowMs);
      case 'typed':
        return this.#typed(event.text, nowMs);
      case 'output':
        return this.#output(event.output, nowMs);
      case 'cut-in':
        return this.#cutInBy(event.onsetMs, nowMs);
      case 'silent':
        return this.#silent(nowMs);
      case 'reply-audible':
        return this.#replyAudible(nowMs);
      case 'reply-text':
        return this.#reply && this.#effects.agentText(this.#reply, event.text, false, nowMs);
      case 'reply-finished':
        return this.#replyEnded(event.text, nowMs);
      case 'reply-failed':
        return this.#replyFailed(nowMs);
      case 'hand-over':
        return this.#handOver(nowMs);
      case 'lead':
        return this.#lead(event.course, event.ready, nowMs);
    }
  }

  #clientReady(nowMs: number): void {
    this.#ready = true;
    if (this.#reply) return;
    const { unheard, broken, unanswered } = this.#owed;
    if (unanswered?.text !== undefined) {
      delete this.#owed.unanswered;
      this.#greeted = true;
      this.#answerTyped(unanswered.turnId, unanswered.text, nowMs);
    } else if (!this.#greeted) {
      this.#greeted = true;
      this.#startReply({ kind: 'greeting', turnId: this.#newTurnId() }, nowMs);
    } else if (unheard || unanswered) {
      this.#owed = {};
      const text = unheard || SAY_AGAIN;
      this.#startReply({ kind: 'repeat', turnId: this.#newTurnId(), text, ...(broken && { broken }) }, nowMs);
    } else this.#effects.agentState(undefined, nowMs);
  }

  /** The call stood by until now: what is owed is said, unless the caller has the word. */
  #lead(course: Course, ready: boolean, nowMs: number): void {
    this.#ready = ready;
    if (course.type === 'answer') {
      // It was counted where it was told of.
      this.#turnIndex = Math.max(0, this.#turnIndex - 1);
      return this.#answer(course.turnId, course.turn, undefined, nowMs);
    }
    const { turn } = course;
    if (course.type === 'caller') {
      const { turnId = this.#newTurnId(), startMs, speaking } = course;
      this.#speech = { turnId, startMs, speaking: true };
      if (!course.turnId) this.#effects.emit({ name: 'speech', data: { speaking: true, turnId, atMs: startMs } });
      if (!speaking) this.#speechStopped(nowMs);
    }
    if (ready && (!turn || this.#owed.unheard)) this.#clientReady(nowMs);
    if (turn) this.#turnEnded(turn, nowMs);
  }

  #handOver(nowMs: number): void {
    if (!this.#reply) return;
    this.#greeted &&= !this.#isGreetingUnheard;
    this.#owed = owedAtWord(this.#reply, this.#progress);
    // The other pod tells how the agent stands from now on.
    this.#giveUp(nowMs, true);
  }

  #clientGone(nowMs: number): void {
    this.#ready = false;
    this.#speechStopped(nowMs);
    this.#speech = undefined;
    this.#cutIn = undefined;
    this.#carriedStartMs = undefined;
    if (!this.#reply) return;
    this.#greeted &&= !this.#isGreetingUnheard;
    this.#owed = owedOf(this.#reply, this.#progress);
    this.#giveUp(nowMs);
  }

  get #isGreetingUnheard(): boolean {
    return this.#reply?.request.kind === 'greeting' && !this.#reply.audible;
  }

  #speechStarted(startMs: number): void {
    const turnId = this.#speech?.turnId ?? this.#newTurnId();
    this.#speech = { turnId, startMs: this.#speech?.startMs ?? startMs, speaking: true };
    this.#effects.emit({ name: 'speech', data: { speaking: true, turnId, atMs: startMs } });
  }

  #speechStopped(nowMs: number): void {
    if (!this.#speech?.speaking) return;
    this.#speech.speaking = false;
    this.#effects.emit({ name: 'speech', data: { speaking: false, turnId: this.#speech.turnId, atMs: nowMs } });
  }

  #turnEnded(ended: EndedTurn, nowMs: number): void {
    const turnId = this.#speech?.turnId ?? this.#newTurnId();
    this.#speechStopped(nowMs);
    this.#speech = undefined;
    // A noise or a backchannel that did not cut in: the agent goes on, and it is no turn.
    if (this.#reply || !this.#ready) return;
    const startMs = this.#carriedStartMs ?? ended.startMs;
    const turn = { ...ended, startMs };
    this.#effects.emit({ name: 'turn', data: { turnId, ...turn, atMs: nowMs } });
    const text = `[${(ended.speechMs / 1000).toFixed(1)} s of speech]`;
    this.#effects.transcript({ turnId, role: 'user', text, final: true, startMs, endMs: ended.endOfSpeechMs });
    this.#answer(turnId, turn, undefined, nowMs);
  }

  #typed(text: string, nowMs: number): void {
    if (this.#reply) this.#giveUp(nowMs);
    const turnId = this.#newTurnId();
    this.#effects.transcript({ turnId, role: 'user', text, final: true, startMs: nowMs, endMs: nowMs });
    if (this.#ready) this.#answerTyped(turnId, text, nowMs);
    else this.#owed.unanswered = { turnId, startMs: nowMs, text };
  }

  #answerTyped(turnId: string, text: string, nowMs: number): void {
    const turn = { startMs: nowMs, speechMs: 0, endOfSpeechMs: nowMs, endpointingMs: 0 };
    this.#answer(turnId, turn, text, nowMs);
  }

  #answer(turnId: string, turn: EndedTurn, text: string | undefined, nowMs: number): void {
    const { silentAfterMs, heard } = this.#cutIn ?? {};
    const cutIn = silentAfterMs !== undefined && text === undefined ? { silentAfterMs, heard: heard ?? '' } : undefined;
    this.#cutIn = undefined;
    this.#carriedStartMs = undefined;
    const request: ReplyRequest = { kind: 'answer', turnId, turn, turnIndex: this.#turnIndex };
    if (text === undefined) this.#turnIndex++;
    else request.text = text;
    if (cutIn) request.cutIn = cutIn;
    this.#startReply(request, nowMs);
    this.#reply!.userStartMs = turn.startMs;
  }

  #startReply(request: ReplyRequest, nowMs: number): void {
    this.#reply = { request, audible: false, output: 'normal', startMs: nowMs };
    this.#silentAtMs = undefined;
    this.#fading = false;
    this.#effects.order({ type: 'reply', request });
    this.#effects.agentState(this.#reply, nowMs);
  }

  #output(output: AgentOutput, nowMs: number): void {
    if (!this.#reply || this.#reply.output === output) return;
    this.#reply.output = output;
    this.#silentAtMs = undefined;
    this.#effects.agentState(this.#reply, nowMs);
  }

  #cutInBy(onsetMs: number | undefined, nowMs: number): void {
    if (!this.#reply) return;
    const { audible, userStartMs } = this.#reply;
    if (!audible) this.#carriedStartMs = userStartMs;
    else if (onsetMs !== undefined) this.#cutIn = { onsetMs, heard: this.#progress().heard };
    this.#giveUp(nowMs, audible);
    this.#fading = audible && this.#silentAtMs === undefined;
    if (this.#silentAtMs !== undefined) this.#fellSilent(this.#silentAtMs, nowMs);
  }

  /** The agent's voice has gone: right after a pause, or with the fade of a stop. */
  #silent(nowMs: number): void {
    if (this.#fading) this.#fellSilent(nowMs, nowMs);
    // Else it may be the voice of the reply before.
    else if (this.#reply?.output === 'paused') this.#silentAtMs = nowMs;
  }

  /** The agent is silent since `sinceMs`, and the reply has been given up. */
  #fellSilent(sinceMs: number, nowMs: number): void {
    this.#silentAtMs = undefined;
    this.#fading = false;
    const cutIn = this.#cutIn;
    if (cutIn) cutIn.silentAfterMs ??= Math.max(0, Math.round(sinceMs - cutIn.onsetMs));
    this.#effects.agentState(this.#reply, nowMs, cutIn?.silentAfterMs);
  }

  #replyAudible(nowMs: number): void {
    if (!this.#reply) return;
    this.#reply.audible = true;
    this.#reply.startMs = nowMs;
    this.#effects.agentState(this.#reply, nowMs);
  }

  #replyEnded(text: string, nowMs: number): void {
    if (!this.#reply) return;
    this.#effects.agentText(this.#reply, text, true, nowMs);
    this.#reply = undefined;
    this.#effects.agentState(this.#reply, nowMs);
  }

  #replyFailed(nowMs: number): void {
    if (!this.#reply) return;
    this.#giveUp(nowMs);
    const message = 'The agent could not answer. Please say it again.';
    this.#effects.emit({ name: 'problem', data: { code: 'reply_failed', message } });
  }

  /** @param fading the voice is still to fade out, and `silent` will tell when it has */
  #giveUp(nowMs: number, fading = false): void {
    const reply = this.#reply!;
    const { heard } = this.#progress();
    this.#reply = undefined;
    this.#effects.order({ type: 'abort-reply' });
    if (heard) this.#effects.agentText(reply, heard, true, nowMs);
    if (!fading) this.#effects.agentState(this.#reply, nowMs);
  }

  #newTurnId(): string {
    return `t${++this.#turnNumber}`;
  }
}
