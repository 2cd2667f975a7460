/**
 * Sees to it that no turn ends in silence, and keeps what is to be told of each: bridges stalls, alarms where nothing comes
 * of what the caller said, measures, and collects decisions for the transcript.
 */
import type { AgentVoice } from '../speech/agent-voice.ts';
import type { CallEvent } from './call-events.ts';
import type { ConversationEvent, EndedTurn, ReplyRequest } from './conversation-events.ts';
import type { Decide } from '../turn/decision.ts';
import { SilenceBridge } from './silence-bridge.ts';
import type { ToolUse } from '../tools/tool-use.ts';
import { TurnClock } from './turn-timings.ts';
import { TurnLog } from './turn-log.ts';
import { Watchdog } from './watchdog.ts';

export type TurnUpkeepOptions = {
  voice: AgentVoice;
  tell: (event: ConversationEvent, nowMs: number) => void;
  decide: Decide;
  sessionMs: (nowMs: number) => number;
  /** Told of alarms: how things stand, never what was said. */
  onFault: (code: string, fault: unknown) => void;
};

export class StuckTurnError extends Error {
  override readonly name = 'StuckTurnError';
  readonly code = 'turn_stuck';
}

export class TurnUpkeep {
  readonly #options: TurnUpkeepOptions;
  readonly #watchdog = new Watchdog();
  readonly #bridge = new SilenceBridge();
  readonly #clock = new TurnClock();
  readonly #log = new TurnLog();
  #answering = false;

  constructor(options: TurnUpkeepOptions) {
    this.#options = options;
  }

  words(text: string, nowMs: number): void {
    this.#clock.words(this.#options.sessionMs(nowMs));
    this.#watchdog.words(text, nowMs);
  }

  /** @param understood it has words, and they are no echo */
  turnEnded({ endOfSpeechMs }: EndedTurn, understood: boolean, nowMs: number): void {
    this.#clock.turnEnded(endOfSpeechMs, this.#options.sessionMs(nowMs));
    if (!understood) this.#watchdog.settled();
  }

  /** The words were heard while the agent spoke, and let it go on. */
  ignored(): void {
    this.#watchdog.settled();
  }

  replyStarted(request: ReplyRequest, nowMs: number): void {
    this.#watchdog.settled();
    this.#answering = request.kind === 'answer';
    const endpointingMs = request.kind === 'answer' ? request.turn.endpointingMs : 0;
    if (request.kind !== 'answer' || request.turn.speechMs === 0) this.#clock.forget();
    else this.#clock.answerBegins();
    this.#bridge.begin(nowMs - endpointingMs, nowMs);
  }

  replyOver(): void {
    this.#answering = false;
    this.#bridge.end();
  }

  readonly step = (name: 'firstTokenMs' | 'firstAudioMs' | 'firstPacketMs', nowMs: number): void => {
    this.#clock.step(name, this.#options.sessionMs(nowMs));
  };

  note(event: CallEvent): void {
    this.#log.note(event);
  }

  toolUsed(use: ToolUse): void {
    this.#log.toolUsed(use);
  }

  /** A line of the transcript with how its turn went. */
  complete(event: CallEvent): CallEvent {
    return this.#log.complete(event, this.#clock.audible(this.#options.voice.playout.listener.delayMs));
  }

  /** @param isIdle neither side speaks, nor is about to @param ready somebody can hear what would be said */
  poll({ isIdle, ready }: { isIdle: boolean; ready: boolean }, nowMs: number): void {
    const { voice, decide } = this.#options;
    const index = this.#answering ? this.#bridge.poll(voice.isDry, nowMs) : undefined;
    if (index !== undefined && voice.bridge(index)) {
      decide('bridge', index === 0 ? 'stalled' : 'stalled long', {}, nowMs);
    }
    const alarm = ready ? this.#watchdog.poll(!isIdle, nowMs) : undefined;
    if (!alarm) return;
    const { action, waitedMs } = alarm;
    decide(action, 'nothing scheduled', { waitedMs }, nowMs);
    this.#options.onFault('turn_stuck', new StuckTurnError(`nothing came of a turn for ${Math.round(waitedMs)} ms`));
    const event =
      action === 'restart' ? ({ type: 'late-words', text: alarm.text } as const) : ({ type: 'stuck' } as const);
    this.#options.tell(event, nowMs);
  }
}
