import { SignallingFailure, StoreUnavailable } from './errors.ts';
import type { HeldSessions } from './held-sessions.ts';
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import type { Request, SignallingErrorCode } from './protocol.ts';
import type { SessionFinder } from './session-finder.ts';
import { viewOf } from './session-requests.ts';
import type { Joined } from './session-requests.ts';
import type { ConnectedClient, SessionRoute } from './session-route.ts';
import type { SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';

export type WaitingRoomOptions = {
  store: HeldSessions;
  sessions: Sessions;
  finder: SessionFinder;
  bus: MessageBus;
  /** Most sessions that may wait, on all pods together. */
  limit: number;
  /** A session that waits has its place now: its client, which waits on this pod, is brought to it. */
  onPlaced: (client: ConnectedClient, request: Request<'join'>) => void;
  log: Log;
};

/** Places become free at any time, on any pod; a look costs one command. */
const LOOK_MS = 500;
/** All pods answer within a few ms; see `session-finder.ts`. */
const FIND_MS = 2_000;

/**
 * The queue of sessions for which there was no place: every pod that has room takes the first one out of it, and every
 * pod tells those of its clients that wait where they stand.
 */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #waiting = new Map<WaitingRoute, Request<'join'>>();
  readonly #unsubscribe: (() => void)[];
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;
  #length = 0;
  #closed = false;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    const { sessions, bus } = options;
    sessions.on('placeFreed', () => void this.look());
    this.#unsubscribe = [
      bus.subscribe('session.placed', (payload) => this.#placed((payload as { id: string }).id)),
      bus.subscribe('queue.changed', () => void this.look()),
    ];
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Sessions that wait, when last looked. */
  get length(): number {
    return this.#length;
  }

  /** @throws {SignallingFailure} `server_busy`: the queue is full as well */
  async enter(record: SessionRecord): Promise<void> {
    const { store, bus, limit } = this.#options;
    // Looked at before anything is written: who is turned away should leave nothing behind.
    if ((await store.queue()).length >= limit) throw new SignallingFailure('server_busy');
    await store.createQueued(record);
    if ((await store.enqueue(record.id, limit)) === undefined) {
      await this.#options.finder.claimToEnd(record, 'failed');
      throw new SignallingFailure('server_busy');
    }
    bus.publish('queue.changed', {});
  }

  /** The way of a client whose session waits. */
  route(client: ConnectedClient, record: SessionRecord): SessionRoute {
    return new WaitingRoute(client, record, {
      position: async () => Math.max(1, (await this.#options.store.queue()).indexOf(record.id) + 1),
      enter: (route, request) => {
        this.#waiting.set(route, request);
        void this.look();
      },
      leave: (route) => void this.#waiting.delete(route),
      end: () => this.#endQueued(record.id),
    });
  }

  /** Takes sessions out of the queue while there is room, and tells the others where they stand. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) this.#options.log.error({ err: error }, 'the queue cannot be served');
      })
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#waiting.clear();
  }

  async #look(): Promise<void> {
    const { store, sessions } = this.#options;
    let queue = await store.queue();
    if (queue.length > 0 && sessions.hasRoom) {
      await this.#takeAll();
      queue = await store.queue();
    }
    this.#length = queue.length;
    const missing: WaitingRoute[] = [];
    for (const route of this.#waiting.keys()) {
      const position = queue.indexOf(route.sessionId) + 1;
      if (position > 0) route.tell(position);
      else missing.push(route);
    }
    await Promise.all(missing.map(async (route) => this.#lookFor(route)));
  }

  async #takeAll(): Promise<void> {
    const { store, sessions } = this.#options;
    while (sessions.hasRoom && !this.#closed) {
      const id = await store.dequeue();
      if (id === undefined) return;
      await this.#take(id);
    }
  }

  /** It waits no longer, and whoever told of that may not have been heard. */
  async #lookFor(route: WaitingRoute): Promise<void> {
    const record = await this.#options.store.get(route.sessionId);
    // Taken off the queue just now, and about to have its place.
    if (record?.state === 'queued') return;
    if (record === undefined) return this.#askFor(route);
    if (record.state !== 'ended') return this.#placed(route.sessionId);
    this.#refuse(route, 'session_ended');
  }

  /** The store has lost it: another pod has given it a place, or it goes on waiting as it did. */
  async #askFor(route: WaitingRoute): Promise<void> {
    const { store, finder, limit } = this.#options;
    try {
      await finder.find(route.sessionId, 'join', AbortSignal.timeout(FIND_MS));
      this.#placed(route.sessionId);
    } catch (error) {
      if (!(error instanceof SignallingFailure)) throw error;
      if (error.code === 'session_ended') return this.#refuse(route, 'session_ended');
      if (error.code !== 'session_not_found' || !this.#waiting.has(route)) return;
      await store.createQueued(route.record);
      if ((await store.enqueue(route.sessionId, limit)) === undefined) this.#refuse(route, 'server_busy');
    }
  }

  #refuse(route: WaitingRoute, code: SignallingErrorCode): void {
    this.#waiting.delete(route);
    route.client.refuse(code);
  }

  async #take(id: string): Promise<void> {
    const { store, finder, bus, log } = this.#options;
    const record = await store.get(id);
    if (record?.state !== 'queued') return;
    try {
      const claimed = await finder.claimHere({ id, fromEpoch: record.epoch, cause: 'queued' });
      if (claimed !== undefined) bus.publish('session.placed', { id, podId: claimed.ownerPod });
    } catch (error) {
      log.warn({ sessionId: id, err: error }, 'a session could not be taken out of the queue');
      await store.putBack(id);
      throw error;
    }
  }

  #placed(id: string): void {
    for (const [route, request] of this.#waiting) {
      if (route.sessionId !== id) continue;
      this.#waiting.delete(route);
      this.#options.onPlaced(route.client, request);
    }
  }

  async #endQueued(id: string): Promise<void> {
    const { store, finder } = this.#options;
    await store.leaveQueue(id);
    const record = await store.get(id);
    if (record !== undefined && record.state !== 'ended') await finder.claimToEnd(record, 'left');
  }
}

