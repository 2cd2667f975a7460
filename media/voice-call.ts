/**
 * One call inside a voice worker: the caller's audio, the conversation and the agent's voice, put together. It carries
 * out what `conversation` and `barge-in` decide; the clock and the sockets are the worker's.
 */
import { AgentVoice } from './agent-voice.ts';
import { BargeIn, type BargeInAction } from './barge-in.ts';
import { changesState, type CallEvent } from './call-events.ts';
import { CallerAudio } from './caller-audio.ts';
import type {
  ConversationEffect,
  ConversationEvent,
  ConversationSnapshot,
  ReplyRequest,
} from './conversation-events.ts';
import { Conversation } from './conversation.ts';
import type { EncodedClips } from './encoded-clips.ts';
import { ConversationHistory } from './history.ts';
import { Lead } from './lead.ts';
import type { PlayoutRateHz } from './opus.ts';
import type { PlayoutClock } from './playout-clock.ts';
import type { ReplyGenerator } from './reply.ts';
import type { RtpSocket } from './rtp-socket.ts';
import type { SpeechAudio } from './speech-audio.ts';
import type { SpeechDetector } from './speech-detector.ts';
import type { TurnEnded } from './turn-detector.ts';
import { endedTurn, turnInput } from './turn-input.ts';
import type { VadBatcher } from './vad-batcher.ts';
import type { CallSnapshot, OpenCall, TakeOver } from './voice-protocol.ts';

export type VoiceCallOptions = {
  open: OpenCall;
  link: RtpSocket;
  now: () => number;
  rateHz: PlayoutRateHz;
  clock: PlayoutClock;
  clips: EncodedClips;
  batcher: VadBatcher;
  reply: ReplyGenerator;
  onEvent: (event: CallEvent) => void;
  onStateChanged: (snapshot: CallSnapshot) => void;
  /** The voice has stopped for good, and another pod may go on from here. */
  onHandedOver: (conversation: ConversationSnapshot) => void;
  onFault: (code: string, fault: unknown) => void;
  onVerdictDelay: (delayMs: number) => void;
};

export class VoiceCall {
  readonly #options: VoiceCallOptions;
  readonly #caller: CallerAudio;
  readonly #lead: Lead;
  readonly #bargeIn: BargeIn;
  readonly #voice: AgentVoice;
  #conversation: Conversation;
  #history: ConversationHistory;
  #startedAtMs: number;
  #link: RtpSocket;
  #callerSsrc: number | undefined;
  #onsetMs = 0;
  #closed = false;

