/** The bus, the same over every wire: who is told and asked what, and what is made of what arrives. */
import { BusAnswers } from './bus-answers.ts';
import { encodeBusMessage, parseBusMessage } from './bus-messages.ts';
import type { BusMessage, BusReply, BusRequest } from './bus-messages.ts';
import { payloadProblem, payloadSchemas } from './bus-payloads.ts';
import { BusQuestions, EVERYBODY } from './bus-questions.ts';
import type { PodAnswer } from './bus-questions.ts';
import { SignallingFailure } from './errors.ts';
import type { Log } from './log.ts';
import type { MessageBus, RequestHandler, RequestOptions } from './message-bus.ts';
import { realTiming } from './timing.ts';
import type { Timing } from './timing.ts';
import type { Wire } from './wire.ts';

export type PodBusOptions = {
  podId: string;
  wire: Wire;
  log: Log;
  /** Replies to a pod come on `<replyChannel>:<podId>`. */
  replyChannel: string;
  timing?: Timing;
};

type Listener = (payload: unknown, from: string) => void;

const ALL_PODS_CHANNEL = 'parley:pods';
const podChannel = (podId: string): string => `parley:pod:${podId}`;
const topicChannel = (topic: string): string => `parley:topic:${topic}`;

export class PodBus implements MessageBus {
  readonly podId: string;
  readonly #wire: Wire;
  readonly #log: Log;
  readonly #replyChannel: (podId: string) => string;
  readonly #answers: BusAnswers;
  readonly #questions: BusQuestions;
  readonly #topics = new Map<string, { listeners: Set<Listener>; unlisten: () => void }>();
  readonly #unlisten: (() => void)[];
  #closed: Promise<void> | undefined;

