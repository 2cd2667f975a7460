import { setTimeout as wait } from 'node:timers/promises';
import { bulkhead, ExponentialBackoff, handleWhen, retry, timeout, TimeoutStrategy, wrap } from 'cockatiel';
import type { Log } from '../signalling/log.ts';
import type { Outbox } from '../signalling/outbox.ts';
import type { TranscriptEntry } from '../signalling/protocol.ts';
import type { SessionRecord } from '../signalling/session.ts';
import { sessionEndedEvent, signatureOf } from './webhook-event.ts';

export type WebhookTarget = { url: string; secret: string };

export type WebhookOptions = {
  /** Where the end of this session is told; undefined: nowhere. */
  targetOf: (record: SessionRecord) => Promise<WebhookTarget | undefined>;
  transcript: (sessionId: string) => Promise<TranscriptEntry[]>;
  /** What other pods may have to finish, and what they have left; without it, what is not told at the end is lost. */
  outbox?: { kept: Outbox; recordOf: (sessionId: string) => Promise<SessionRecord | undefined> };
  log: Log;
  nowMs: () => number;
  /** Before the transcript is read: what was said last may still be on its way to the store. Default 500 ms. */
  settleMs?: number;
  /** For one attempt. Default 10,000 ms. */
  timeoutMs?: number;
  /** Before the second attempt; it grows with each. Default 1,000 ms. */
  retryAfterMs?: number;
  /** How long closing waits for what is under way. Default 3,000 ms. */
  closingMs?: number;
  /** Between two looks for what other pods have left. Default 5,000 ms. */
  lookMs?: number;
};

const SETTLE_MS = 500;
const TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 300_000;
const CLOSING_MS = 3_000;
/** Several in the time of a lease. */
const LOOK_MS = 5_000;
/** With the pauses between them about a quarter of an hour, in which most receivers have come back. */
const ATTEMPTS = 9;
/** Requests at a time: more would hold sockets and memory for a receiver that hangs. */
const PARALLEL = 16;
/** Deliveries that wait, each with a transcript; more than this many sessions do not end in a quarter of an hour. */
const MAX_PENDING = 10_000;

/** An attempt that failed; the message says how, without the address, which may hold a key. */
class WebhookRefused extends Error {
  override readonly name = 'WebhookRefused';
  readonly code = 'webhook_refused';
  readonly final: boolean;

  constructor(reason: string, final = false) {
    super(reason);
    this.final = final;
  }
}

/**
 * Tells a URL of every session that ends on this pod, again until that answers with a 2xx. The same event may come twice,
 * under the same id. Nobody waits for it but closing, and that not for long.
 */
export class Webhook {
  readonly #options: WebhookOptions;
  /** By the session's id. */
  readonly #pending = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  /** What is not told yet is no longer this pod's to tell. */
  readonly #left = new AbortController();
  readonly #policy: ReturnType<typeof policyOf>;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#policy = policyOf(options);
    if (options.outbox) this.#timer = setInterval(() => void this.#look(), options.lookMs ?? LOOK_MS).unref();
  }

  /** Sessions whose end has not been told yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** A session has ended. */
  note(record: SessionRecord): void {
    const { log } = this.#options;
    const sessionId = record.id;
    if (this.#pending.size >= MAX_PENDING)
      return log.error({ sessionId }, 'the end of a session is not told: too many wait');
    if (this.#pending.has(sessionId)) return;
    const told = this.#tell(record).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : 'unknown';
      log.error({ sessionId, reason }, 'the end of a session could not be told');
    });
    this.#pending.set(sessionId, told);
    void told.then(() => this.#pending.delete(sessionId));
  }

  /** What is under way has a moment to end; the rest is left to other pods, or lost, and the log says how much. Idempotent. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    clearInterval(this.#timer);
    const over = new AbortController();
    const { closingMs = CLOSING_MS } = this.#options;
    const patience = wait(closingMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#pending.values()), patience]);
    over.abort();
    this.#left.abort();
    const left = [...this.#pending.keys()];
    if (left.length === 0) return;
    const { outbox, log } = this.#options;
    const kept =
      outbox &&
      (await outbox.kept.leave(left).then(
        () => true,
        () => false,
      ));
    if (kept) log.info({ sessions: left.length }, 'other pods are to tell the end of sessions');
    else log.error({ sessions: left.length }, 'closing before the end of sessions could be told');
  }

  /** Says that what is pending is being seen to, and sees to what nobody does. Never rejects. */
  async #look(): Promise<void> {
    const { outbox, log } = this.#options;
    if (outbox === undefined) return;
    try {
      await outbox.kept.keep([...this.#pending.keys()]);
      for (const id of await outbox.kept.take(PARALLEL)) {
        const record = await outbox.recordOf(id);
        if (record?.state === 'ended') this.note(record);
        else await outbox.kept.remove(id);
      }
    } catch (error) {
      log.debug({ err: error }, 'what other pods have left to tell cannot be read just now');
    }
  }

  async #tell(record: SessionRecord): Promise<void> {
    const { targetOf, transcript, settleMs = SETTLE_MS } = this.#options;
    const target = await targetOf(record);
    if (target === undefined) return;
    const { id } = record;
    await this.#kept((outbox) => outbox.keep([id]));
    await wait(settleMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    try {
      const body = JSON.stringify(sessionEndedEvent(record, await transcript(id)));
      await this.#policy((signal) => this.#post(target, id, body, signal), this.#left.signal);
      this.#options.log.info({ sessionId: id }, 'the end of a session was told');
    } finally {
      if (!this.#left.signal.aborted) await this.#kept((outbox) => outbox.remove(id));
    }
  }

  /** Where it fails, this pod's memory is all there is. */
  async #kept(change: (outbox: Outbox) => Promise<void>): Promise<void> {
    const { outbox } = this.#options;
    if (outbox) await change(outbox.kept).catch(() => undefined);
  }

  async #post({ url, secret }: WebhookTarget, sessionId: string, body: string, signal: AbortSignal): Promise<void> {
    const headers = {
      'Content-Type': 'application/json',
      'User-Agent': 'Parley',
      'Parley-Event-Id': `session.ended:${sessionId}`,
      'Parley-Signature': signatureOf(body, secret, Math.floor(this.#options.nowMs() / 1000)),
    };
    const request = { method: 'POST', headers, body, signal, redirect: 'manual' } as const;
    const response = await fetch(url, request).catch(() => {
      throw new WebhookRefused('it cannot be reached, or does not answer in time');
    });
    await response.body?.cancel();
    const { status, ok } = response;
    if (!ok) throw new WebhookRefused(`it answered ${status}`, status === 410);
  }
}

const policyOf = ({ timeoutMs = TIMEOUT_MS, retryAfterMs = RETRY_AFTER_MS }: WebhookOptions) => {
  const policy = wrap(
    retry(
      handleWhen((error) => !(error instanceof WebhookRefused && error.final)),
      {
        maxAttempts: ATTEMPTS - 1,
        backoff: new ExponentialBackoff({
          initialDelay: retryAfterMs,
          exponent: 3,
          maxDelay: MAX_RETRY_AFTER_MS,
        }),
      },
    ).dangerouslyUnref(),
    bulkhead(PARALLEL, MAX_PENDING),
    timeout(timeoutMs, TimeoutStrategy.Aggressive),
  );
  return (post: (signal: AbortSignal) => Promise<void>, given: AbortSignal): Promise<void> =>
    policy.execute(({ signal }) => post(signal), given);
};
