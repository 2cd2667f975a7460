/** The agent's side of one call in a voice worker: has replies generated, one at a time, and plays them. */
import { textsOf } from '../agent/agent-texts.ts';
import type { BargeInAction } from '../turn/barge-in.ts';
import type { AgentOutput } from '../conversation/call-events.ts';
import type { ReplyRequest } from '../conversation/conversation-events.ts';
import type { EncodedClips } from '../audio/encoded-clips.ts';
import type { EncoderEffort } from './encoder-effort.ts';
import { frameSamples, type PlayoutRateHz } from '../audio/opus.ts';
import type { PlayoutClock } from './playout-clock.ts';
import { Playout } from './playout.ts';
import type { PlayoutEvents } from './playout-options.ts';
import type { Message, SpokenAudio, TurnInput } from '../providers/provider.ts';
import type { ReplyGenerator } from './reply.ts';
import { SpeechAudio } from './speech-audio.ts';
import { SpeculativeReply } from './speculative-reply.ts';
import type { OpenCall } from '../workers/voice-protocol.ts';

export type AgentVoiceOptions = {
  open: OpenCall;
  rateHz: PlayoutRateHz;
  clock: PlayoutClock;
  clips: EncodedClips;
  effort?: EncoderEffort | undefined;
  reply: ReplyGenerator;
  /** Words for the midst of a reply that stalls, spoken ahead. */
  bridges?: ((index: number) => readonly SpokenAudio[] | undefined) | undefined;
  now: () => number;
  /** There is something to send: the call's work should not wait for the next tick. Default: it does. */
  hurry?: (() => void) | undefined;
  /** Puts a packet on the wire. */
  transmit: (packet: Uint8Array) => void;
  events: PlayoutEvents & {
    /** All of the reply is known, heard or not. */
    onComplete: () => void;
    onFailed: (fault: unknown) => void;
  };
};

/** What a reply goes by: the turn that it answers, where it answers one. */
export type ReplyInput = { turn: (answer: Answer) => TurnInput; history: () => Message[] };
type Answer = Extract<ReplyRequest, { kind: 'answer' }>;

export class AgentVoice {
  readonly #options: AgentVoiceOptions;
  readonly playout: Playout;
  readonly #closed = new AbortController();
  #generation: AbortController | undefined;
  /** The reply will not be completed: told when what there is of it has been said. */
  #failure: { fault: unknown } | undefined;

  constructor(options: AgentVoiceOptions) {
    const { rateHz, clock, clips, effort, open, transmit, events } = options;
    this.#options = options;
    this.playout = new Playout({
      rateHz,
      clock,
      clips,
      effort,
      ssrc: open.agentSsrc,
      payloadType: open.payloadType,
      transmit,
      events,
    });
  }

