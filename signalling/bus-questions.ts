/** The asking side of the bus: which answer belongs to which question, and what is concluded where none comes. */
import { randomUUID } from 'node:crypto';
import { encodeBusMessage } from './bus-messages.ts';
import type { BusReply } from './bus-messages.ts';
import { answerSchemas, payloadProblem } from './bus-payloads.ts';
import { BusQuestion } from './bus-question.ts';
import type { BusQuestionOptions } from './bus-question.ts';
import { PodUnreachable, RemoteRefusal } from './errors.ts';
import type { RequestOptions } from './message-bus.ts';
import type { Timing } from './timing.ts';

export type BusQuestionsOptions = {
  podId: string;
  timing: Timing;
  /** As of the wire. */
  steadySince: () => number | undefined;
  /** Brings a text to a pod, this one included, or to everybody; as `Wire.send`. */
  send: (to: string, text: string) => Promise<number | undefined>;
};

export type PodAnswer = { podId: string; answer: unknown };

/** What is asked of whom, and what is made of it. */
type Asking<Answer> = Pick<BusQuestionOptions<Answer>, 'onReply' | 'onSent' | 'onOver'> & {
  to: string;
  name: string;
  payload: unknown;
  options: RequestOptions;
};

/** The parts of a question that do not depend on what its answer is. */
type Pending = Pick<BusQuestion<unknown>, 'receive' | 'resend' | 'fail'> & { to: string };

/** Every pod at once. No pod has this name. */
export const EVERYBODY = '*';

/** A younger connection proves nothing: the other pod may not have come back yet from the loss that made it new. */
const STEADY_MS = 3_000;
/**
 * Nobody listened: look again after so long before saying that a pod is gone. One that lost its connection for a moment
 * listens again within about 60 ms; longer would only delay the rescue of a call whose pod is dead.
 */
const SECOND_LOOK_MS = 150;

export class BusQuestions {
  readonly #options: BusQuestionsOptions;
  readonly #pending = new Map<string, Pending>();
  #closed = false;

  constructor(options: BusQuestionsOptions) {
    this.#options = options;
  }

  /** As `MessageBus.request`. */
  request(podId: string, name: string, payload: unknown, options: RequestOptions): Promise<unknown> {
    let missed = false;
    return this.#ask<unknown>({
      to: podId,
      name,
      payload,
      options,
      onReply: (reply, question) => {
        // Each pod may only speak for itself.
        if (reply.from !== podId) return;
        if (reply.ok) question.answer(reply.answer);
        else question.fail(new RemoteRefusal(podId, reply.code));
      },
      onSent: (receivers, question) => {
        const certain = receivers === 0 && this.#isSteady();
        if (certain && missed) question.fail(new PodUnreachable(podId, 'gone'));
        else if (certain) question.resendAfter(SECOND_LOOK_MS);
        missed = certain;
      },
      onOver: (reason, question) => question.fail(new PodUnreachable(podId, reason)),
    });
  }

  /**
   * As `MessageBus.ask`. This pod hears the question, too, as one of those that were counted; whoever passes messages on
   * replies to it with a refusal.
   */
  ask(name: string, payload: unknown, options: RequestOptions): Promise<PodAnswer[]> {
    const replies = new Map<string, BusReply>();
    let receivers: number | undefined;
    const answers = (): PodAnswer[] =>
      Array.from(replies.values()).flatMap((reply) => (reply.ok ? [{ podId: reply.from, answer: reply.answer }] : []));
    const isComplete = () => receivers !== undefined && replies.size >= receivers && this.#isSteady();
    const look = (question: BusQuestion<PodAnswer[]>): void => {
      if (isComplete()) question.answer(answers());
    };
    return this.#ask<PodAnswer[]>({
      to: EVERYBODY,
      name,
      payload,
      options,
      onReply: (reply, question) => {
        replies.set(reply.from, reply);
        look(question);
      },
      onSent: (count, question) => {
        receivers = count;
        look(question);
      },
      onOver: (reason, question) => {
        const found = answers();
        // Nothing follows from the silence of somebody who is there, or may be.
        if (reason === 'timeout' && (found.length > 0 || isComplete())) question.answer(found);
        else question.fail(new PodUnreachable(EVERYBODY, reason));
      },
    });
  }

  receive(reply: BusReply): void {
    this.#pending.get(reply.id)?.receive(reply);
  }

  /** The wire stands again: whatever waits is sent again at once. */
  resend(): void {
    for (const question of this.#pending.values()) question.resend();
  }

  /** Pending questions fail with `cut_off`. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { to, fail } of this.#pending.values()) fail(new PodUnreachable(to, 'cut_off'));
  }

  async #ask<Answer>({ to, name, payload, options, ...reactions }: Asking<Answer>): Promise<Answer> {
    if (this.#closed) throw new PodUnreachable(to, 'cut_off');
    const { podId: from, timing, steadySince, send } = this.#options;
    const id = randomUUID();
    const question = new BusQuestion<Answer>({
      ...options,
      ...reactions,
      timing,
      steadySince: to === from ? () => 0 : steadySince,
      encode: (timeoutMs) => encodeBusMessage({ type: 'request', id, from, name, payload, timeoutMs }),
      send: (text) => send(to, text),
    });
    this.#pending.set(id, {
      to,
      receive: (reply) => question.receive(checked(name, reply)),
      resend: () => question.resend(),
      fail: (error) => question.fail(error),
    });
    try {
      return await question.ask();
    } finally {
      this.#pending.delete(id);
      if (options.signal?.aborted) this.#cancel(to, id);
    }
  }

  #cancel(to: string, id: string): void {
    const text = encodeBusMessage({ type: 'cancel', id, from: this.#options.podId });
    // Who never hears of it stops at the deadline.
    this.#options.send(to, text).catch(() => undefined);
  }

  #isSteady(): boolean {
    const since = this.#options.steadySince();
    return since !== undefined && this.#options.timing.nowMs() - since >= STEADY_MS;
  }
}

/** What makes no sense as an answer counts as a refusal: nobody behind this looks at it again. */
const checked = (name: string, reply: BusReply): BusReply => {
  if (!reply.ok || payloadProblem(answerSchemas, name, reply.answer) === undefined) return reply;
  const { type, id, from } = reply;
  return { type, id, from, ok: false, code: 'invalid_answer' };
};
