/** What one call in a voice worker is made of, put together: ears, voice, what comes between them, and what is told of it. */
import { AgentVoice, type AgentVoiceOptions } from '../speech/agent-voice.ts';
import type { CallEvent } from '../conversation/call-events.ts';
import { createCallHearing } from './call-hearing.ts';
import type { CallMemory } from './call-memory.ts';
import type { CallProviders } from './call-providers.ts';
import type { ConversationEvent, ConversationSnapshot, ReplyProgress } from '../conversation/conversation-events.ts';
import { Decisions } from '../conversation/decisions.ts';
import type { Hearing } from '../hearing/hearing.ts';
import { Initiative } from './initiative.ts';
import { Interrupter } from './interrupter.ts';
import type { Journal } from '../journal/journal.ts';
import { recording } from '../journal/journal-audio.ts';
import type { Message, Speculative } from '../providers/provider.ts';
import { ReplyGenerator, type ReplyOptions } from '../speech/reply.ts';
import { Speculator } from '../speech/speculator.ts';
import type { CallTools, ToolSide } from '../tools/call-tools.ts';
import { TurnUpkeep } from '../conversation/turn-upkeep.ts';
import type { VoiceCallOptions } from './voice-call-options.ts';

/** What the parts ask of their call. */
export type CallSide = {
  /** Everything that the conversation is told passes through here, with its time. */
  tell: (event: ConversationEvent, nowMs: number) => void;
  sessionMs: (nowMs: number) => number;
  startedAtMs: () => number;
  turnId: () => string | undefined;
  replyTurnId: () => string | undefined;
  /** The caller's turn that would be answered if it ended now. */
  answerable: () => string | undefined;
  history: () => Message[];
  emit: (event: CallEvent) => void;
  transmit: AgentVoiceOptions['transmit'];
  voiceEvents: AgentVoiceOptions['events'];
};

export type CallPartsOptions = VoiceCallOptions & { journal: Journal | undefined };

export class CallParts {
  readonly hearing: Hearing;
  readonly voice: AgentVoice;
  readonly interrupter: Interrupter;
  readonly upkeep: TurnUpkeep;
  readonly initiative: Initiative;
  readonly tools: CallTools | undefined;
  readonly #memory: CallMemory | undefined;
  readonly speculator: Speculator | undefined;
  readonly #replyTurnId: CallSide['replyTurnId'];

  /** @throws ProviderConfigError where the agent cannot be served */
  constructor(options: CallPartsOptions, side: CallSide) {
    const { open, now, onFault, journal } = options;
    const { turnHandling, language } = open.agent;
    const { tell, sessionMs, startedAtMs, turnId, replyTurnId } = side;
    this.#replyTurnId = replyTurnId;
    const emit = (event: CallEvent) => {
      this.upkeep.note(event);
      side.emit(event);
    };
    const { decide, stageEvent } = new Decisions({ now, sessionMs, turnId, replyTurnId, emit });
    const tools = toolSide(options, side, () => this.upkeep);
    const providers = options.providers(open.agent, stageEvent, decide, tools);
    [this.tools, this.#memory] = [providers.tools, providers.memory];
    this.initiative = new Initiative({ agent: open.agent, journal, tell, decide });
    this.voice = createVoice(options, side, providers, (step, speculative) => this.#step(step, speculative, now()));
    const { voice } = this;
    this.upkeep = new TurnUpkeep({ voice, tell, decide, sessionMs, onFault });
    this.hearing = createCallHearing({
      ...options,
      speechToText: providers.speechToText,
      endpointing: turnHandling.endpointing,
      language,
      interrupter: () => this.interrupter,
      upkeep: () => this.upkeep,
      speculator: () => this.speculator,
      voice: () => voice,
      tell,
      decide,
      sessionMs,
      startedAtMs,
    });
    const { interruption, preemptiveGeneration } = turnHandling;
    if (preemptiveGeneration.enabled && providers.speechToText) {
      const { step: onStep } = this.upkeep;
      this.speculator = new Speculator({ ...side, preemptiveGeneration, journal, voice, decide, onStep, now });
    }
    const recogniser = this.hearing.tellsPartials;
    this.interrupter = new Interrupter({ interruption, language, recogniser, journal, voice, tell, decide, sessionMs });
  }

  /** Those of a speculation are its own, until it is used. */
  #step(step: 'firstTokenMs' | 'firstAudioMs', speculative: Speculative | undefined, nowMs: number): void {
    if (speculative && !speculative.confirmed) this.speculator?.step(step, nowMs);
    else this.upkeep.step(step, nowMs);
  }

  /** What goes with the conversation to another worker or pod. */
  get standing(): Pick<ConversationSnapshot, 'initiative' | 'memory'> {
    const memory = this.#memory?.snapshot;
    return { initiative: this.initiative.snapshot(), ...(memory && { memory }) };
  }

  /** @param wasThere the caller has been there all the time: a silence goes on */
  restore(from: ConversationSnapshot | undefined, wasThere: boolean): void {
    this.initiative.restore(from?.initiative, wasThere);
    this.#memory?.restore(from?.memory);
  }

  /** How far the reply that runs has come. @param atWord for a voice that goes on at that word */
  progress(atWord: boolean): ReplyProgress {
    const progress = this.voice.playout.progress(atWord);
    const turnId = this.#replyTurnId();
    const complete = this.voice.playout.speech?.ended ?? true;
    const findsOut = !complete && turnId !== undefined && this.tools?.usedFor(turnId) === true;
    return { ...progress, ...(findsOut && { findsOut }) };
  }

  close(): void {
    this.speculator?.close();
    this.voice.close();
    this.hearing.close();
    this.#memory?.close();
    this.tools?.close();
  }
}

function toolSide(
  { open, now, recordTools: record }: CallPartsOptions,
  { tell, sessionMs, emit }: CallSide,
  upkeep: () => TurnUpkeep,
): ToolSide {
  const used: ToolSide['used'] = (use) => upkeep().toolUsed(use);
  const endCall = () => tell({ type: 'hang-up' }, now());
  return { sessionId: open.callId, restored: open.tools ?? [], sessionMs, emit, record, endCall, used };
}

function createVoice(
  options: CallPartsOptions,
  { transmit: send, voiceEvents: events }: CallSide,
  providers: CallProviders,
  onStep: NonNullable<ReplyOptions['onStep']>,
): AgentVoice {
  const { rateHz, journal, after, now } = options;
  const transmit = journal?.audio ? recording(journal.audio, now, send) : send;
  const reply = new ReplyGenerator({ ...providers, rateHz, journal, onStep, after });
  return new AgentVoice({ ...options, reply, bridges: providers.bridges, transmit, events });
}
