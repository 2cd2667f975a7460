/**
 * One call inside a voice worker: ears, conversation and the agent's voice, put together. It carries out what is decided;
 * the clock and the sockets are the worker's.
 */
import { textsOf } from '../agent/agent-texts.ts';
import { changesState } from '../conversation/call-events.ts';
import { openJournal } from '../journal/call-journal.ts';
import { CallParts, type CallSide } from './call-parts.ts';
import { CallerLink, type CallLink } from '../rtp/caller-link.ts';
import type {
  ConversationEffect,
  ConversationEvent,
  ConversationSnapshot,
  ReplyRequest,
} from '../conversation/conversation-events.ts';
import type { Conversation } from '../conversation/conversation.ts';
import type { Course } from '../conversation/conversation-restore.ts';
import { ConversationHistory } from '../conversation/history.ts';
import { journaledPart } from '../journal/journal-parts.ts';
import type { Journal } from '../journal/journal.ts';
import { LastWords } from '../conversation/last-words.ts';
import { Lead } from './lead.ts';
import { StageExhaustedError } from '../providers/stage.ts';
import type { SpeechAudio } from '../speech/speech-audio.ts';
import { NO_SPECULATIONS } from '../speech/speculator.ts';
import { turnInput } from '../conversation/turn-input.ts';
import type { VoiceCallOptions } from './voice-call-options.ts';
import type { CallBeat, CallSnapshot, TakeOver } from '../workers/voice-protocol.ts';

export class VoiceCall {
  readonly #options: VoiceCallOptions & { journal: Journal | undefined };
  readonly #lead: Lead;
  #conversation: Conversation;
  #history: ConversationHistory;
  #startedAtMs: number;
  readonly #link: CallerLink;
  readonly #parts: CallParts;
  readonly #lastWords = new LastWords();
  #closed = false;

  constructor(given: VoiceCallOptions) {
    const options = { ...given, journal: openJournal(given) };
    const { open } = options;
    this.#options = options;
    this.#link = new CallerLink(options.link);
    this.#history = new ConversationHistory(open.history);
    this.#startedAtMs = open.startedAtMs;
    this.#lead = new Lead(!open.standby);
    this.#parts = new CallParts(options, this.#side());
    this.#conversation = this.#createConversation(open.restore?.conversation);
    this.#parts.restore(open.restore?.conversation, false);
  }

  #side(): CallSide {
    const { onEvent, onStateChanged, now } = this.#options;
    return {
      tell: (event, nowMs) => void this.#tell(event, nowMs),
      sessionMs: this.#sessionMs,
      startedAtMs: () => this.#startedAtMs,
      turnId: () => this.#conversation.turnId,
      replyTurnId: () => this.#conversation.replyTurnId,
      answerable: () => {
        const { ready, replyTurnId, turnId } = this.#conversation;
        return this.#lead.leads && ready && replyTurnId === undefined ? turnId : undefined;
      },
      history: () => this.#history.messages(),
      emit: (event) => {
        if (!this.#closed && this.#lead.leads) onEvent(event);
      },
      transmit: this.#link.send,
      voiceEvents: {
        onAudible: (_speech, nowMs) => this.#onAudible(nowMs),
        onFinished: (speech, nowMs) => this.#onFinished(speech, nowMs),
        onSilent: (nowMs) => this.#tell({ type: 'silent' }, nowMs),
        onComplete: () => onStateChanged(this.snapshot(now())),
        onFailed: this.#onReplyFailed,
      },
    };
  }

  /** Has spoken ahead what will be said first. */
  prepare(): void {
    const { greeted, unheard } = this.#options.open.restore?.conversation ?? {};
    if (!greeted) this.#parts.voice.prepareGreeting();
    else if (unheard) this.#parts.voice.prepareClauses(unheard);
  }

  /** The caller's packets come with this SSRC. */
  receiveFrom(ssrc: number | undefined): void {
    this.#link.receiveFrom(ssrc, (header, packet, nowMs) => this.#parts.hearing.audio.receive(header, packet, nowMs));
    this.#parts.hearing.audio.restart(this.#options.now());
  }

  moveTo(link: CallLink): void {
    this.#link.moveTo(link);
    this.#parts.hearing.audio.restart(this.#options.now());
  }

