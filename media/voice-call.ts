/**
 * One call inside a voice worker: the caller's audio, the conversation and the agent's voice, put together. It carries
 * out what `conversation` and `barge-in` decide; the clock and the sockets are the worker's.
 */
import { AgentVoice } from './agent-voice.ts';
import { changesState, type CallEvent } from './call-events.ts';
import type { CallProviders } from './call-providers.ts';
import { createCallHearing } from './call-hearing.ts';
import { openJournal } from './call-journal.ts';
import { CallerLink } from './caller-link.ts';
import type {
  ConversationEffect,
  ConversationEvent,
  ConversationSnapshot,
  ReplyRequest,
} from './conversation-events.ts';
import type { Conversation } from './conversation.ts';
import { Decisions } from './decisions.ts';
import type { Course } from './conversation-restore.ts';
import type { Hearing, HeardWords } from './hearing.ts';
import { ConversationHistory } from './history.ts';
import { Interrupter } from './interrupter.ts';
import { journaledPart } from './journal-parts.ts';
import type { Journal } from './journal.ts';
import { Lead } from './lead.ts';
import { StageExhaustedError } from './providers/stage.ts';
import { ReplyGenerator } from './reply.ts';
import type { RtpSocket } from './rtp-socket.ts';
import type { SpeechAudio } from './speech-audio.ts';
import type { TurnEnded } from './turn-detector.ts';
import { endedTurn, turnInput } from './turn-input.ts';
import type { VoiceCallOptions } from './voice-call-options.ts';
import type { CallSnapshot, TakeOver } from './voice-protocol.ts';

export class VoiceCall {
  readonly #options: VoiceCallOptions & { journal: Journal | undefined };
  readonly #hearing: Hearing;
  readonly #lead: Lead;
  readonly #interrupter: Interrupter;
  readonly #voice: AgentVoice;
  #conversation: Conversation;
  #history: ConversationHistory;
  #startedAtMs: number;
  readonly #link: CallerLink;
  readonly #decisions: Decisions;
  #closed = false;