  /** Has the greeting spoken before anybody waits for it; what the voice has said once it keeps. */
  prepareGreeting(): void {
    const { open, reply } = this.#options;
    if (!open.agent.greeting) return;
    reply.say(open.agent.greeting, this.#newSpeech(''), this.#closed.signal).catch(() => undefined);
  }

  /** The same for what is to be said again. */
  prepareClauses(text: string): void {
    this.#options.reply.recite(text.split('\n'), this.#newSpeech(''), this.#closed.signal).catch(() => undefined);
  }

  /** Has an answer generated that nobody hears yet. */
  speculate(turn: Omit<TurnInput, 'speculative'>, history: Message[]): SpeculativeReply {
    const speech = this.#newSpeech(turn.turnId);
    return new SpeculativeReply(speech, history, (reply, signal) =>
      this.#options.reply.answer({ ...turn, speculative: reply }, history, speech, signal),
    );
  }

  /** Begins a reply; one that runs is given up. @param ahead what was generated of it before it was asked for */
  begin(request: ReplyRequest, input: ReplyInput, ahead?: SpeculativeReply): void {
    this.#generation?.abort();
    this.#failure = undefined;
    const generation = ahead?.generation ?? new AbortController();
    this.#generation = generation;
    const { events, now } = this.#options;
    const speech = ahead?.speech ?? this.#newSpeech(request.turnId);
    this.playout.hold(false);
    this.playout.play(speech);
    if (speech.canBegin) this.#options.hurry?.();
    ahead?.confirm();
    (ahead?.outcome ?? this.#generate(request, input, speech, generation.signal)).then(
      () => (speech.length === 0 ? events.onFinished(speech, now()) : events.onComplete()),
      (fault: unknown) => !generation.signal.aborted && this.#failed(fault),
    );
  }

  /** Gives the reply up; its voice fades out. */
  abort(): void {
    this.#generation?.abort();
    this.#generation = undefined;
    this.#failure = undefined;
    this.playout.stop();
    this.playout.hold(false);
  }

  /** @returns what the agent's voice is from now on, where that changes. */
  act(action: Exclude<BargeInAction, 'interrupt'>): AgentOutput | undefined {
    const { duckByDb, resumeRewindMs } = this.#options.open.agent.turnHandling.interruption;
    switch (action) {
      case 'hold':
      case 'release':
        this.playout.hold(action === 'hold');
        return undefined;
      case 'duck':
        this.playout.duck(duckByDb);
        return 'ducked';
      case 'pause':
        this.playout.pause();
        return 'paused';
      case 'unduck':
      case 'resume':
        this.playout.resume(resumeRewindMs);
        return 'normal';
    }
  }

  /** The reply goes on, none of it is left to be played, and nobody keeps it from being played. */
  get isDry(): boolean {
    const { speech, position, mayBeHeard } = this.playout;
    return speech !== undefined && !speech.ended && !speech.frameReady(position) && mayBeHeard;
  }

  /** What time brings: a reply that has failed is over when there is nothing left of it to be heard. */
  poll(): void {
    const failure = this.#failure;
    if (!failure || !this.isDry) return;
    this.#failure = undefined;
    this.#options.events.onFailed(failure.fault);
  }

  /** Says words that were spoken ahead in the midst of the reply. @returns whether there are any */
  bridge(index: number): boolean {
    const pieces = this.#options.bridges?.(index);
    const { speech } = this.playout;
    if (!pieces || !speech) return false;
    speech.bridge(pieces);
    return true;
  }

  close(): void {
    this.#generation?.abort();
    this.#closed.abort();
  }

  /** An apology in the middle of a word would be the worse for it. */
  #failed(fault: unknown): void {
    if (this.playout.audible && !this.isDry) this.#failure = { fault };
    else this.#options.events.onFailed(fault);
  }

  #generate(request: ReplyRequest, input: ReplyInput, speech: SpeechAudio, signal: AbortSignal): Promise<void> {
    const { open, reply } = this.#options;
    if (request.kind === 'answer') {
      const first = request.again ? textsOf(open.agent).oneMoment : '';
      return reply.answer(input.turn(request), input.history(), speech, signal, first);
    }
    if (request.kind === 'greeting') return reply.say(open.agent.greeting, speech, signal);
    if (request.kind === 'prompt') {
      const { turnId, instruction: text } = request;
      const turn = { turnId, text, speechMs: 0, endpointingMs: 0, turnIndex: 0 };
      return reply.answer(turn, [...input.history(), { role: 'user', text }], speech, signal);
    }
    const [first = '', ...following] = request.text.split('\n');
    const { broken } = request;
    if (broken) speech.beginWithin(broken, first);
    return reply.recite([broken?.clause ?? first, ...following], speech, signal);
  }

  #newSpeech(turnId: string): SpeechAudio {
    const { rateHz: sampleRateHz, hurry: onReady } = this.#options;
    return new SpeechAudio({ turnId, sampleRateHz, frameSamples: frameSamples(sampleRateHz), onReady });
  }
}