  /** Sends the frame that is due. @returns how late it is in ms, or −1 when none is due */
  send(nowMs: number): number {
    return this.#parts.voice.playout.send(nowMs) ? this.#options.clock.lastLatenessMs : -1;
  }

  /** Work after the packets of this tick have left: the next frame, and whatever time alone brings. */
  work(nowMs: number): void {
    this.#parts.hearing.audio.poll(nowMs);
    this.#parts.interrupter.poll(nowMs);
    this.#parts.voice.poll();
    this.#parts.upkeep.poll(this.#conversation, nowMs);
    const { isIdle, ready } = this.#conversation;
    if (this.#lead.leads) this.#parts.initiative.poll(isIdle && ready, this.#sessionMs(nowMs), nowMs);
    this.#parts.speculator?.poll(nowMs);
    const { playout } = this.#parts.voice;
    this.#pollLead(nowMs);
    playout.prepare();
    playout.begin(nowMs);
    const text = playout.audible ? playout.speech?.newlyBegunText(playout.position) : undefined;
    if (text) this.#tell({ type: 'reply-text', text }, nowMs);
    const ended = this.#lastWords.poll(nowMs);
    if (ended) this.#options.onEnded(ended);
  }

  clientReady(): void {
    this.#tell({ type: 'client-ready' }, this.#options.now());
  }

  clientGone(): void {
    this.receiveFrom(undefined);
    this.#tell({ type: 'client-gone' }, this.#options.now());
  }

  /** Typed text. @returns the turn it began. */
  say(text: string): string {
    return this.#tell({ type: 'typed', text }, this.#options.now()) ?? '';
  }

  interrupt(): void {
    this.#tell({ type: 'cut-in' }, this.#options.now());
  }

  /** What is sent to the client is heard so much later. */
  clientHears(afterMs: number): void {
    this.#parts.voice.playout.listener.hearsAfter(afterMs);
  }

  mute(muted: boolean): void {
    if (muted) this.#parts.hearing.audio.mute(this.#options.now());
  }

  get tools() {
    return this.#parts.tools;
  }

  get statistics() {
    const { hearing, speculator } = this.#parts;
    const speculations = speculator?.counts ?? NO_SPECULATIONS;
    return { caller: hearing.audio.statistics, playout: this.#options.clock.statistics, speculations };
  }

  /** What a heartbeat tells of it. */
  beat(nowMs: number): Omit<CallBeat, 'callId'> {
    return { snapshot: this.snapshot(nowMs), network: this.#parts.hearing.audio.network };
  }

  snapshot(nowMs: number): CallSnapshot {
    return { playout: this.#options.clock.snapshot(nowMs), conversation: this.#standing() };
  }

  #standing(): ConversationSnapshot {
    return { ...this.#conversation.snapshot(), ...this.#parts.standing };
  }

  close(): void {
    if (this.#closed) return;
    this.receiveFrom(undefined);
    this.#closed = true;
    this.#parts.close();
    void this.#options.journal?.close();
  }

  /** Stops speaking at the first pause, or when time is over; `onHandedOver` tells when it has. */
  handOver(withinMs: number): void {
    this.#lead.handOver(withinMs, this.#options.now());
  }

  /** A call that stood by speaks from now on, and goes on from where the other one stopped. */
  takeOver(order: TakeOver): void {
    const nowMs = this.#options.now();
    this.#lead.takeOver(order, nowMs);
    this.#pollLead(nowMs);
  }

  /** Undoes `handOver`. */
  resume(): void {
    const [conversation, history] = [this.#standing(), this.#history.messages()];
    this.takeOver({ conversation, history, startedAtMs: this.#startedAtMs });
  }

  #pollLead(nowMs: number): void {
    const { playout } = this.#parts.voice;
    if (this.#lead.isDue(this.#conversation.isAtRest, this.tools?.isWorking ?? false, playout, nowMs)) {
      this.#tell({ type: 'hand-over' }, nowMs);
      this.#lead.giveUp();
    }
    if (this.#lead.hasHandedOver(playout.isSilent)) this.#options.onHandedOver(this.#standing());
    const taken = this.#lead.taken(this.#startedAtMs, nowMs);
    if (!taken) return;
    const { order, course, ready } = taken;
    this.#startedAtMs = order.startedAtMs;
    this.#history = new ConversationHistory(order.history);
    if (order.tools) this.#parts.tools?.takeOver(order.tools);
    this.#conversation = this.#createConversation(order.conversation, course);
    this.#parts.restore(order.conversation, ready);
    this.#tell({ type: 'lead', course, ready }, nowMs);
  }

  /** Whoever goes on from a hand-over does so at the word. */
  readonly #progress = () => this.#parts.progress(this.#lead.isHandingOver);

  #createConversation(restore: ConversationSnapshot | undefined, course?: Course): Conversation {
    const { agent } = this.#options.open;
    const from = { restore, course, recovers: agent.responder !== 'parrot', texts: textsOf(agent) };
    return journaledPart(this.#options.journal, 'conversation', from, this.#progress);
  }

  readonly #onReplyFailed = (fault: unknown): void => {
    const { onFault, now } = this.#options;
    onFault('reply_failed', fault);
    this.#tell({ type: 'reply-failed', exhausted: fault instanceof StageExhaustedError }, now());
  };

  /** Tells the conversation, and does what it says. @returns the turn that this is about, where it is about one */
  #tell(event: ConversationEvent, nowMs: number): string | undefined {
    if (this.#closed || !this.#lead.note(event)) return undefined;
    let turnId: string | undefined;
    // A replacement that did not know of it would keep the line open for good.
    let stateChanged = event.type === 'hang-up';
    for (const effect of this.#conversation.handle(event, this.#sessionMs(nowMs))) {
      const about = this.#carryOut(effect, nowMs);
      turnId = effect.type === 'reply' ? about : (turnId ?? about);
      stateChanged ||= effect.type === 'emit' && changesState(effect.event);
    }
    // A replacement that knew of the reply before would say again what has been heard.
    if (stateChanged) this.#options.onStateChanged(this.snapshot(nowMs));
    return turnId;
  }

  #carryOut(effect: ConversationEffect, nowMs: number): string | undefined {
    switch (effect.type) {
      case 'emit':
        this.#history.note(effect.event);
        this.#parts.initiative.note(effect.event);
        this.#options.onEvent(this.#parts.upkeep.complete(effect.event));
        return effect.event.name === 'transcript' ? effect.event.data.turnId : undefined;
      case 'abort-reply':
        return this.#abortReply(nowMs);
      case 'reply':
        this.#startReply(effect.request, nowMs);
        return effect.request.turnId;
      case 'end':
        this.#lastWords.said(effect.reason, nowMs, this.#parts.voice.playout.listener.delayMs);
        return undefined;
    }
  }

  #startReply(request: ReplyRequest, nowMs: number): void {
    const { voice, upkeep, interrupter, hearing, speculator } = this.#parts;
    upkeep.replyStarted(request, nowMs);
    const input = {
      turn: (answer: Parameters<typeof turnInput>[0]) => turnInput(answer, hearing.audio.recorder, this.#startedAtMs),
      history: () => this.#history.messages(),
    };
    voice.begin(request, input, speculator?.take(request, nowMs));
    interrupter.replyPending(nowMs);
  }

  #abortReply(nowMs: number): undefined {
    const sent = this.#parts.interrupter.sentWords;
    this.#parts.voice.abort();
    this.#parts.upkeep.replyOver();
    this.#parts.tools?.replyGivenUp();
    this.#parts.interrupter.replyOver(sent, nowMs);
  }

  #onAudible(nowMs: number): void {
    this.#parts.hearing.audio.recorder.discard();
    this.#parts.upkeep.step('firstPacketMs', nowMs);
    this.#parts.interrupter.replyAudible(nowMs);
    this.#tell({ type: 'reply-audible' }, nowMs);
  }

  #onFinished(speech: SpeechAudio, nowMs: number): void {
    if (speech.length === 0) this.#parts.voice.playout.stop();
    this.#parts.upkeep.replyOver();
    this.#parts.interrupter.replyOver(speech.text, nowMs);
    this.#tell({ type: 'reply-finished', text: speech.text }, nowMs);
  }

  readonly #sessionMs = (nowMs: number): number => Math.round(nowMs - this.#startedAtMs);
}