  constructor(options: VoiceCallOptions) {
    const { open, now, batcher, onVerdictDelay } = options;
    const { endpointing, interruption } = open.agent.turnHandling;
    this.#options = options;
    this.#link = options.link;
    this.#history = new ConversationHistory(open.history);
    this.#startedAtMs = open.startedAtMs;
    this.#lead = new Lead(!open.standby);
    this.#bargeIn = new BargeIn(interruption);
    const events = {
      onSpeechStarted: this.#onSpeechStarted,
      onSpeechEnded: (nowMs: number) => void this.#tell({ type: 'speech-stopped' }, nowMs),
      onWindow: this.#onWindow,
      onTurnEnded: this.#onTurnEnded,
    };
    this.#caller = new CallerAudio({ endpointing, batcher, now, events, onVerdictDelay });
    this.#voice = new AgentVoice({
      ...options,
      transmit: (packet) => this.#link.send(packet),
      events: {
        onAudible: (_speech, nowMs) => this.#onAudible(nowMs),
        onFinished: (speech, nowMs) => this.#onFinished(speech, nowMs),
        onSilent: (nowMs) => this.#tell({ type: 'silent' }, nowMs),
        onComplete: () => options.onStateChanged(this.snapshot(now())),
        onFailed: (fault) => {
          options.onFault('reply_failed', fault);
          this.#tell({ type: 'reply-failed' }, now());
        },
      },
    });
    this.#conversation = open.restore
      ? Conversation.restore(open.restore.conversation, this.#progress)
      : new Conversation(this.#progress);
  }

  /** Has spoken, before anybody waits for it, what will be said first. */
  prepare(): void {
    const { greeted, unheard } = this.#options.open.restore?.conversation ?? {};
    if (!greeted) this.#voice.prepareGreeting();
    else if (unheard) this.#voice.prepareClauses(unheard);
  }

  /** The caller's packets come with this SSRC. */
  receiveFrom(ssrc: number | undefined): void {
    if (this.#callerSsrc !== undefined) this.#link.forget(this.#callerSsrc);
    this.#callerSsrc = ssrc;
    this.#caller.restart(this.#options.now());
    if (ssrc === undefined) return;
    this.#link.receive(ssrc, (header, packet, nowMs) => this.#caller.receive(header, packet, nowMs));
  }

  moveTo(link: RtpSocket): void {
    this.receiveFrom(undefined);
    this.#link = link;
  }

  /** Sends the frame that is due. @returns how late it is in ms, or −1 when none is due */
  send(nowMs: number): number {
    return this.#voice.playout.send(nowMs) ? this.#options.clock.lastLatenessMs : -1;
  }

  /** Work after the packets of this tick have left: the next frame, and whatever time alone brings. */
  work(nowMs: number): void {
    this.#caller.poll(nowMs);
    if (this.#bargeIn.nextDeadlineMs <= nowMs) this.#act(this.#bargeIn.poll(nowMs), nowMs);
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
    if (muted) this.#caller.mute(this.#options.now());
  }

  get statistics() {
    return { caller: this.#caller.statistics, playout: this.#options.clock.statistics };
  }

  snapshot(nowMs: number): CallSnapshot {
    return { playout: this.#options.clock.snapshot(nowMs), conversation: this.#conversation.snapshot() };
  }

  close(): void {
    if (this.#closed) return;
    this.receiveFrom(undefined);
    this.#closed = true;
    this.#voice.close();
    this.#caller.close();
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
    this.#conversation = Conversation.restore(order.conversation, this.#progress, course);
    this.#tell({ type: 'lead', course, ready }, nowMs);
  }

  /** Whoever goes on from a hand-over does so at the word. */
  readonly #progress = () => this.#voice.playout.progress(this.#lead.isHandingOver);

  readonly #onSpeechStarted = (startMs: number, nowMs: number): void => {
    this.#onsetMs = startMs;
    this.#tell({ type: 'speech-started', startMs: this.#sessionMs(startMs) }, nowMs);
  };

  readonly #onWindow = (detector: SpeechDetector, nowMs: number): void => {
    const { speaking, silenceMs, speechMs } = detector;
    if (!speaking) return;
    const bargeIn = this.#bargeIn;
    this.#act(silenceMs === 0 ? bargeIn.speech(speechMs, nowMs) : bargeIn.silence(silenceMs, nowMs), nowMs);
  };

  readonly #onTurnEnded = (turn: TurnEnded, nowMs: number): void => {
    const overheard = this.#voice.playout.audible;
    this.#tell({ type: 'turn-ended', turn: endedTurn(turn, this.#startedAtMs) }, nowMs);
    // Until the reply is heard, the caller may go on with this turn: its audio stays.
    if (overheard) this.#caller.recorder.discard();
  };

  #act(action: BargeInAction | undefined, nowMs: number): void {
    if (action === undefined) return;
    if (action === 'interrupt') {
      return void this.#tell({ type: 'cut-in', onsetMs: this.#sessionMs(this.#onsetMs) }, nowMs);
    }
    const output = this.#voice.act(action);
    if (output) this.#tell({ type: 'output', output }, nowMs);
  }

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
    }
  }

  #startReply(request: ReplyRequest, nowMs: number): void {
    this.#voice.begin(request, {
      turn: (answer) => turnInput(answer, this.#caller.recorder, this.#startedAtMs),
      history: () => this.#history.messages(),
    });
    this.#act(this.#bargeIn.agentPending(true, nowMs), nowMs);
  }

  #abortReply(nowMs: number): void {
    this.#voice.abort();
    this.#agentSilent(nowMs);
  }

  #onAudible(nowMs: number): void {
    this.#caller.recorder.discard();
    this.#bargeIn.agentPending(false, nowMs);
    this.#act(this.#bargeIn.agentAudible(true, nowMs), nowMs);
    this.#tell({ type: 'reply-audible' }, nowMs);
  }

  #onFinished(speech: SpeechAudio, nowMs: number): void {
    if (speech.length === 0) this.#voice.playout.stop();
    this.#tell({ type: 'reply-finished', text: speech.text }, nowMs);
    this.#agentSilent(nowMs);
  }

  #agentSilent(nowMs: number): void {
    this.#bargeIn.agentPending(false, nowMs);
    this.#bargeIn.agentAudible(false, nowMs);
  }

  #sessionMs(nowMs: number): number {
    return Math.round(nowMs - this.#startedAtMs);
  }
}
