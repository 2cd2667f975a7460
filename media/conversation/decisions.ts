/** Tells what was decided in a call, and why, as its events. */
import type { CallEvent } from './call-events.ts';
import type { DecisionInputs, DecisionKind } from '../turn/decision.ts';
import type { StageEvent } from '../providers/stage.ts';

export type DecisionsOptions = {
  now: () => number;
  sessionMs: (nowMs: number) => number;
  /** The turn that is at hand: the caller's where one runs. */
  turnId: () => string | undefined;
  /** The turn of the reply that is being prepared or heard. */
  replyTurnId: () => string | undefined;
  emit: (event: CallEvent) => void;
};

/** They are about what the caller says; all others about the reply, where there is one. */
const OF_SPEECH: ReadonlySet<DecisionKind> = new Set(['endpoint', 'ignore', 'speculate', 'use', 'discard']);

export class Decisions {
  readonly #options: DecisionsOptions;

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  readonly decide = (decision: DecisionKind, reason: string, inputs: DecisionInputs, nowMs: number): void => {
    const replyTurnId = OF_SPEECH.has(decision) ? undefined : this.#options.replyTurnId();
    const turnId = replyTurnId ?? this.#options.turnId();
    const rounded = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, typeof value === 'number' ? Math.round(value) : value]),
    );
    const atMs = this.#options.sessionMs(nowMs);
    this.#options.emit({
      name: 'decision',
      data: { decision, reason, inputs: rounded, atMs, ...(turnId && { turnId }) },
    });
  };

  /** Of the vendors, only what went wrong. */
  readonly stageEvent = (event: StageEvent): void => {
    if (event.type === 'tried') return;
    const { stage, provider } = event;
    const inputs =
      event.type === 'failed'
        ? { provider, code: event.code, afterMs: event.afterMs, delivered: event.delivered }
        : { provider, code: event.reason, waitedMs: event.waitedMs };
    this.decide('failover', stage, inputs, this.#options.now());
  };
}
