/**
 * What the agent says of its own accord: it asks whether a silent caller is still there, announces that time is short, and
 * says goodbye before it ends the call for either. It decides when; the conversation says it.
 */
import type { AgentConfig } from '../agent/agent.ts';
import { textsOf } from '../agent/agent-texts.ts';
import type { CallEvent } from '../conversation/call-events.ts';
import type { ConversationEvent } from '../conversation/conversation-events.ts';
import type { Decide } from '../turn/decision.ts';
import type { Idle, IdleAction, IdleSnapshot } from '../conversation/idle.ts';
import { journaledPart } from '../journal/journal-parts.ts';
import type { Journal } from '../journal/journal.ts';
import type { Texts } from '../languages/language.ts';
import type { SessionLimit } from '../conversation/session-limit.ts';

export type InitiativeOptions = {
  agent: Pick<AgentConfig, 'language' | 'texts' | 'limits'>;
  journal: Journal | undefined;
  tell: (event: ConversationEvent, nowMs: number) => void;
  decide: Decide;
};

/** What survives a voice worker or a pod. */
export type InitiativeSnapshot = { idle?: IdleSnapshot; warned?: true };

export class Initiative {
  readonly #options: InitiativeOptions;
  readonly #texts: Texts;
  #idle!: Idle | undefined;
  #limit!: SessionLimit;
  #wasQuiet = false;

  constructor(options: InitiativeOptions) {
    this.#options = options;
    this.#texts = textsOf(options.agent);
    this.restore(undefined, false);
  }

  /**
   * Begins anew, as it stood elsewhere.
   * @param wasThere the caller has been there all the time: a silence goes on
   */
  restore(from: InitiativeSnapshot | undefined, wasThere: boolean): void {
    const { agent, journal } = this.#options;
    const { idle, sessionMinutes, warningSeconds } = agent.limits;
    this.#wasQuiet = false;
    this.#idle =
      idle &&
      journaledPart(journal, 'idle', {
        askAfterMs: idle.askAfterSeconds * 1000,
        times: idle.times,
        endAfterMs: idle.endAfterSeconds * 1000,
        from: from?.idle && (wasThere ? from.idle : { asked: from.idle.asked }),
      });
    const limit = { limitMs: sessionMinutes * 60_000, warningMs: warningSeconds * 1000 };
    this.#limit = journaledPart(journal, 'limit', { ...limit, warned: from?.warned ?? false });
  }

  /** Of all that the call tells, what the caller said. */
  note({ name, data }: CallEvent): void {
    if (name === 'transcript' && data.final && data.role === 'user') this.#idle?.callerSpoke();
  }

  /**
   * @param quiet neither side speaks or is about to, and somebody can hear what would be said
   * @param sessionMs time of the session at `nowMs`
   */
  poll(quiet: boolean, sessionMs: number, nowMs: number): void {
    const idle = this.#idle;
    if (idle && quiet !== this.#wasQuiet) {
      if (quiet) idle.quiet(sessionMs);
      else idle.busy();
    }
    this.#wasQuiet = quiet;
    if (sessionMs >= this.#limit.dueMs(quiet)) return this.#limitReached(quiet, sessionMs, nowMs);
    if (!idle || sessionMs < idle.nextDeadlineMs) return;
    const action = idle.poll(sessionMs);
    // Silence is counted anew, also where this was not said.
    this.#wasQuiet = false;
    if (action) this.#idled(action, nowMs);
  }

  snapshot(): InitiativeSnapshot {
    const idle = this.#idle?.snapshot();
    return { ...(idle && { idle }), ...(this.#limit.warned && { warned: true }) };
  }

  #idled(action: IdleAction, nowMs: number): void {
    const { tell, decide, agent } = this.#options;
    const { quietMs } = action;
    decide('idle', action.do, { quietMs, ...(action.do === 'ask' && { time: action.index + 1 }) }, nowMs);
    if (action.do === 'end') {
      return tell({ type: 'volunteer', text: this.#texts.idleGoodbye, ends: 'idle' }, nowMs);
    }
    const { areYouThere } = this.#texts;
    const text = areYouThere[Math.min(action.index, areYouThere.length - 1)]!;
    const byModel = agent.limits.idle?.askBy === 'model' && { instruction: instructionAfter(quietMs) };
    tell({ type: 'volunteer', text, ...byModel }, nowMs);
  }

  #limitReached(quiet: boolean, sessionMs: number, nowMs: number): void {
    const { tell, decide } = this.#options;
    const action = this.#limit.poll(quiet, sessionMs);
    if (!action) return;
    decide('limit', action, { sessionMs }, nowMs);
    if (action === 'warn') tell({ type: 'volunteer', text: this.#texts.timeIsShort }, nowMs);
    else tell({ type: 'volunteer', text: this.#texts.timeIsUp, ends: 'expired', insists: true }, nowMs);
  }
}

/** For the model, in the place of words of the caller. */
function instructionAfter(quietMs: number): string {
  const seconds = Math.round(quietMs / 1000);
  return (
    `[The caller has said nothing for ${seconds} seconds. In one short sentence, in the language of this conversation, ` +
    'ask whether they are still there, or help them on.]'
  );
}
