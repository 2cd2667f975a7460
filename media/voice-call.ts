/**
 * One call inside a voice worker: the caller's audio, the conversation and the agent's voice, put together. It carries
 * out what `conversation` and `barge-in` decide; the clock and the sockets are the worker's.
 */
import { BargeIn, type BargeInAction } from './barge-in.ts';
import type { CallEvent } from './call-events.ts';
import { CallerAudio } from './caller-audio.ts';
import type { ConversationEvent, ReplyRequest } from './conversation-events.ts';
import { Conversation } from './conversation.ts';
import type { EncodedClips } from './encoded-clips.ts';
import { ConversationHistory } from './history.ts';
import { frameSamples, type PlayoutRateHz } from './opus.ts';
import type { PlayoutClock } from './playout-clock.ts';
import { Playout } from './playout.ts';
import type { ReplyGenerator } from './reply.ts';
import type { RtpSocket } from './rtp-socket.ts';
import { SpeechAudio } from './speech-audio.ts';
import type { SpeechDetector } from './speech-detector.ts';
import type { TurnEnded } from './turn-detector.ts';
import { turnInput } from './turn-input.ts';
import type { VadBatcher } from './vad-batcher.ts';
import type { CallSnapshot, OpenCall } from './voice-protocol.ts';

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
  onFault: (code: string, fault: unknown) => void;
  onVerdictDelay: (delayMs: number) => void;
};

export class VoiceCall {
  readonly #options: VoiceCallOptions;
  readonly #caller: CallerAudio;
  readonly #conversation: Conversation;
  readonly #bargeIn: BargeIn;
  readonly #playout: Playout;
  readonly #history: ConversationHistory;
  #link: RtpSocket;
  #callerSsrc: number | undefined;
  readonly #prepared = new AbortController();
  #generation: AbortController | undefined;
  #onsetMs = 0;
  #closed = false;

  constructor(options: VoiceCallOptions) {
    const { open, now, batcher, onVerdictDelay } = options;
    const { endpointing, interruption } = open.agent.turnHandling;
    this.#options = options;
    this.#link = options.link;
    this.#history = new ConversationHistory(open.history);
    this.#bargeIn = new BargeIn(interruption);
    const events = {
      onSpeechStarted: this.#onSpeechStarted,
      onSpeechEnded: (nowMs: number) => void this.#tell({ type: 'speech-stopped' }, nowMs),
      onWindow: this.#onWindow,
      onTurnEnded: this.#onTurnEnded,
    };
    this.#caller = new CallerAudio({ endpointing, batcher, now, events, onVerdictDelay });
    this.#playout = this.#createPlayout();
    const progress = () => this.#playout.progress();
    this.#conversation = open.restore
      ? Conversation.restore(open.restore.conversation, progress)
      : new Conversation(progress);
  }

  /** Has the greeting spoken before anybody waits for it; what the voice has said once it keeps. */
  prepare(): void {
    const { open, reply } = this.#options;
    if (open.restore || !open.agent.greeting) return;
    reply.say(open.agent.greeting, this.#newSpeech(''), this.#prepared.signal).catch(() => undefined);
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
    return this.#playout.send(nowMs) ? this.#options.clock.lastLatenessMs : -1;
  }

  /** Work after the packets of this tick have left: the next frame, and whatever time alone brings. */
  work(nowMs: number): void {
    this.#caller.poll(nowMs);
    if (this.#bargeIn.nextDeadlineMs <= nowMs) this.#act(this.#bargeIn.poll(nowMs), nowMs);
    this.#playout.prepare();
    const text = this.#playout.audible ? this.#playout.speech?.newlyBegunText(this.#playout.position) : undefined;
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
    this.#generation?.abort();
    this.#prepared.abort();
    this.#caller.close();
  }

  #createPlayout(): Playout {
    const { rateHz, clock, clips, open } = this.#options;
    return new Playout({
      rateHz,
      clock,
      clips,
      ssrc: open.agentSsrc,
      payloadType: open.payloadType,
      transmit: (packet) => this.#link.send(packet),
      events: {
        onAudible: (_speech, nowMs) => this.#onAudible(nowMs),
        onFinished: (speech, nowMs) => this.#onFinished(speech, nowMs),
        onSilent: (nowMs) => this.#tell({ type: 'silent' }, nowMs),
      },
    });
  }

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
    const { startMs, speechMs, endOfSpeechMs, endpointingMs } = turn;
    const ended = {
      startMs: this.#sessionMs(startMs),
      speechMs: Math.round(speechMs),
      endOfSpeechMs: this.#sessionMs(endOfSpeechMs),
      endpointingMs: Math.round(endpointingMs),
    };
    const overheard = this.#playout.audible;
    this.#tell({ type: 'turn-ended', turn: ended }, nowMs);
    // Until the reply is heard, the caller may go on with this turn: its audio stays.
    if (overheard) this.#caller.recorder.discard();
  };

