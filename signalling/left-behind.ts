import { setTimeout as pause } from 'node:timers/promises';
import { PodUnreachable, RemoteRefusal, SignallingFailure, StoreUnavailable } from './errors.ts';
import type { HeldSessions } from './held-sessions.ts';
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import type { TranscriptEntry } from './protocol.ts';
import type { StoredSession } from './session-store.ts';
import type { SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';
import { lineKey } from './transcript-merge.ts';

export type LeftBehindOptions = { store: HeldSessions; sessions: Sessions; bus: MessageBus; log: Log };

type Left = { id: string; transcript: TranscriptEntry[]; changes: Changes };
/** The latest of them replaces all of those before. */
type Changes = Pick<SessionRecord, 'variables' | 'metadata' | 'changed'>;

const REQUEST_MS = 2_000;
/** Whoever leads the session may be hard to reach just then. Later than this the conversation is long past it. */
const TRIES = 20;
const AGAIN_MS = 1_000;

/**
 * A pod that was cut off may have kept lines of a conversation, or a change, in its memory alone before another pod took the
 * session over. They were acknowledged as kept, so they go to the pod that leads it now, which adds what it lacks.
 */
export class LeftBehind {
  readonly #options: LeftBehindOptions;
  readonly #closed = new AbortController();

  constructor(options: LeftBehindOptions) {
    const { store, bus } = options;
    this.#options = options;
    store.on('left', (session) => void this.#passOn(session));
    bus.handle('session.left-behind', async (payload) => {
      await this.#take(payload as Left);
      return {};
    });
  }

  /** Idempotent. */
  close(): void {
    this.#closed.abort();
  }

  async #take({ id, transcript, changes }: Left): Promise<void> {
    const { sessions, store } = this.#options;
    if (!sessions.holds(id)) throw new SignallingFailure('session_not_found');
    for (const line of transcript) await sessions.append(id, line);
    const { epoch } = await sessions.get(id);
    await store.update(id, epoch, (record) => (isNewer(changes, record) ? { ...record, ...changes } : record));
  }

  async #passOn({ record, transcript }: StoredSession): Promise<void> {
    const { log } = this.#options;
    const { id, variables, metadata, changed } = record;
    const changes = { ...(variables && { variables }), ...(metadata && { metadata }), ...(changed && { changed }) };
    const { signal } = this.#closed;
    for (let tries = 0; tries < TRIES && !signal.aborted; tries += 1) {
      try {
        if (await this.#tell({ id, transcript, changes })) return;
      } catch (error) {
        const passes = [PodUnreachable, RemoteRefusal, StoreUnavailable].some((kind) => error instanceof kind);
        if (!passes)
          return log.error({ sessionId: id, err: error }, 'lines of a session that was lost were not passed on');
      }
      await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether there is nothing left to do */
  async #tell(left: Left): Promise<boolean> {
    const { store, bus } = this.#options;
    const record = await store.get(left.id);
    // The store has lost it: whoever leads it is about to write it back, and lacks this all the same.
    if (record === undefined) return false;
    if (record.state === 'ended') return true;
    const lines = await store.transcript(left.id);
    const known = new Set(lines.map(lineKey));
    const transcript = left.transcript.filter((line) => !known.has(lineKey(line)));
    if (transcript.length === 0 && !isNewer(left.changes, record)) return true;
    const { ownerPod } = record;
    await bus.request(ownerPod, 'session.left-behind', { ...left, transcript }, { timeoutMs: REQUEST_MS });
    return true;
  }
}

const isNewer = ({ changed }: Changes, { changed: known }: SessionRecord): boolean =>
  changed !== undefined &&
  (known === undefined ||
    changed.epoch > known.epoch ||
    (changed.epoch === known.epoch && changed.count > known.count));