  constructor(given: VoiceCallOptions) {
    const options = { ...given, journal: openJournal(given) };
    const { open, now } = options;
    const { agent } = open;
    this.#decisions = new Decisions({
      now,
      sessionMs: this.#sessionMs,
      turnId: () => this.#conversation.turnId,
      emit: this.#emit,
    });
    const providers = options.providers(agent, this.#decisions.stageEvent);
    this.#options = options;
    this.#link = new CallerLink(options.link);
    this.#history = new ConversationHistory(open.history);
    this.#startedAtMs = open.startedAtMs;
    this.#lead = new Lead(!open.standby);
    this.#hearing = createCallHearing({
      ...options,
      ...providers,
      endpointing: agent.turnHandling.endpointing,
      language: agent.language,
      interrupter: () => this.#interrupter,
      tell: (event, nowMs) => void this.#tell(event, nowMs),
      sessionMs: this.#sessionMs,
      onTurnEnded: this.#onTurnEnded,
    });
    this.#voice = this.#createVoice(providers);
    this.#interrupter = new Interrupter({
      interruption: agent.turnHandling.interruption,
      journal: options.journal,
      recogniser: this.#hearing.tellsPartials,
      voice: this.#voice,
      tell: (event, nowMs) => void this.#tell(event, nowMs),
      decide: this.#decisions.decide,
      sessionMs: this.#sessionMs,
    });
    this.#conversation = this.#createConversation(open.restore?.conversation);
  }

  #createVoice(providers: CallProviders): AgentVoice {
    const options = this.#options;
    const { now, rateHz, journal } = options;
    return new AgentVoice({
      ...options,
      reply: new ReplyGenerator({ ...providers, rateHz, journal }),
      transmit: this.#link.send,
      events: {
        onAudible: (_speech, nowMs) => this.#onAudible(nowMs),
        onFinished: (speech, nowMs) => this.#onFinished(speech, nowMs),
        onSilent: (nowMs) => this.#tell({ type: 'silent' }, nowMs),
        onComplete: () => options.onStateChanged(this.snapshot(now())),
        onFailed: this.#onReplyFailed,
      },
    });
  }

  /** Has spoken, before anybody waits for it, what will be said first. */
  prepare(): void {
    const { greeted, unheard } = this.#options.open.restore?.conversation ?? {};
    if (!greeted) this.#voice.prepareGreeting();
    else if (unheard) this.#voice.prepareClauses(unheard);
  }

  /** The caller's packets come with this SSRC. */
  receiveFrom(ssrc: number | undefined): void {
    this.#link.receiveFrom(ssrc, (header, packet, nowMs) => this.#hearing.audio.receive(header, packet, nowMs));
    this.#hearing.audio.restart(this.#options.now());
  }

  moveTo(link: RtpSocket): void {
    this.#link.moveTo(link);
    this.#hearing.audio.restart(this.#options.now());
  }

  /** Sends the frame that is due. @returns how late it is in ms, or −1 when none is due */
  send(nowMs: number): number {
    return this.#voice.playout.send(nowMs) ? this.#options.clock.lastLatenessMs : -1;
  }

  /** Work after the packets of this tick have left: the next frame, and whatever time alone brings. */
  work(nowMs: number): void {
    this.#hearing.audio.poll(nowMs);
    this.#interrupter.poll(nowMs);
    const { playout } = this.#voice;
    this.#pollLead(nowMs);
    playout.prepare();
    const text = playout.audible ? playout.speech?.newlyBegunText(playout.position) : undefined;
    if (text) this.#tell({ type: 'reply-text', text }, nowMs);
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

  mute(muted: boolean): void {
    if (muted) this.#hearing.audio.mute(this.#options.now());
  }

  get statistics() {
    return { caller: this.#hearing.audio.statistics, playout: this.#options.clock.statistics };
  }

  snapshot(nowMs: number): CallSnapshot {
    return { playout: this.#options.clock.snapshot(nowMs), conversation: this.#conversation.snapshot() };
  }

  close(): void {
    if (this.#closed) return;
    this.receiveFrom(undefined);
    this.#closed = true;
    this.#voice.close();
    this.#hearing.close();
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
    const [conversation, history] = [this.#conversation.snapshot(), this.#history.messages()];
    this.takeOver({ conversation, history, startedAtMs: this.#startedAtMs });
  }

  #pollLead(nowMs: number): void {
    const { playout } = this.#voice;
    if (this.#lead.isDue(this.#conversation.isAtRest, playout, nowMs)) {
      this.#tell({ type: 'hand-over' }, nowMs);
      this.#lead.giveUp();
    }
    if (this.#lead.hasHandedOver(playout.isSilent)) this.#options.onHandedOver(this.#conversation.snapshot());
    const taken = this.#lead.taken(this.#startedAtMs, nowMs);
    if (!taken) return;
    const { order, course, ready } = taken;
    this.#startedAtMs = order.startedAtMs;
    this.#history = new ConversationHistory(order.history);
    this.#conversation = this.#createConversation(order.conversation, course);
    this.#tell({ type: 'lead', course, ready }, nowMs);
  }

  /** Whoever goes on from a hand-over does so at the word. */
  readonly #progress = () => this.#voice.playout.progress(this.#lead.isHandingOver);

  #createConversation(restore: ConversationSnapshot | undefined, course?: Course): Conversation {
    const from = { restore, course, recovers: this.#options.open.agent.responder !== 'parrot' };
    return journaledPart(this.#options.journal, 'conversation', from, this.#progress);
  }

  readonly #onTurnEnded = (turn: TurnEnded, words: HeardWords | undefined, nowMs: number): void => {
    const overheard = this.#voice.playout.audible;
    const echo = words !== undefined && this.#interrupter.isEchoOnly(words.text, nowMs);
    const heard = echo ? { ...words, text: '', settled: true } : words;
    const { speechMs, endpointingMs } = turn;
    this.#decisions.decide('endpoint', words?.reason ?? 'pause', { speechMs, endpointingMs }, nowMs);
    this.#tell({ type: 'turn-ended', turn: endedTurn(turn, this.#startedAtMs), ...(heard && { words: heard }) }, nowMs);
    // Until the reply is heard, the caller may go on with this turn: its audio stays.
    if (overheard) this.#hearing.audio.recorder.discard();
  };

  readonly #onReplyFailed = (fault: unknown): void => {
    const { onFault, now } = this.#options;
    onFault('reply_failed', fault);
    this.#tell({ type: 'reply-failed', exhausted: fault instanceof StageExhaustedError }, now());
  };

  /** Tells the conversation, and does what it says. @returns the turn that this is about, where it is about one */
  #tell(event: ConversationEvent, nowMs: number): string | undefined {
    if (this.#closed || !this.#lead.note(event)) return undefined;
    let turnId: string | undefined;
    let stateChanged = false;
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
        this.#options.onEvent(effect.event);
        return effect.event.name === 'transcript' ? effect.event.data.turnId : undefined;
      case 'abort-reply':
        this.#abortReply(nowMs);
        return undefined;
      case 'reply':
        this.#startReply(effect.request, nowMs);
        return effect.request.turnId;
      case 'end':
        this.#options.onEnded(effect.reason);
        return undefined;
    }
  }

  #startReply(request: ReplyRequest, nowMs: number): void {
    this.#voice.begin(request, {
      turn: (answer) => turnInput(answer, this.#hearing.audio.recorder, this.#startedAtMs),
      history: () => this.#history.messages(),
    });
    this.#interrupter.replyPending(nowMs);
  }

  #abortReply(nowMs: number): void {
    const { heard } = this.#voice.playout.progress();
    this.#voice.abort();
    this.#interrupter.replyOver(heard, nowMs);
  }

  #onAudible(nowMs: number): void {
    this.#hearing.audio.recorder.discard();
    this.#interrupter.replyAudible(nowMs);
    this.#tell({ type: 'reply-audible' }, nowMs);
  }

  #onFinished(speech: SpeechAudio, nowMs: number): void {
    if (speech.length === 0) this.#voice.playout.stop();
    this.#tell({ type: 'reply-finished', text: speech.text }, nowMs);
    this.#interrupter.replyOver(speech.text, nowMs);
  }

  readonly #emit = (event: CallEvent): void => {
    if (!this.#closed && this.#lead.leads) this.#options.onEvent(event);
  };

  readonly #sessionMs = (nowMs: number): number => Math.round(nowMs - this.#startedAtMs);
}
