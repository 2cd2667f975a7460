/**
 * What pods say to each other. `request` is answered once or fails with a typed error; everything else is fire and
 * forget, so whoever must not miss a thing asks for what it missed (session events carry a sequence number for that).
 */
import type { PodUnreachable, RemoteRefusal } from './errors.ts';

export type RequestOptions = {
  /** How long an answer may take, in ms. */
  timeoutMs: number;
  signal?: AbortSignal;
};

/** Answers a request. What it throws reaches the asker as `RemoteRefusal` with its `code`, or `internal`. */
export type RequestHandler = (payload: unknown, from: string, signal: AbortSignal) => Promise<unknown>;

export interface MessageBus {
  /** The pod that speaks here. */
  readonly podId: string;

  /**
   * Since when (Unix ms) this pod has been able to reach the others without a break, on the same Redis process; undefined
   * while it cannot. Nobody can be called gone on the word of a connection that is younger than the question.
   */
  readonly steadySince: number | undefined;

  /**
   * Asks another pod, or this one. The handler runs at most once, however often the request had to be sent.
   * @throws {PodUnreachable} `gone` (nobody listens under that name, for certain), `timeout`, or `cut_off` (the bus itself
   *   cannot be reached, or was not long enough for an answer to count on)
   * @throws {RemoteRefusal} what the handler threw; `no_handler` where nobody answers to that name
   * @throws {SignallingFailure} `message_too_large`
   * @throws the signal's reason once it is aborted
   */
  request(podId: string, name: string, payload: unknown, options: RequestOptions): Promise<unknown>;

  /**
   * Asks every other pod at once. Resolves to the answers that came in time; refusals are left out, and silence where others
   * have answered.
   * @throws {PodUnreachable} `cut_off`: they could not be asked; `timeout`: nobody gave an answer, and not all refused one.
   *   Nothing follows from their silence
   * @throws as `request` for what cannot be sent, and when aborted
   */
  ask(name: string, payload: unknown, options: RequestOptions): Promise<{ podId: string; answer: unknown }[]>;

  /** Whoever asks for `name` is answered by `handler`. One handler a name. */
  handle(name: string, handler: RequestHandler): void;

  /** Tells one pod something, without knowing whether it arrives. Never throws and never waits. */
  tell(podId: string, name: string, payload: unknown): void;

  /** Tells every pod that has subscribed, this one included. As `tell`. */
  publish(topic: string, payload: unknown): void;

  /** What was told to this pod (`tell`), or to all (`publish`). Returns how to stop listening. */
  subscribe(name: string, listener: (payload: unknown, from: string) => void): () => void;

  /** Pending requests fail with `cut_off`. Idempotent. */
  close(): Promise<void>;
}

export type BusFailure = PodUnreachable | RemoteRefusal;
