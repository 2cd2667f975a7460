/** The reply that is being prepared or heard, from its order to its end: what it tells of itself, and how it is given up. */
import type { AgentOutput } from './call-events.ts';
import type { ConversationEffects } from './conversation-effects.ts';
import type { ConversationEvent, CutIn, Reply, ReplyProgress, ReplyRequest } from './conversation-events.ts';
import { CutInTimes } from './cut-in-times.ts';
import { say, type Recovery } from './recovery.ts';

export type ReplyEvent =
  | Extract<ConversationEvent, { type: `reply-${string}` | 'output' | 'silent' | 'hang-up' }>
  | Extract<ConversationEvent, { type: 'recogniser-failed' }>;

export class ReplyCourse {
  readonly #effects: ConversationEffects;
  readonly #progress: () => ReplyProgress;
  readonly #newTurnId: () => string;
  readonly #cutIn = new CutInTimes();
  readonly #recovery: Recovery | undefined;
  #reply: Reply | undefined;

  /** @param recovery absent: what fails is told as a problem */
  constructor(
    effects: ConversationEffects,
    progress: () => ReplyProgress,
    newTurnId: () => string,
    recovery: Recovery | undefined,
  ) {
    this.#effects = effects;
    this.#progress = progress;
    this.#newTurnId = newTurnId;
    this.#recovery = recovery;
  }

  get current(): Readonly<Reply> | undefined {
    return this.#reply;
  }

  get isGreetingUnheard(): boolean {
    return this.#reply?.request.kind === 'greeting' && !this.#reply.audible;
  }

  /** @param userStartMs of the turn that it answers */
  start(request: ReplyRequest, nowMs: number, userStartMs?: number): void {
    const answered = userStartMs !== undefined && { userStartMs };
    this.#reply = { request, audible: false, output: 'normal', startMs: nowMs, ...answered };
    this.#cutIn.replyStarted();
    this.#effects.order({ type: 'reply', request });
    this.#effects.agentState(this.#reply, nowMs);
  }

  /** @param ready somebody can hear what would be said */
  handle(event: ReplyEvent, ready: boolean, nowMs: number): void {
    if (event.type === 'silent') return this.#silent(nowMs);
    if (event.type === 'recogniser-failed') {
      this.#recovery?.recogniserFailed(event.inARow);
      return this.#reply ? undefined : this.#sayDeafness(ready, nowMs);
    }
    const reply = this.#reply;
    if (!reply) return;
    switch (event.type) {
      case 'output':
        return this.#output(reply, event.output, nowMs);
      case 'hang-up':
        reply.hangsUp = true;
        return;
      case 'reply-audible':
        return this.#audible(reply, nowMs);
      case 'reply-text':
        return this.#effects.agentText(reply, event.text, false, nowMs);
      case 'reply-finished':
        return this.#finished(reply, event.text, ready, nowMs);
      case 'reply-failed':
        return this.#failed(reply, event.exhausted ?? false, nowMs);
    }
  }

  /** The caller cuts in. @returns the start of the turn that is not answered now, where nothing of the answer was heard */
  cutIn(onsetMs: number | undefined, nowMs: number): number | undefined {
    if (!this.#reply) return undefined;
    const { audible, userStartMs } = this.#reply;
    if (audible && onsetMs !== undefined) this.#cutIn.begin(onsetMs, this.#progress().heard);
    this.giveUp(nowMs, audible);
    const silent = this.#cutIn.gaveUp(audible);
    if (silent) this.#fellSilent(silent.silentSinceMs, nowMs);
    return audible ? undefined : userStartMs;
  }

  /** The caller has cut in, and was not answered yet. */
  get isCutInto(): boolean {
    return this.#cutIn.pending;
  }

  takeCutIn(): CutIn | undefined {
    return this.#cutIn.take();
  }

  forgetCutIn(): void {
    this.#cutIn.forget();
  }

  /** @param fading the voice is still to fade out, and `silent` will tell when it has */
  giveUp(nowMs: number, fading = false): void {
    const reply = this.#reply!;
    const { heard, estimated } = this.#progress();
    this.#reply = undefined;
    this.#effects.order({ type: 'abort-reply' });
    this.#effects.agentText(reply, heard, true, nowMs, estimated);
    if (!fading) this.#effects.agentState(this.#reply, nowMs);
  }

  #output(reply: Reply, output: AgentOutput, nowMs: number): void {
    if (reply.output === output) return;
    reply.output = output;
    this.#cutIn.restart();
    this.#effects.agentState(reply, nowMs);
  }

  /** The agent's voice has gone: right after a pause, or with the fade of a stop. */
  #silent(nowMs: number): void {
    if (this.#cutIn.silent(this.#reply?.output === 'paused', nowMs)) this.#fellSilent(nowMs, nowMs);
  }

  #fellSilent(sinceMs: number, nowMs: number): void {
    const interruptedAfterMs = this.#cutIn.fellSilent(sinceMs);
    this.#effects.agentState(this.#reply, nowMs, interruptedAfterMs);
  }

  #audible(reply: Reply, nowMs: number): void {
    reply.audible = true;
    reply.startMs = nowMs;
    this.#effects.agentState(reply, nowMs);
  }

  #finished(reply: Reply, text: string, ready: boolean, nowMs: number): void {
    const { request } = reply;
    this.#effects.agentText(reply, text, true, nowMs);
    this.#reply = undefined;
    this.#effects.agentState(this.#reply, nowMs);
    if (request.kind === 'answer') this.#recovery?.replied();
    if (reply.hangsUp) this.#effects.order({ type: 'end', reason: 'agent' });
    else if (request.kind === 'repeat' && request.ends) this.#effects.order({ type: 'end', reason: request.ends });
    else this.#sayDeafness(ready, nowMs);
  }

  #failed({ request, audible, userStartMs }: Reply, exhausted: boolean, nowMs: number): void {
    // Words that only bridged its silence are none of it.
    const heard = audible && this.#progress().bridgesOnly !== true;
    this.giveUp(nowMs);
    // There is nothing left to say, and the call is over.
    if (request.kind === 'repeat' && request.ends) return this.#effects.order({ type: 'end', reason: request.ends });
    if (request.kind === 'prompt' && !heard) return this.start(say(request.turnId, request.text), nowMs);
    const next = this.#recovery?.replyFailed(request, heard, exhausted);
    if (!next) {
      const message = 'The agent could not answer. Please say it again.';
      this.#effects.emit({ name: 'problem', data: { code: 'reply_failed', message } });
    } else this.start(next, nowMs, userStartMs);
  }

  #sayDeafness(ready: boolean, nowMs: number): void {
    const next = ready ? this.#recovery?.takeDeafness(this.#newTurnId) : undefined;
    if (next) this.start(next, nowMs);
  }
}
