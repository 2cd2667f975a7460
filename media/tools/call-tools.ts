/** The tools of one call: they go with each reply's language model, and what they did is told in later turns, too. */
import type { CallEvent } from '../conversation/call-events.ts';
import { after as realAfter, monotonicMs, sleeper, type After } from '../runtime/clock.ts';
import type { Decide } from '../turn/decision.ts';
import type { LanguageModel, Message, ModelMessage } from '../providers/provider.ts';
import type { Tool } from '../agent/tool-schema.ts';
import { callOfClient, ClientTools, outcomeOf, type ClientPresence, type ClientToolAnswer } from './client-tools.ts';
import type { CodeTools } from './code-tools.ts';
import type { HttpTools } from './http-tools.ts';
import { toolActions, type ToolValues } from './tool-actions.ts';
import { ToolLedger, type ToolOutcome, type ToolRecord } from './tool-ledger.ts';
import { ToolRunner, type ToolEvent, type ToolRun } from './tool-runner.ts';
import { ToolUsingModel } from './tool-using-model.ts';
import { toolUse, type ToolUse } from './tool-use.ts';

/** What tools ask of their call. */
export type ToolSide = {
  /** Names the session. */
  sessionId: string;
  /** What was done before, in another worker or pod. */
  restored: ToolRecord;
  sessionMs: (nowMs: number) => number;
  emit: (event: CallEvent) => void;
  /** Resolves when it is where whoever goes on with the call finds it, to whether it is. */
  record: (record: ToolRecord) => Promise<boolean>;
  /** The call is over once what is being said has been heard. */
  endCall: () => void;
  /** A tool was run. */
  used: (use: ToolUse) => void;
};

export type CallToolsOptions = {
  tools: readonly Tool[];
  values: ToolValues;
  http: Pick<HttpTools, 'run'>;
  code: Pick<CodeTools, 'run' | 'prepare'>;
  side: ToolSide;
  /** Told of each tool that was run, with its name and how it went. */
  decide: Decide;
  /** Default: the machine's time. */
  now?: () => number;
  after?: After;
};

const STAYS: ToolOutcome = {
  error: {
    code: 'interrupted',
    message: 'The caller spoke before you had finished, so the call goes on. Call this again when it is to end.',
  },
};

export class CallTools {
  readonly #options: CallToolsOptions;
  readonly #ledger: ToolLedger;
  readonly #client: ClientTools;
  readonly #runner: ToolRunner;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #closed = new AbortController();
  /** What the pod that spoke before told after it had handed over; that may come before this one takes over. */
  #learnt: ToolRecord = [];
  /** The call that is to end this conversation, until the reply that it came with is over. */
  #ending: ToolRun | undefined;

  constructor(options: CallToolsOptions) {
    const { tools, side, after = realAfter } = options;
    this.#options = options;
    this.#sleep = sleeper(after);
    this.#ledger = new ToolLedger(side.restored);
    const emit = (event: CallEvent): void => side.emit(event);
    this.#client = new ClientTools({
      ask: (call) => emit({ name: 'tool-call', data: { ...call, atMs: this.#now() } }),
      cancel: (callId) => emit({ name: 'tool-cancel', data: { callId, atMs: this.#now() } }),
      sleep: this.#sleep,
    });
    this.#runner = new ToolRunner({
      tools,
      ledger: this.#ledger,
      act: toolActions({
        ...options,
        client: this.#client,
        sessionId: side.sessionId,
        endCall: (run) => {
          this.#ending = run;
          side.endCall();
        },
        sendText: (text, { turnId }) => emit({ name: 'text', data: { turnId, text, atMs: this.#now() } }),
      }),
      record: () => side.record(this.#ledger.record),
      onEvent: this.#told,
      now: () => this.#now(),
      sleep: this.#sleep,
      signal: this.#closed.signal,
    });
    options.code.prepare(tools.flatMap((tool) => (tool.type === 'code' ? [tool.module] : [])));
  }

  get isWorking(): boolean {
    return this.#runner.isWorking;
  }

  /** For the answer to this turn a tool was run, or runs. */
  usedFor(turnId: string): boolean {
    return this.#ledger.messagesOf(turnId).length > 0;
  }

  /**
   * @param turnId of the turn that is answered
   * @param mayRun waited for before any tool runs; without it the answer is certain to be wanted
   */
  modelFor(model: LanguageModel, turnId: string, mayRun?: Promise<void>): LanguageModel {
    // The usual words for a silence are the call's own, whatever it comes from.
    const common = { model, runner: this.#runner, turnId, sleep: this.#sleep, fillers: [] };
    return new ToolUsingModel({ ...common, ...(mayRun && { mayRun }) });
  }

  /** What was said, with what was done for it in its place. */
  withResults(history: readonly Message[]): ModelMessage[] {
    return history.flatMap((message): ModelMessage[] => {
      const turnId = message.role === 'user' ? message.turnId : undefined;
      return turnId === undefined ? [message] : [message, ...this.#ledger.messagesOf(turnId)];
    });
  }

  /** Whether this turn's answer ends the call: it need not say any more. */
  endsWith(turnId: string): boolean {
    return this.#ending?.turnId === turnId;
  }

  /** The reply was given up, and what it was to end goes on. */
  replyGivenUp(): void {
    const ending = this.#ending;
    this.#ending = undefined;
    if (!ending) return;
    this.#ledger.ended(ending.turnId, ending.callId, STAYS, this.#now());
    this.#record();
  }

  /** Whether the caller's page can be asked. */
  clientPresent(presence: ClientPresence): void {
    this.#client.clientPresent(presence);
  }

  /** The page has done what it was asked for, here or in a worker that is gone. */
  clientAnswered(answer: ClientToolAnswer): void {
    if (this.#client.answer(answer)) return;
    const { turnId, callId } = callOfClient(answer.callId);
    if (this.#ledger.becameKnown(turnId, callId, outcomeOf(answer), this.#now())) this.#record();
  }

  /** Goes on with what was done in the pod that spoke until now. */
  takeOver(record: ToolRecord): void {
    this.#ledger.restore(record);
    this.learn(this.#learnt);
  }

  /** Tools that still ran when this pod took over have ended in the one that spoke before. */
  learn(record: ToolRecord): void {
    this.#learnt = record;
    const now = this.#now();
    const ended = record.filter(
      ({ turnId, call, outcome }) => outcome && this.#ledger.becameKnown(turnId, call.id, outcome, now),
    );
    if (ended.length > 0) this.#record();
  }

  /** What must not be cut off runs to its end. Idempotent. */
  close(): void {
    this.#closed.abort(new Error('the call is over'));
  }

  readonly #told = (event: ToolEvent): void => {
    if (event.state !== 'ended') return;
    const { decide, side } = this.#options;
    const { turnId, callId, name, kind, tookMs, error } = event;
    decide('tool', name, { kind, tookMs, ...(error !== undefined && { error }) }, this.#clock());
    const entry = this.#ledger.find(turnId, callId);
    if (entry) side.used(toolUse(entry, kind));
  };

  #record(): void {
    void this.#options.side.record(this.#ledger.record).catch(() => undefined);
  }

  #clock(): number {
    return (this.#options.now ?? monotonicMs)();
  }

  /** Time of the session. */
  #now(): number {
    return this.#options.side.sessionMs(this.#clock());
  }
}
