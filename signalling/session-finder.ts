import { randomUUID } from 'node:crypto';
import type { MediaState } from './call-control.ts';
import { isAbsenceCertain } from './certain-absence.ts';
import { PodUnreachable, RemoteRefusal, SignallingFailure, StoreUnavailable } from './errors.ts';
import type { HeldSessions } from './held-sessions.ts';
import type { MessageBus } from './message-bus.ts';
import { judge, OWNER_PATIENCE_MS } from './ownership.ts';
import type { Occasion, OwnerWord } from './ownership.ts';
import { choosePod } from './placement.ts';
import type { Pods } from './pods.ts';
import type { EndReason } from './protocol.ts';
import type { ClaimAnswer } from './session-store.ts';
import type { SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Where a session is led. */
export type Whereabouts =
  | { kind: 'here' }
  | { kind: 'there'; podId: string }
  /** Nowhere yet: it waits for a place. */
  | { kind: 'queued'; record: SessionRecord };

/** Why a session was taken over; a label of a metric. */
export type ClaimCause =
  'queued' | 'owner_gone' | 'owner_silent' | 'owner_denied' | 'media_lost' | 'handover' | 'ended';

export type SessionFinderOptions = {
  store: HeldSessions;
  sessions: Sessions;
  bus: MessageBus;
  pods: Pods;
  onClaimed?: (cause: ClaimCause) => void;
  nowMs: () => number;
  random?: () => number;
};

/** What pods ask each other about sessions. */
export type LeadQuestion = { id: string; look: boolean };
export type LeadAnswer = { leads: boolean; epoch: number; media: MediaState };
export type ClaimRequest = { id: string; fromEpoch: number; cause: ClaimCause };

/** All pods are asked for a session that the store does not know; those that are there answer within a few ms. */
const ASK_ALL_MS = 300;
/** An owner is asked for the rest of its time only, but for no less than an answer takes. */
const LEAST_PATIENCE_MS = 250;
/** A claim may have to be written twice by the pod that is asked to make it. */
const REMOTE_CLAIM_MS = 1_000;
/** After so long a client knows whether it hears its owner: it is better asked again than decided for. */
const UNSURE_MS = 500;
/** An answer that is read so long after its time says nothing about now. */
const OLD_MS = 250;
/** Refusals of a pod that does not lead the session, or will not in a moment. */
const DENIALS: ReadonlySet<string> = new Set(['session_not_found', 'no_handler', 'closing']);
/** A session may be claimed by others while this pod tries; every turn of this has seen it move on. */
const MAX_ROUNDS = 4;

/** Finds out who leads a session, and takes it over where the rules (`ownership.ts`) allow it. */
export class SessionFinder {
  readonly #options: SessionFinderOptions;
  readonly #claiming = new Map<string, Promise<SessionRecord | undefined>>();

  constructor(options: SessionFinderOptions) {
    this.#options = options;
  }

  /**
   * @param patienceMs how much longer an owner may be silent, for one that has been silent already
   * @throws {SignallingFailure} `session_not_found`, `session_ended`, `server_busy` where it cannot be known or there is no
   *   place for it anywhere
   */
  async find(
    id: string,
    occasion: Occasion,
    signal: AbortSignal,
    patienceMs: number = OWNER_PATIENCE_MS,
  ): Promise<Whereabouts> {
    const { sessions } = this.#options;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      signal.throwIfAborted();
      if (sessions.holds(id)) return { kind: 'here' };
      const record = await this.#record(id, signal);
      if ('podId' in record) return { kind: 'there', podId: record.podId };
      if (record.state === 'ended') throw new SignallingFailure('session_ended');
      if (record.state === 'queued') return { kind: 'queued', record };
      const word = await this.#askOwner(record, { occasion, patienceMs, signal });
      const verdict = judge(word, occasion);
      if (verdict === 'relay') return { kind: 'there', podId: record.ownerPod };
      if (verdict === 'refuse') break;
      const claimed = await this.#claim(record, causeOf(word), signal);
      if (claimed !== undefined) return claimed;
    }
    throw new SignallingFailure('server_busy');
  }

  /**
   * Takes a session over for this pod, whatever its owner says; once, however many ask for it at the same time.
   * @returns undefined when somebody else was quicker, or the store has lost it meanwhile
   * @throws {SignallingFailure} `server_busy`
   */
  claimHere(request: ClaimRequest): Promise<SessionRecord | undefined> {
    const { id } = request;
    let claiming = this.#claiming.get(id);
    if (claiming === undefined) {
      claiming = this.#claimHere(request).finally(() => this.#claiming.delete(id));
      this.#claiming.set(id, claiming);
    }
    return claiming;
  }

  async #claimHere({ id, fromEpoch, cause }: ClaimRequest): Promise<SessionRecord | undefined> {
    const { sessions, bus, onClaimed } = this.#options;
    // Its place is kept for its client; a reservation would run out.
    if (sessions.holds(id)) return undefined;
    sessions.reserve(id);
    try {
      const answer = await this.#claimInStore(id, fromEpoch);
      if (answer.outcome !== 'claimed') {
        // It may have been this pod itself, for another client.
        if (!sessions.holds(id)) sessions.unreserve(id);
        return undefined;
      }
      const record = await sessions.adopt(answer.session);
      onClaimed?.(cause);
      bus.publish('session.claimed', { id, podId: sessions.podId, epoch: record.epoch, cause });
      return record;
    } catch (error) {
      if (!sessions.holds(id)) sessions.unreserve(id);
      throw error;
    }
  }

  /** Ends a session that nobody leads. Nothing happens where somebody has begun to lead it. */
  async claimToEnd({ id, epoch }: SessionRecord, reason: EndReason): Promise<void> {
    const { sessions, onClaimed } = this.#options;
    const answer = await this.#claimInStore(id, epoch);
    if (answer.outcome !== 'claimed') return;
    onClaimed?.('ended');
    await sessions.end(id, reason);
  }

  /** The record, or where all pods say that it is when the store has lost it. */
  async #record(id: string, signal: AbortSignal): Promise<SessionRecord | { podId: string }> {
    const { store, bus, pods, nowMs } = this.#options;
    let away = false;
    const record = await store.get(id, { signal }).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
      away = true;
      return undefined;
    });
    if (record !== undefined) return record;
    const podId = await this.#askAll(id, signal);
    if (podId !== undefined) return { podId };
    const certain = !away && isAbsenceCertain(bus, pods, nowMs());
    throw new SignallingFailure(certain ? 'session_not_found' : 'server_busy');
  }

  async #askAll(id: string, signal: AbortSignal): Promise<string | undefined> {
    const question: LeadQuestion = { id, look: false };
    const answers = await this.#options.bus.ask('session.lead', question, { timeoutMs: ASK_ALL_MS, signal });
    const leading = answers
      .map(({ podId, answer }) => ({ podId, ...(answer as LeadAnswer) }))
      .filter(({ leads }) => leads)
      .sort((a, b) => b.epoch - a.epoch);
    return leading[0]?.podId;
  }

  async #askOwner(
    { id, ownerPod }: SessionRecord,
    { occasion, patienceMs, signal }: { occasion: Occasion; patienceMs: number; signal: AbortSignal },
  ): Promise<OwnerWord> {
    const { bus, sessions, nowMs } = this.#options;
    // Under this pod's own name, and not held: an earlier process of the same name.
    if (ownerPod === sessions.podId) return { kind: 'gone' };
    const question: LeadQuestion = { id, look: occasion === 'rejoin' || occasion === 'media-lost' };
    const timeoutMs = Math.max(LEAST_PATIENCE_MS, patienceMs);
    const askedAtMs = nowMs();
    try {
      const answer = (await bus.request(ownerPod, 'session.lead', question, { timeoutMs, signal })) as LeadAnswer;
      // This pod has stood still, and what it reads now may long have changed.
      if (nowMs() - askedAtMs > timeoutMs + OLD_MS) return { kind: 'cut_off' };
      return answer.leads ? { kind: 'leads', media: answer.media } : { kind: 'not-mine' };
    } catch (error) {
      const late = occasion === 'may-hear' && nowMs() - askedAtMs >= UNSURE_MS;
      if (error instanceof PodUnreachable) return { kind: error.reason === 'gone' && late ? 'timeout' : error.reason };
      // Whoever fails to answer for another reason is there all the same, and may well lead it.
      if (error instanceof RemoteRefusal) return { kind: DENIALS.has(error.code) ? 'not-mine' : 'cut_off' };
      throw error;
    }
  }

  async #claim(record: SessionRecord, cause: ClaimCause, signal: AbortSignal): Promise<Whereabouts | undefined> {
    const request: ClaimRequest = { id: record.id, fromEpoch: record.epoch, cause };
    const podId = this.#options.sessions.hasRoom
      ? undefined
      : await this.#claimElsewhere(request, record.ownerPod, signal);
    if (podId !== undefined) return { kind: 'there', podId };
    return (await this.claimHere(request)) === undefined ? undefined : { kind: 'here' };
  }

  /**
   * This pod is full, busy or closing: another one takes it, and this one passes on what its client says.
   * @returns undefined when no other has room either
   */
  async #claimElsewhere(request: ClaimRequest, former: string, signal: AbortSignal): Promise<string | undefined> {
    const { pods, bus, sessions, nowMs, random = Math.random } = this.#options;
    let candidates = pods.list().filter(({ id }) => id !== sessions.podId && id !== former);
    for (;;) {
      const pod = choosePod(candidates, nowMs(), random);
      if (pod === undefined) return undefined;
      try {
        await bus.request(pod.id, 'session.claim', request, { timeoutMs: REMOTE_CLAIM_MS, signal });
        return pod.id;
      } catch (error) {
        if (!(error instanceof PodUnreachable || error instanceof RemoteRefusal)) throw error;
        candidates = candidates.filter(({ id }) => id !== pod.id);
      }
    }
  }

  /** A claim whose answer was lost may have been granted; the same claimId finds out. */
  async #claimInStore(id: string, fromEpoch: number): Promise<ClaimAnswer> {
    const { store, sessions } = this.#options;
    const claim = { claimId: randomUUID(), podId: sessions.podId, fromEpoch };
    try {
      return await store.claim(id, claim);
    } catch (error) {
      if (error instanceof StoreUnavailable) return store.claim(id, claim);
      throw error;
    }
  }
}

const causeOf = (word: OwnerWord): ClaimCause => {
  if (word.kind === 'leads') return 'media_lost';
  if (word.kind === 'not-mine') return 'owner_denied';
  return word.kind === 'gone' ? 'owner_gone' : 'owner_silent';
};
