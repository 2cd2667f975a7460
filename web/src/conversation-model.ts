import type { AgentState, ShownText, TranscriptEntry, Turn } from '../../client-sdk/src/types.ts';
import { duration } from './durations.ts';

/** One line of the conversation as people read it. */
export type Row = {
  key: string;
  role: 'user' | 'agent';
  startMs: number;
  /** Empty where nobody has recognised what was said. */
  text: string;
  final: boolean;
  /** Figures such as `waited 550 ms`, in the order in which they came about. */
  measures: string[];
};

/** How far words were heard is not always known exactly. */
const aboutHere = 'heard about so far';

/** The conversation with its measurements, one row for each turn and side. Pure. */
export class ConversationModel {
  readonly #rows = new Map<string, Row>();
  /** When each turn was taken as ended, to tell how long the reply took. */
  readonly #turnEndedAtMs = new Map<string, number>();

  /** In the order of time. */
  get rows(): Row[] {
    return [...this.#rows.values()].sort((a, b) => a.startMs - b.startMs);
  }

  transcript(entry: TranscriptEntry): void {
    if (entry.role === 'user' && entry.final) this.#dropProvisional(entry);
    const row = this.#row(entry.turnId, entry.role, entry.startMs);
    row.text = entry.text;
    row.final = entry.final;
    row.startMs = Math.min(row.startMs, entry.startMs);
    for (const shown of shownWith(entry)) this.shown(shown);
    if (entry.estimated && !row.measures.includes(aboutHere)) row.measures.push(aboutHere);
  }

  /** The agent has shown a text: as it does, and again with the line that tells of its tools, as after a reload. */
  shown({ turnId, text, atMs }: ShownText): void {
    const key = `shown:${turnId}:${text}`;
    if (this.#rows.has(key)) return;
    this.#rows.set(key, { key, role: 'agent', startMs: atMs, text: `[shows] ${text}`, final: true, measures: [] });
  }

  turn(turn: Turn): void {
    const row = this.#row(turn.turnId, 'user', turn.startMs);
    row.final = true;
    row.startMs = turn.startMs;
    row.measures = [`spoke ${duration(turn.speechMs)}`, `waited ${duration(turn.endpointingMs)}`];
    this.#turnEndedAtMs.set(turn.turnId, turn.atMs);
  }

  agentState(state: AgentState): void {
    if (state.interruptedAfterMs !== undefined) {
      this.#cutShort(`you cut in · silent after ${duration(state.interruptedAfterMs)}`);
    }
    if (state.state !== 'speaking' || state.turnId === undefined) return;
    const endedAtMs = this.#turnEndedAtMs.get(state.turnId);
    if (endedAtMs === undefined) return;
    this.#turnEndedAtMs.delete(state.turnId);
    this.#rows.get(rowKey(state.turnId, 'user'))?.measures.push(`answered after ${duration(state.atMs - endedAtMs)}`);
  }

  /** The caller pressed the button that silences the agent. */
  silenced(): void {
    this.#cutShort('you silenced it');
  }

  /** After a reload, before anything is told of the same session: the figures, to which the words come again. */
  restore(rows: readonly Omit<Row, 'text' | 'final'>[]): void {
    for (const { key, measures, role, startMs } of rows) {
      this.#rows.set(key, { key, role, startMs, text: '', final: true, measures: [...measures] });
    }
  }

  clear(): void {
    this.#rows.clear();
    this.#turnEndedAtMs.clear();
  }

  /** What the recogniser took back: its words came as those of a later turn. Without this, they would stand there twice. */
  #dropProvisional({ turnId, startMs }: TranscriptEntry): void {
    for (const [key, row] of this.#rows) {
      const provisional = row.role === 'user' && !row.final && row.measures.length === 0;
      if (provisional && row.startMs <= startMs && key !== rowKey(turnId, 'user')) this.#rows.delete(key);
    }
  }

  /** It concerns what the agent was saying, which is its latest row. */
  #cutShort(how: string): void {
    const last = this.rows.findLast(({ key }) => key.startsWith('agent:'));
    if (last && !last.measures.includes(how)) last.measures.unshift(how);
  }

  #row(turnId: string, role: Row['role'], startMs: number): Row {
    const key = rowKey(turnId, role);
    const known = this.#rows.get(key);
    if (known) return known;
    const row: Row = { key, role, startMs, text: '', final: false, measures: [] };
    this.#rows.set(key, row);
    return row;
  }
}

const rowKey = (turnId: string, role: Row['role']): string => `${role}:${turnId}`;

function shownWith({ tools = [] }: TranscriptEntry): ShownText[] {
  return tools.flatMap(({ name, kind, error, turnId, startedMs, arguments: given }) => {
    if (name !== 'send_text' || kind !== 'built-in' || error !== undefined) return [];
    const text: unknown = typeof given === 'object' && given !== null && 'text' in given ? given.text : undefined;
    return typeof text === 'string' ? [{ turnId, text, atMs: startedMs }] : [];
  });
}
