import type { AgentState, Turn } from '../../client-sdk/src/types.ts';
import { duration } from './durations.ts';

export type Lane = 'user' | 'agent';

/** What a stretch of a lane was. `waiting` is the time between the end of a user's speech and the end of the turn. */
export type SegmentKind = 'speech' | 'waiting' | 'thinking' | 'normal' | 'ducked' | 'paused';

/** A stretch of time in one lane, in session time; without an end while it lasts. */
export type Segment = { lane: Lane; kind: SegmentKind; startMs: number; endMs: number | undefined; turnId?: string };

/** A moment worth a word. */
export type Mark = { lane: Lane; atMs: number; label: string };

/** How loud a side was at a moment, 0…1. */
export type Loudness = { atMs: number; user: number; agent: number };

/** What happened in a call, as two lanes of time. Pure: events come in, stretches come out. */
export class TimelineModel {
  readonly segments: Segment[] = [];
  readonly marks: Mark[] = [];
  readonly loudness: Loudness[] = [];
  /** What the agent did when it was lost, until something newer is known. */
  #lost: Segment | undefined;

  userSpeech(event: { speaking: boolean; turnId: string; atMs: number }): void {
    const open = this.#open('user');
    if (event.speaking) {
      if (open?.kind === 'speech') return;
      this.#close('user', event.atMs);
      this.segments.push({
        lane: 'user',
        kind: 'speech',
        startMs: event.atMs,
        endMs: undefined,
        turnId: event.turnId,
      });
    } else if (open) {
      open.endMs = event.atMs;
    }
  }

  agentState(event: AgentState): void {
    this.#lost = undefined;
    const open = this.#open('agent');
    const kind = segmentKind(event);
    if (open && open.kind === kind && open.turnId === event.turnId) return;
    this.#close('agent', event.atMs);
    if (kind) {
      const turn = event.turnId === undefined ? {} : { turnId: event.turnId };
      this.segments.push({ lane: 'agent', kind, startMs: event.atMs, endMs: undefined, ...turn });
    }
    if (event.interruptedAfterMs !== undefined) {
      const label = `cut in · ${duration(event.interruptedAfterMs)}`;
      this.marks.push({ lane: 'agent', atMs: event.atMs, label });
    }
  }

  /** The server's own measurement of a turn is better than when its events arrived. */
  turn(turn: Turn): void {
    this.#close('user', turn.endOfSpeechMs);
    const speech = this.segments.filter((segment) => segment.kind === 'speech' && segment.turnId === turn.turnId);
    const first = speech[0];
    const last = speech.at(-1);
    if (first) first.startMs = Math.min(turn.startMs, first.endMs ?? turn.startMs);
    if (last) last.endMs = Math.max(turn.endOfSpeechMs, last.startMs);
    const { turnId, endOfSpeechMs, atMs } = turn;
    this.segments.push({ lane: 'user', kind: 'waiting', startMs: endOfSpeechMs, endMs: atMs, turnId });
  }

  /** The agent has shown a text. */
  shown({ atMs }: { atMs: number }): void {
    this.marks.push({ lane: 'agent', atMs, label: 'shows a text' });
  }

  level(loudness: Loudness): void {
    this.loudness.push(loudness);
  }

  /** Nothing of the agent arrives any more, so what it does cannot be told. */
  agentLost(atMs: number): void {
    this.#lost ??= this.#open('agent');
    this.#close('agent', atMs);
  }

  /** It arrives again, and goes on with what it did unless it was told otherwise. */
  agentBack(atMs: number): void {
    const lost = this.#lost;
    this.#lost = undefined;
    if (lost) this.segments.push({ ...lost, startMs: atMs, endMs: undefined });
  }

  /** Nothing lasts any longer: the call is over. */
  end(atMs: number): void {
    this.#lost = undefined;
    this.#close('user', atMs);
    this.#close('agent', atMs);
  }

  /** After a reload: what was known, until then. What goes on is told anew. */
  restore({
    marks,
    savedAtMs,
    segments,
  }: {
    segments: readonly Segment[];
    marks: readonly Mark[];
    savedAtMs: number;
  }): void {
    this.segments.push(...segments.map((segment) => ({ ...segment })));
    this.marks.push(...marks);
    this.end(savedAtMs);
  }

  /** Lets go of what is no longer drawn. */
  forgetBefore(atMs: number): void {
    dropWhile(this.segments, (segment) => segment.endMs !== undefined && segment.endMs < atMs);
    dropWhile(this.marks, (mark) => mark.atMs < atMs);
    dropWhile(this.loudness, (loudness) => loudness.atMs < atMs);
  }

  clear(): void {
    this.#lost = undefined;
    this.segments.length = 0;
    this.marks.length = 0;
    this.loudness.length = 0;
  }

  #open(lane: Lane): Segment | undefined {
    return this.segments.findLast((segment) => segment.lane === lane && segment.endMs === undefined);
  }

  #close(lane: Lane, atMs: number): void {
    const open = this.#open(lane);
    if (open) open.endMs = Math.max(atMs, open.startMs);
  }
}

function segmentKind({ state, output }: AgentState): SegmentKind | undefined {
  if (state === 'listening') return undefined;
  return state === 'thinking' ? 'thinking' : output;
}

function dropWhile<Item>(items: Item[], isOld: (item: Item) => boolean): void {
  const kept = items.findIndex((item) => !isOld(item));
  items.splice(0, kept === -1 ? items.length : kept);
}
