/**
 * Whose turn it is, as a pure state machine: events in, effects out. It knows nothing of audio, clocks or threads; what
 * it decides is carried out by `voice-call.ts`. All times are milliseconds from the start of the session.
 *
 * A reply is `pending` from the end of the caller's turn until its first packet, then `speaking`. While there is one,
 * short speech is a noise or a backchannel and begins no turn; only cutting in ends the reply.
 */
import type { AgentOutput, CallEvent } from './call-events.ts';
import type {
  ConversationEffect,
  ConversationEvent,
  ConversationSnapshot,
  EndedTurn,
  ReplyProgress,
  ReplyRequest,
} from './conversation-events.ts';

type Reply = { request: ReplyRequest; audible: boolean; output: AgentOutput; startMs: number; userStartMs?: number };
type Speech = { turnId: string; startMs: number; speaking: boolean };

/** Said where a break took what the caller had said, and nobody answered it. */
const SAY_AGAIN = 'Sorry, I lost that. Please say it again.';

/** Turn numbers skipped on restoring: more than any call can begin between two snapshots. */
const TURN_NUMBER_SKIP = 20;

export class Conversation {
  #greeted = false;
  #ready = false;
  #turnIndex = 0;
  #turnNumber = 0;
  #unheard = '';
  #reply: Reply | undefined;
  #speech: Speech | undefined;
  /** Start of an earlier part of this turn, whose reply was given up before anything of it was heard. */
  #carriedStartMs: number | undefined;
  #cutIn: { onsetMs: number; heard: string; silentAfterMs?: number } | undefined;
  #silentAtMs: number | undefined;
  #fading = false;
  /** Typed before anybody could hear an answer. */
  #typedAhead: { turnId: string; text: string } | undefined;
  #effects: ConversationEffect[] = [];
  readonly #progress: () => ReplyProgress;

  /** @param progress asked how far the running reply has come, when it is given up or a snapshot is taken */
  constructor(progress: () => ReplyProgress) {
    this.#progress = progress;
  }

  static restore(snapshot: ConversationSnapshot, progress: () => ReplyProgress): Conversation {
    const conversation = new Conversation(progress);
    conversation.#greeted = snapshot.greeted;
    conversation.#turnIndex = snapshot.turnIndex;
    conversation.#turnNumber = snapshot.turnNumber + TURN_NUMBER_SKIP;
    conversation.#unheard = snapshot.unheard ?? '';
    return conversation;
  }

  snapshot(): ConversationSnapshot {
    const unheard = this.#reply ? this.#unheardOf(this.#reply) : this.#unheard || (this.#speech ? SAY_AGAIN : '');
    const greeted = this.#greeted && !this.#isGreetingUnheard;
    return { greeted, turnIndex: this.#turnIndex, turnNumber: this.#turnNumber, ...(unheard && { unheard }) };
  }

  handle(event: ConversationEvent, nowMs: number): ConversationEffect[] {
    this.#effects = [];
    this.#dispatch(event, nowMs);
    return this.#effects;
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
        return this.#reply && this.#emitAgentText(this.#reply, event.text, false, nowMs);
      case 'reply-finished':
        return this.#replyEnded(event.text, nowMs);
      case 'reply-failed':
        return this.#replyFailed(nowMs);
    }
  }

  #clientReady(nowMs: number): void {
    this.#ready = true;
    if (this.#reply) return;
    if (this.#typedAhead) {
      this.#greeted = true;
      this.#answerTyped(this.#typedAhead.turnId, this.#typedAhead.text, nowMs);
    } else if (!this.#greeted) {
      this.#greeted = true;
      this.#startReply({ kind: 'greeting', turnId: this.#newTurnId() }, nowMs);
    } else if (this.#unheard) {
      const text = this.#unheard;
      this.#unheard = '';
      this.#startReply({ kind: 'repeat', turnId: this.#newTurnId(), text }, nowMs);
    } else this.#emitState(nowMs);
  }

  #clientGone(nowMs: number): void {
    this.#ready = false;
    this.#speechStopped(nowMs);
    this.#speech = undefined;
    this.#cutIn = undefined;
    this.#carriedStartMs = undefined;
    if (!this.#reply) return;
    this.#greeted &&= !this.#isGreetingUnheard;
    this.#unheard = this.#unheardOf(this.#reply);
    this.#giveUp(nowMs);
  }

