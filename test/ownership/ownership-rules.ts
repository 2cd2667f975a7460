/** What must hold in every history. Each rule notes how it was broken; a history that breaks none is a good one. */
import { OWNER_PATIENCE_MS } from '../../signalling/ownership.ts';
import type { StoredSession } from '../../signalling/session-store.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import { lineKey } from '../../signalling/transcript-merge.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { SimulatedPod } from './simulated-pod.ts';
import type { World } from './world.ts';

export type Rule =
  | 'one owner heard'
  | 'one owner for each epoch'
  | 'no stale write'
  | 'nothing acknowledged lost'
  | 'no theft of a healthy call'
  | 'never two answers'
  | 'every client served in the end'
  | 'no internal error';

export type Violation = { rule: Rule; text: string };

/** Something that somebody was told is kept: that a session exists (`''`), a line of it, or its latest change. */
type Fact = { sessionId: string; key: string; podId: string; atMs: number; excused: boolean };

/** A voice that has been heard for so long was not on its way out. */
const HEALTHY_MS = 1_500;

export class OwnershipRules {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #facts = new Map<string, Fact>();
  /** The highest epoch written in this lifetime of Redis. */
  readonly #written = new Map<string, { lifetime: number; epoch: number }>();
  readonly #owners = new Map<string, string>();
  /** Who was granted the last claim of each session. */
  readonly #leaders = new Map<string, string>();
  /** Sessions that a closing pod has ended, since nobody could take them, or that nobody could know of. */
  readonly #shutDown = new Set<string>();
  /** Claims that took a session from a pod that its client heard. */
  readonly #takings = new Map<string, string>();
  /** Whether that pod was cut off from Redis. */
  readonly #cutOff = new Map<string, boolean>();
  /** Turns that were answered, as far as whoever leads a session was told when it took it over. */
  readonly #answered = new Map<string, Set<string>>();

  constructor(world: World) {
    this.#world = world;
  }

  violated(rule: Rule, text: string): void {
    this.violations.push({ rule, text });
    this.#world.trace(`*** ${rule}: ${text}`);
  }

  /** Whom this client hears just now. */
  listen(client: SimulatedClient): void {
    const pods = [...new Set(client.heard.map(({ podId }) => podId))];
    if (pods.length > 1) this.violated('one owner heard', `${client.name} hears ${pods.join(' and ')}`);
  }

  /** Redis has taken a write. */
  written({ id, epoch, podId, what }: { id: string; epoch: number; podId: string; what: string }): void {
    const { lifetime } = this.#world.redis;
    const last = this.#written.get(id);
    const lower = last?.lifetime === lifetime && epoch < last.epoch;
    if (lower) this.violated('no stale write', `${podId} wrote (${what}) under ${epoch} after ${last.epoch}`);
    this.#written.set(id, { lifetime, epoch });
    this.#owns(id, epoch, podId);
  }

  /** Redis has granted a claim. */
  claimed({ record, transcript }: StoredSession, before: SessionRecord | undefined): void {
    const { id, epoch, ownerPod } = record;
    const answered = transcript.filter(({ role }) => role === 'agent').map(({ turnId }) => turnId);
    this.#answered.set(`${id} ${ownerPod}`, new Set(answered));
    this.#leaders.set(id, ownerPod);
    const client = this.#clientOf(id);
    this.#world.trace(`Redis gives ${client?.name} to ${ownerPod}, epoch ${epoch % 1e8}, before ${before?.ownerPod}`);
    this.written({ id, epoch, podId: ownerPod, what: 'claim' });
    const link = client?.link;
    const heardForMs = this.#world.time.nowMs - (client?.hearsSinceMs ?? Infinity);
    if (!link?.audible || link.podId === ownerPod || heardForMs < HEALTHY_MS) return;
    // It was taken before, and this is a claim from whoever took it.
    if (before?.ownerPod !== link.podId) return;
    // A pod that Redis has seen go is gone by all that others can know; and whoever has lost its connection, and comes to
    // join, may be unable to say yet that it hears it.
    // Nor can a question be brought to anybody where a good part of all messages gets lost.
    const lossy = this.#world.redis.lossRate > 0.05;
    const cutOff = lossy || this.#world.pods.get(link.podId)?.messages.stoodFor(OWNER_PATIENCE_MS) === false;
    if (cutOff && !client?.joined && client?.hears !== 'yes') return;
    this.#cutOff.set(`${id} ${epoch}`, cutOff);
    this.#takings.set(`${id} ${epoch}`, `${client?.name} heard ${link.podId} for ${Math.round(heardForMs)} ms`);
  }