  constructor({ podId, wire, log, replyChannel, timing = realTiming }: PodBusOptions) {
    this.podId = podId;
    this.#wire = wire;
    this.#log = log;
    this.#replyChannel = (to) => `${replyChannel}:${to}`;
    this.#answers = new BusAnswers({ podId, timing, log });
    const send = (to: string, text: string): Promise<number | undefined> => this.#bring(to, text);
    this.#questions = new BusQuestions({ podId, timing, steadySince: () => wire.steadySince, send });
    this.#unlisten = [
      wire.listen(podChannel(podId), (text) => this.#receive(text)),
      wire.listen(this.#replyChannel(podId), (text) => this.#receive(text)),
      wire.listen(ALL_PODS_CHANNEL, (text) => this.#receiveAsked(text)),
      wire.onUp(() => this.#questions.resend()),
    ];
  }

  get steadySince(): number | undefined {
    return this.#wire.steadySince;
  }

  request(podId: string, name: string, payload: unknown, options: RequestOptions): Promise<unknown> {
    return this.#questions.request(podId, name, payload, options);
  }

  ask(name: string, payload: unknown, options: RequestOptions): Promise<PodAnswer[]> {
    return this.#questions.ask(name, payload, options);
  }

  handle(name: string, handler: RequestHandler): void {
    this.#answers.handle(name, handler);
  }

  tell(podId: string, name: string, payload: unknown): void {
    this.#sendQuietly({ type: 'tell', from: this.podId, name, payload }, (text) => this.#bring(podId, text));
  }

  publish(topic: string, payload: unknown): void {
    this.#sendQuietly({ type: 'tell', from: this.podId, name: topic, payload }, (text) => {
      // This pod hears itself at once and not by way of the wire, so that it does so even while the wire is down.
      queueMicrotask(() => this.#receive(text));
      return this.#wire.send(topicChannel(topic), text);
    });
  }

  subscribe(name: string, listener: Listener): () => void {
    // A listener of its own for each subscription: the same function may have subscribed twice.
    const own: Listener = (payload, from) => listener(payload, from);
    const { listeners } = this.#topic(name);
    listeners.add(own);
    return () => {
      listeners.delete(own);
      const topic = this.#topics.get(name);
      if (!topic || topic.listeners.size > 0) return;
      topic.unlisten();
      this.#topics.delete(name);
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#questions.close();
    this.#answers.close();
    for (const unlisten of this.#unlisten) unlisten();
    for (const { unlisten } of this.#topics.values()) unlisten();
    this.#topics.clear();
    await this.#wire.close();
  }

  #topic(name: string): { listeners: Set<Listener>; unlisten: () => void } {
    let topic = this.#topics.get(name);
    if (!topic) {
      const unlisten = this.#wire.listen(topicChannel(name), (text) => this.#receivePublished(text));
      topic = { listeners: new Set(), unlisten };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  /** As `Wire.send`, to a pod. What is for this one does not travel. */
  async #bring(to: string, text: string): Promise<number | undefined> {
    if (to === this.podId) {
      queueMicrotask(() => this.#receive(text));
      return undefined;
    }
    return this.#wire.send(to === EVERYBODY ? ALL_PODS_CHANNEL : podChannel(to), text);
  }

  #sendQuietly(message: BusMessage, send: (text: string) => Promise<unknown>): void {
    try {
      const text = encodeBusMessage(message);
      send(text).catch((error: unknown) =>
        this.#log.debug({ err: error, type: message.type }, 'not sent to other pods'),
      );
    } catch (error) {
      this.#log.warn({ err: error, type: message.type }, 'cannot be sent to other pods');
    }
  }

  #receivePublished(text: string): void {
    const message = parseBusMessage(text);
    // What it published itself, it has heard.
    if (message?.from !== this.podId) this.#take(message);
  }

  #receiveAsked(text: string): void {
    const message = parseBusMessage(text);
    if (message?.type !== 'request' || message.from !== this.podId) return this.#take(message);
    // Its own question: it counts among those that got it, and asks only the others.
    this.#questions.receive({ type: 'reply', id: message.id, from: this.podId, ok: false, code: 'asked_itself' });
  }

  #receive(text: string): void {
    this.#take(parseBusMessage(text));
  }

  #take(message: BusMessage | undefined): void {
    if (this.#closed) return;
    switch (message?.type) {
      case 'request':
        return void this.#answer(message);
      case 'reply':
        return this.#questions.receive(message);
      case 'cancel':
        return this.#answers.cancel(message);
      case 'tell':
        return this.#hear(message.name, message.payload, message.from);
      case undefined:
        this.#log.debug({}, 'what came on the bus is no message of a pod');
    }
  }

  #hear(name: string, payload: unknown, from: string): void {
    const problem = payloadProblem(payloadSchemas, name, payload);
    if (problem !== undefined)
      return this.#log.debug({ name, from, problem }, 'a message of another pod makes no sense');
    for (const listener of this.#topics.get(name)?.listeners ?? []) {
      try {
        listener(payload, from);
      } catch (error) {
        this.#log.error({ err: error, name, from }, 'a message of another pod could not be taken');
      }
    }
  }

  async #answer(request: BusRequest): Promise<void> {
    const text = this.#encodeReply(await this.#answers.answer(request), request.name);
    if (request.from === this.podId) return this.#receive(text);
    this.#wire.send(this.#replyChannel(request.from), text).catch((error: unknown) => {
      this.#log.debug({ err: error, name: request.name }, 'an answer was not sent; it will be asked for again');
    });
  }

  /** An answer that cannot travel is no reason to let the asker wait. */
  #encodeReply(reply: BusReply, name: string): string {
    try {
      return encodeBusMessage(reply);
    } catch (error) {
      this.#log.error({ err: error, name }, 'an answer to another pod cannot be sent');
      const code = error instanceof SignallingFailure ? error.code : 'internal';
      return encodeBusMessage({ type: 'reply', id: reply.id, from: this.podId, ok: false, code });
    }
  }
}