type Waits = {
  position: () => Promise<number>;
  enter: (route: WaitingRoute, request: Request<'join'>) => void;
  leave: (route: WaitingRoute) => void;
  end: () => Promise<void>;
};

/** A client that waits can hear where it stands, and leave; everything else has to wait, too. */
class WaitingRoute implements SessionRoute {
  readonly kind = 'queued';
  readonly client: ConnectedClient;
  readonly record: SessionRecord;
  readonly #waits: Waits;
  #told = 0;

  constructor(client: ConnectedClient, record: SessionRecord, waits: Waits) {
    this.client = client;
    this.record = record;
    this.#waits = waits;
  }

  get sessionId(): string {
    return this.record.id;
  }

  async join(request: Request<'join'>): Promise<Joined> {
    this.#told = await this.#waits.position();
    const { epoch } = this.record;
    const answer = { session: viewOf(this.record, 0), epoch, transcript: [], kept: false, queued: this.#told };
    return {
      answer,
      start: () => {
        this.#waits.enter(this, request);
        return [];
      },
    };
  }

  async moveIn(request: Request<'join'>): Promise<void> {
    this.#waits.enter(this, request);
  }

  async request({ name }: { name: string }): Promise<object> {
    if (name === 'leave') {
      await this.#waits.end();
      return {};
    }
    if (name === 'report' || name === 'mute') return {};
    throw new SignallingFailure('server_busy');
  }

  tell(position: number): void {
    if (position === this.#told) return;
    this.#told = position;
    this.client.tellPosition(position);
  }

  close(): void {
    this.#waits.leave(this);
  }
}
