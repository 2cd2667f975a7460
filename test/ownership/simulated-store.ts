import type { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import type { Claim, Continuation, PageRequest, SessionStore, StoredSession } from '../../signalling/session-store.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import type { SessionState, TranscriptEntry } from '../../signalling/protocol.ts';
import type { OwnershipRules } from './ownership-rules.ts';
import type { RedisLine, SimulatedRedis } from './simulated-redis.ts';

/** The store of all pods, over one pod's connection. The rules are told of every write that was taken. */
export class SimulatedStore implements SessionStore {
  readonly #redis: SimulatedRedis;
  readonly #line: RedisLine;
  readonly #podId: string;
  readonly #rules: OwnershipRules;

  constructor(parts: { redis: SimulatedRedis; line: RedisLine; podId: string; rules: OwnershipRules }) {
    this.#redis = parts.redis;
    this.#line = parts.line;
    this.#podId = parts.podId;
    this.#rules = parts.rules;
  }

  create(record: SessionRecord) {
    return this.#write('create', record.id, record.epoch, (view) => view.create(record));
  }

  get(id: string) {
    return this.#read('get', (view) => view.get(id));
  }

  update(id: string, epoch: number, change: (record: SessionRecord) => SessionRecord) {
    return this.#write('update', id, epoch, (view) => view.update(id, epoch, change));
  }

  load(id: string) {
    return this.#read('load', (view) => view.load(id));
  }

  put(session: StoredSession) {
    const { id, epoch } = session.record;
    return this.#write('put', id, epoch, (view) => view.put(session));
  }

  claim(id: string, claim: Claim) {
    const execute = async () => {
      const before = await this.#view.get(id);
      const answer = await this.#view.claim(id, claim);
      const granted = answer.outcome === 'claimed' && answer.session.record.epoch !== before?.epoch;
      if (granted) this.#rules.claimed(answer.session, before);
      return answer;
    };
    return this.#line.run('claim', () => this.#redis.inTurn(execute));
  }

  keepContinuation(id: string, epoch: number, continuation: Continuation) {
    return this.#write('continuation', id, epoch, (view) => view.keepContinuation(id, epoch, continuation));
  }

  enqueue(id: string, limit: number) {
    return this.#read('enqueue', (view) => view.enqueue(id, limit));
  }

  dequeue() {
    return this.#read('dequeue', (view) => view.dequeue());
  }

  putBack(id: string) {
    return this.#read('putBack', (view) => view.putBack(id));
  }

  leaveQueue(id: string) {
    return this.#read('leaveQueue', (view) => view.leaveQueue(id));
  }

  queue() {
    return this.#read('queue', (view) => view.queue());
  }

  list(page: PageRequest) {
    return this.#read('list', (view) => view.list(page));
  }

  counts(): Promise<Record<SessionState, number>> {
    return this.#read('counts', (view) => view.counts());
  }

  append(id: string, epoch: number, entry: TranscriptEntry) {
    return this.#write('append', id, epoch, (view) => view.append(id, epoch, entry));
  }

  transcript(id: string) {
    return this.#read('transcript', (view) => view.transcript(id));
  }

  renew(id: string, epoch: number, expiresAt: number) {
    return this.#write('renew', id, epoch, (view) => view.renew(id, epoch, expiresAt));
  }

  sweep(nowMs: number) {
    return this.#read('sweep', (view) => view.sweep(nowMs));
  }

  async close(): Promise<void> {}

  get #view(): MemorySessionStore {
    return this.#redis.viewOf(this.#podId);
  }

  #read<Result>(what: string, operation: (view: MemorySessionStore) => Promise<Result>): Promise<Result> {
    return this.#line.run(what, () => operation(this.#view));
  }

  #write<Result>(
    what: string,
    id: string,
    epoch: number,
    operation: (view: MemorySessionStore) => Promise<Result>,
  ): Promise<Result> {
    const execute = async () => {
      const view = this.#view;
      const result = await operation(view);
      // Of a session that it does not know, nothing has been written.
      if ((await view.get(id)) !== undefined) this.#rules.written({ id, epoch, podId: this.#podId, what });
      return result;
    };
    return this.#line.run(what, () => this.#redis.inTurn(execute));
  }
}