  claimedBecause({ id, podId, epoch, cause }: { id: string; podId: string; epoch: number; cause: string }): void {
    this.#world.trace(`${podId} has claimed ${this.#clientOf(id)?.name} (${cause})`);
    const taken = this.#takings.get(`${id} ${epoch}`);
    const counted = cause !== 'handover' && !(cause === 'owner_gone' && this.#cutOff.get(`${id} ${epoch}`));
    if (taken && counted) this.violated('no theft of a healthy call', `${podId} (${cause}): ${taken}`);
  }

  /** A pod answers a turn of the caller. */
  answers(sessionId: string, podId: string, turnId: string): void {
    const client = this.#clientOf(sessionId);
    const audible = client?.link?.podId === podId && client.link.audible;
    if (this.#answered.get(`${sessionId} ${podId}`)?.has(turnId) && audible) {
      this.violated('never two answers', `${podId} answers ${turnId}, which has been answered`);
    }
  }

  acknowledged(sessionId: string, key: string, podId: string): void {
    if (this.#wasOvertaken(sessionId, podId)) return;
    const name = `${sessionId} ${key}`;
    if (this.#facts.has(name)) return;
    this.#facts.set(name, { sessionId, key, podId, atMs: this.#world.time.nowMs, excused: false });
  }

  /** A later change replaces all of an earlier one. */
  changed(sessionId: string, number: number, podId: string): void {
    if (this.#wasOvertaken(sessionId, podId)) return;
    this.#facts.set(`${sessionId} change`, {
      sessionId,
      key: `change:${number}`,
      podId,
      atMs: this.#world.time.nowMs,
      excused: false,
    });
  }

  /** A client was told that there is no such session, or that it has ended. */
  denied(sessionId: string, code: string): void {
    const created = this.#facts.get(`${sessionId} `);
    const name = this.#clientOf(sessionId)?.name;
    if (created && !created.excused && !this.#shutDown.has(sessionId))
      this.violated('nothing acknowledged lost', `${name} is told ${code}`);
  }

  ended(sessionId: string, reason: string): void {
    if (reason === 'shutdown') this.#shutDown.add(sessionId);
  }

  /** A client will not try again. */
  clientOver(client: SimulatedClient, why: string): void {
    const created = this.#facts.get(`${client.sessionId} `);
    if (why === 'ended: shutdown' || created?.excused || this.#shutDown.has(client.sessionId)) return;
    this.violated('every client served in the end', `${client.name} has given up (${why})`);
  }

  /** Does what may lose the only copy of something; that is nobody's fault then. */
  async excusing(destroy: () => void | Promise<void>, dying?: string): Promise<void> {
    const before = await this.#missing();
    await destroy();
    const after = await this.#missing();
    for (const fact of after) {
      // Only the one that dies had it yet, on its way to the pod that leads the session now.
      if (before.has(fact) && fact.podId !== dying) continue;
      fact.excused = true;
      this.#world.trace(`with it goes ${this.#clientOf(fact.sessionId)?.name}: ${fact.key || 'the session'}`);
    }
  }

  /** What is found nowhere: neither in Redis nor at a pod that lives. */
  async #missing(): Promise<Set<Fact>> {
    const { redis, livePods } = this.#world;
    const stores = [redis.sessions, ...livePods.map(({ signalling }) => signalling.store)];
    return this.#missingIn(
      stores,
      (store, id) => store === redis.sessions || (store as SimulatedPod['signalling']['store']).holds(id),
    );
  }

  async #missingIn(
    stores: { load(id: string): Promise<unknown> }[],
    asks: (store: object, id: string) => boolean,
  ): Promise<Set<Fact>> {
    const missing = new Set(this.#facts.values());
    const ids = new Set([...missing].map(({ sessionId }) => sessionId));
    for (const id of ids) {
      for (const store of stores) {
        const session = asks(store, id) ? ((await store.load(id)) as LoadedSession | undefined) : undefined;
        if (!session) continue;
        const keys = new Set(session.transcript.map(lineKey));
        const change = Number(session.record.metadata?.['change'] ?? 0);
        for (const fact of missing) {
          if (fact.sessionId !== id) continue;
          const number = fact.key.startsWith('change:') ? Number(fact.key.slice(7)) : undefined;
          if (fact.key === '' || keys.has(fact.key) || (number !== undefined && change >= number)) missing.delete(fact);
        }
      }
    }
    return missing;
  }

  /** Why not all is as it should be yet, everything being healed; undefined: it is. */
  async unsettled(): Promise<Violation | undefined> {
    for (const client of this.#world.clients) {
      const why = client.over === undefined ? await this.#notServed(client) : undefined;
      if (why) return { rule: 'every client served in the end', text: `${client.name}: ${why}` };
    }
    for (const fact of await this.#missingIn([this.#world.redis.sessions], () => true)) {
      if (fact.excused || this.#shutDown.has(fact.sessionId)) continue;
      const name = this.#clientOf(fact.sessionId)?.name;
      const text = `${name}: ${fact.key || 'the session'}, acknowledged at ${new Date(fact.atMs).toISOString()}`;
      return { rule: 'nothing acknowledged lost', text };
    }
    return undefined;
  }

  async #notServed(client: SimulatedClient): Promise<string | undefined> {
    const { sessionId, link } = client;
    const created = this.#facts.get(`${sessionId} `);
    if (created?.excused) return undefined;
    const leaders = this.#world.livePods.filter(({ signalling }) => signalling.sessions.holds(sessionId));
    if (leaders.length !== 1) return `led by ${leaders.map(({ id }) => id).join(' and ') || 'nobody'}`;
    const [leader] = leaders;
    // The owner that the client has heard is dead, Redis has lost its claim, and an earlier owner is all that is left: the
    // page refuses that one's lower epoch, until somebody loads it again.
    const epoch = (await leader?.signalling.store.get(sessionId))?.epoch ?? 0;
    if (!client.joined && this.#world.redis.lifetime > 0 && epoch < client.epoch) return undefined;
    if (!client.joined) return 'not joined';
    if (!link?.audible) return `does not hear ${link?.podId ?? 'anybody'}, led by ${leader?.id}`;
    if (link.podId !== leader?.id) return `hears ${link.podId}, led by ${leader?.id}`;
    const record = await this.#world.redis.sessions.get(sessionId);
    if (record?.ownerPod !== leader.id) return `Redis names ${record?.ownerPod}, led by ${leader.id}`;
    if (record.epoch !== client.epoch) return `epoch ${client.epoch} at the client, ${record.epoch} in Redis`;
    return undefined;
  }

  /**
   * Whether another pod has claimed it since. What such a pod says without Redis is not an owner's word any more, though it
   * cannot know that: without leases on a common clock, nobody could tell it.
   */
  #wasOvertaken(id: string, podId: string): boolean {
    const leader = this.#leaders.get(id);
    return leader !== undefined && leader !== podId;
  }

  #owns(id: string, epoch: number, podId: string): void {
    const key = `${id} ${epoch}`;
    const owner = this.#owners.get(key);
    if (owner !== undefined && owner !== podId) {
      this.violated('one owner for each epoch', `${this.#clientOf(id)?.name}: ${owner} and ${podId} under ${epoch}`);
    }
    this.#owners.set(key, podId);
  }

  #clientOf(sessionId: string): SimulatedClient | undefined {
    return this.#world.clients.find((client) => client.sessionId === sessionId);
  }
}

type LoadedSession = { record: SessionRecord; transcript: { role: 'user' | 'agent'; turnId: string }[] };