  #act(action: BargeInAction | undefined, nowMs: number): void {
    const { duckByDb, resumeRewindMs } = this.#options.open.agent.turnHandling.interruption;
    switch (action) {
      case undefined:
        return;
      case 'hold':
        return this.#playout.hold(true);
      case 'release':
        return this.#playout.hold(false);
      case 'duck':
        this.#playout.duck(duckByDb);
        return void this.#tell({ type: 'output', output: 'ducked' }, nowMs);
      case 'pause':
        this.#playout.pause();
        return void this.#tell({ type: 'output', output: 'paused' }, nowMs);
      case 'unduck':
      case 'resume':
        this.#playout.resume(resumeRewindMs);
        return void this.#tell({ type: 'output', output: 'normal' }, nowMs);
      case 'interrupt':
        return void this.#tell({ type: 'cut-in', onsetMs: this.#sessionMs(this.#onsetMs) }, nowMs);
    }
  }

  /** Tells the conversation, and does what it says. @returns the turn that this is about, where it is about one */
  #tell(event: ConversationEvent, nowMs: number): string | undefined {
    if (this.#closed) return undefined;
    let turnId: string | undefined;
    let stateChanged = false;
    for (const effect of this.#conversation.handle(event, this.#sessionMs(nowMs))) {
      if (effect.type === 'emit') {
        this.#history.note(effect.event);
        this.#options.onEvent(effect.event);
        stateChanged ||= effect.event.name === 'agent-state';
        if (effect.event.name === 'transcript') turnId ??= effect.event.data.turnId;
      } else if (effect.type === 'abort-reply') this.#abortReply(nowMs);
      else {
        turnId = effect.request.turnId;
        this.#startReply(effect.request, nowMs);
      }
    }
    // A replacement that knew of the reply before would say again what has been heard.
    if (stateChanged) this.#options.onStateChanged(this.snapshot(nowMs));
    return turnId;
  }

  #startReply(request: ReplyRequest, nowMs: number): void {
    this.#generation?.abort();
    const generation = new AbortController();
    this.#generation = generation;
    const { open, reply, onFault } = this.#options;
    const speech = this.#newSpeech(request.turnId);
    this.#playout.hold(false);
    this.#playout.play(speech);
    this.#act(this.#bargeIn.agentPending(true, nowMs), nowMs);
    const { signal } = generation;
    const work =
      request.kind === 'answer'
        ? reply.answer(
            turnInput(request, this.#caller.recorder, open.startedAtMs),
            this.#history.messages(),
            speech,
            signal,
          )
        : reply.say(request.kind === 'greeting' ? open.agent.greeting : request.text, speech, signal);
    work.then(
      () => speech.length === 0 && this.#onFinished(speech, this.#options.now()),
      (fault: unknown) => {
        if (signal.aborted) return;
        onFault('reply_failed', fault);
        this.#tell({ type: 'reply-failed' }, this.#options.now());
      },
    );
  }

  #newSpeech(turnId: string): SpeechAudio {
    const { rateHz: sampleRateHz } = this.#options;
    return new SpeechAudio({ turnId, sampleRateHz, frameSamples: frameSamples(sampleRateHz) });
  }

  #abortReply(nowMs: number): void {
    this.#generation?.abort();
    this.#generation = undefined;
    this.#playout.stop();
    this.#playout.hold(false);
    this.#agentSilent(nowMs);
  }

  #onAudible(nowMs: number): void {
    this.#caller.recorder.discard();
    this.#bargeIn.agentPending(false, nowMs);
    this.#act(this.#bargeIn.agentAudible(true, nowMs), nowMs);
    this.#tell({ type: 'reply-audible' }, nowMs);
  }

  #onFinished(speech: SpeechAudio, nowMs: number): void {
    if (speech.length === 0) this.#playout.stop();
    this.#tell({ type: 'reply-finished', text: speech.text }, nowMs);
    this.#agentSilent(nowMs);
  }

  #agentSilent(nowMs: number): void {
    this.#bargeIn.agentPending(false, nowMs);
    this.#bargeIn.agentAudible(false, nowMs);
  }

  #sessionMs(nowMs: number): number {
    return Math.round(nowMs - this.#options.open.startedAtMs);
  }
}
