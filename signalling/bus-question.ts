/** One question on its way: sent again while it is unanswered, since a message may get lost, until its time is over. */
import type { BusReply } from './bus-messages.ts';
import type { RequestOptions } from './message-bus.ts';
import type { Timing } from './timing.ts';

export type BusQuestionOptions<Answer> = RequestOptions & {
  timing: Timing;
  /** The question as it travels. What this throws, the question fails with. */
  encode: (remainingMs: number) => string;
  /** As `Wire.send`. */
  send: (text: string) => Promise<number | undefined>;
  /** As of the wire that it is sent on. */
  steadySince: () => number | undefined;
  /** A reply came. It may settle the question, or not yet. */
  onReply: (reply: BusReply, question: BusQuestion<Answer>) => void;
  /** It went out, and so many got it; undefined where nobody can tell. */
  onSent: (receivers: number | undefined, question: BusQuestion<Answer>) => void;
  /**
   * Its time is over. `timeout`: it was asked on a connection that still stands, not enough came, and there would have been
   * time: half of it. Where less is left after a break, the other is not to blame.
   */
  onOver: (reason: 'timeout' | 'cut_off', question: BusQuestion<Answer>) => void;
};

/**
 * Between two sendings, doubling. Who answers remembers what it was asked, so sending again costs a message and nothing
 * else; sooner would repeat every request that takes its time, later would make a lost one wait.
 */
const RESEND_MS = { first: 250, most: 1_000 };

/** A timer that is so late was held up, and with it whatever came meanwhile, which is read within `READ_MS`. */
const STOOD_STILL_MS = 20;
const READ_MS = 50;

export class BusQuestion<Answer> {
  readonly #options: BusQuestionOptions<Answer>;
  readonly #resolvers = Promise.withResolvers<Answer>();
  readonly #deadlineMs: number;
  #stopDeadline: () => void;
  #stopResend: (() => void) | undefined;
  #resendMs = RESEND_MS.first;
  /** When it first went out on the connection that stands now. */
  #sentAtMs: number | undefined;
  #settled = false;

  constructor(options: BusQuestionOptions<Answer>) {
    this.#options = options;
    const { timing, timeoutMs, signal } = options;
    this.#deadlineMs = timing.nowMs() + timeoutMs;
    this.#stopDeadline = timing.after(timeoutMs, () => this.#due());
    signal?.addEventListener('abort', this.#abort);
  }

  /** Sends it, and resolves to its answer. To be called once. */
  ask(): Promise<Answer> {
    if (this.#options.signal?.aborted) this.#abort();
    void this.#send();
    return this.#resolvers.promise;
  }

  receive(reply: BusReply): void {
    if (!this.#settled) this.#options.onReply(reply, this);
  }

  /** Sends it once more, now: the wire stands again. */
  resend(): void {
    this.#resendMs = RESEND_MS.first;
    void this.#send();
  }

  /** Sends it once more after so long, if it is still unanswered then. */
  resendAfter(delayMs: number): void {
    if (this.#settled) return;
    this.#stopResend?.();
    this.#stopResend = this.#options.timing.after(delayMs, () => void this.#send());
  }

  answer(answer: Answer): void {
    this.#settle();
    this.#resolvers.resolve(answer);
  }

  fail(error: unknown): void {
    this.#settle();
    this.#resolvers.reject(error instanceof Error ? error : new Error('called off', { cause: error }));
  }

  async #send(): Promise<void> {
    if (this.#settled) return;
    this.resendAfter(this.#resendMs);
    this.#resendMs = Math.min(this.#resendMs * 2, RESEND_MS.most);
    const { timing, send, onSent } = this.#options;
    const nowMs = timing.nowMs();
    const text = this.#encode(nowMs);
    if (text === undefined) return;
    let receivers: number | undefined;
    try {
      receivers = await send(text);
    } catch {
      // It is sent again as long as there is time. Where nothing can be sent, no answer could have come either.
      this.#sentAtMs = undefined;
      return;
    }
    this.#sentAtMs = this.#isSent ? this.#sentAtMs : nowMs;
    if (!this.#settled) onSent(receivers, this);
  }

  #encode(nowMs: number): string | undefined {
    try {
      return this.#options.encode(Math.max(0, this.#deadlineMs - nowMs));
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** This process may have stood still, and its answer be there, unread. */
  #due(): void {
    const { timing } = this.#options;
    if (timing.nowMs() - this.#deadlineMs < STOOD_STILL_MS) this.#over();
    else this.#stopDeadline = timing.after(READ_MS, () => this.#over());
  }

  #over(): void {
    if (this.#settled) return;
    const latestMs = this.#deadlineMs - this.#options.timeoutMs / 2;
    const heard = this.#isSent && (this.#sentAtMs ?? Infinity) <= latestMs;
    this.#options.onOver(heard ? 'timeout' : 'cut_off', this);
  }

  get #isSent(): boolean {
    const since = this.#options.steadySince();
    return since !== undefined && this.#sentAtMs !== undefined && this.#sentAtMs >= since;
  }

  #settle(): void {
    this.#settled = true;
    this.#stopDeadline();
    this.#stopResend?.();
    this.#options.signal?.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => this.fail(this.#options.signal?.reason);
}