  get #isGreetingUnheard(): boolean {
    return this.#reply?.request.kind === 'greeting' && !this.#reply.audible;
  }

  /** What is to be said again of a reply: none of a greeting of which nothing was heard, for that begins anew. */
  #unheardOf({ request, audible }: Reply): string {
    if (!audible && request.kind === 'greeting') return '';
    if (!audible && request.kind === 'repeat') return request.text;
    if (!audible && request.kind === 'answer') return SAY_AGAIN;
    // What stands in brackets describes a sound; nobody can say it.
    return this.#progress().unheard.replace(/\[[^\]]*\]\s*/g, '');
  }

  #speechStarted(startMs: number): void {
    const turnId = this.#speech?.turnId ?? this.#newTurnId();
    this.#speech = { turnId, startMs: this.#speech?.startMs ?? startMs, speaking: true };
    this.#emit({ name: 'speech', data: { speaking: true, turnId, atMs: startMs } });
  }

  #speechStopped(nowMs: number): void {
    if (!this.#speech?.speaking) return;
    this.#speech.speaking = false;
    this.#emit({ name: 'speech', data: { speaking: false, turnId: this.#speech.turnId, atMs: nowMs } });
  }

  #turnEnded(ended: EndedTurn, nowMs: number): void {
    const turnId = this.#speech?.turnId ?? this.#newTurnId();
    this.#speechStopped(nowMs);
    this.#speech = undefined;
    // A noise or a backchannel that did not cut in: the agent goes on, and it is no turn.
    if (this.#reply || !this.#ready) return;
    const startMs = this.#carriedStartMs ?? ended.startMs;
    const turn = { ...ended, startMs };
    this.#emit({ name: 'turn', data: { turnId, ...turn, atMs: nowMs } });
    const text = `[${(ended.speechMs / 1000).toFixed(1)} s of speech]`;
    this.#emitTranscript({ turnId, role: 'user', text, final: true, startMs, endMs: ended.endOfSpeechMs });
    this.#answer(turnId, turn, undefined, nowMs);
  }

  #typed(text: string, nowMs: number): void {
    if (this.#reply) this.#giveUp(nowMs);
    const turnId = this.#newTurnId();
    this.#emitTranscript({ turnId, role: 'user', text, final: true, startMs: nowMs, endMs: nowMs });
    if (this.#ready) this.#answerTyped(turnId, text, nowMs);
    else this.#typedAhead = { turnId, text };
  }

  #answerTyped(turnId: string, text: string, nowMs: number): void {
    this.#typedAhead = undefined;
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
    this.#effects.push({ type: 'reply', request });
    this.#emitState(nowMs);
  }

  #output(output: AgentOutput, nowMs: number): void {
    if (!this.#reply || this.#reply.output === output) return;
    this.#reply.output = output;
    this.#silentAtMs = undefined;
    this.#emitState(nowMs);
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
    this.#emitState(nowMs, cutIn?.silentAfterMs);
  }

  #replyAudible(nowMs: number): void {
    if (!this.#reply) return;
    this.#reply.audible = true;
    this.#reply.startMs = nowMs;
    this.#emitState(nowMs);
  }

  #replyEnded(text: string, nowMs: number): void {
    if (!this.#reply) return;
    this.#emitAgentText(this.#reply, text, true, nowMs);
    this.#reply = undefined;
    this.#emitState(nowMs);
  }

  #replyFailed(nowMs: number): void {
    if (!this.#reply) return;
    this.#giveUp(nowMs);
    const message = 'The agent could not answer. Please say it again.';
    this.#emit({ name: 'problem', data: { code: 'reply_failed', message } });
  }

  /** @param fading the voice is still to fade out, and `silent` will tell when it has */
  #giveUp(nowMs: number, fading = false): void {
    const reply = this.#reply!;
    const { heard } = this.#progress();
    this.#reply = undefined;
    this.#effects.push({ type: 'abort-reply' });
    if (heard) this.#emitAgentText(reply, heard, true, nowMs);
    if (!fading) this.#emitState(nowMs);
  }

  #newTurnId(): string {
    return `t${++this.#turnNumber}`;
  }

  #emitState(atMs: number, interruptedAfterMs?: number): void {
    const reply = this.#reply;
    this.#emit({
      name: 'agent-state',
      data: {
        state: reply ? (reply.audible ? 'speaking' : 'thinking') : 'listening',
        output: reply?.output ?? 'normal',
        ...(reply && { turnId: reply.request.turnId }),
        ...(interruptedAfterMs !== undefined && { interruptedAfterMs }),
        atMs: Math.round(atMs),
      },
    });
  }

  #emitAgentText(reply: Reply, text: string, final: boolean, nowMs: number): void {
    const { request, startMs } = reply;
    if (text) this.#emitTranscript({ turnId: request.turnId, role: 'agent', text, final, startMs, endMs: nowMs });
  }

  #emitTranscript(entry: Extract<CallEvent, { name: 'transcript' }>['data']): void {
    const { startMs, endMs } = entry;
    this.#emit({ name: 'transcript', data: { ...entry, startMs: Math.round(startMs), endMs: Math.round(endMs) } });
  }

  #emit(event: CallEvent): void {
    this.#effects.push({ type: 'emit', event });
  }
}
