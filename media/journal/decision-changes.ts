/** What other settings change in a call: its decisions beside those that were made. Pure. */
import type { Decision } from './what-if.ts';

export type Change =
  | { kind: 'moved'; before: Decision; byMs: number }
  /** The turn that ended here goes on into the next speech: it was cut off. `untilMs`: where it ends now, if it does. */
  | { kind: 'joined'; before: Decision; untilMs: number | undefined }
  | { kind: 'gone'; before: Decision }
  | { kind: 'new'; after: Decision };

type Ended = Extract<Decision, { what: 'turn-ended' }>;

/** What becomes of a reply, beside what the caller's speech does to it. */
const OF_REPLIES: Readonly<Record<string, string>> = {
  speculate: 'begun ahead',
  use: 'used, begun ahead',
  discard: 'discarded, begun ahead',
  heard: 'heard',
};

/** Two decisions of the same kind this far apart are about the same moment. */
const SAME_MS = 1_500;

/** In the order of time. */
export function changes(before: readonly Decision[], after: readonly Decision[]): Change[] {
  const left = new Set(after);
  const found = before.flatMap((decision): Change[] => {
    const same = [...left].find((other) => isSame(decision, other));
    if (same) {
      left.delete(same);
      const byMs = Math.round(same.atMs - decision.atMs);
      return byMs === 0 ? [] : [{ kind: 'moved', before: decision, byMs }];
    }
    if (decision.what !== 'turn-ended') return [{ kind: 'gone', before: decision }];
    const around = after.find((other) => other.what === 'turn-ended' && covers(other, decision));
    return [around ? { kind: 'joined', before: decision, untilMs: around.atMs } : { kind: 'gone', before: decision }];
  });
  const added = [...left].map((decision): Change => ({ kind: 'new', after: decision }));
  return [...found, ...added].toSorted((one, other) => atMs(one) - atMs(other));
}

/** In words, one line. */
export function describeChange(change: Change): string {
  const decision = 'after' in change ? change.after : change.before;
  const at = `${seconds(decision.atMs)}  ${nameOf(decision)}`;
  switch (change.kind) {
    case 'moved':
      return `${at}: ${Math.abs(change.byMs)} ms ${change.byMs > 0 ? 'later' : 'sooner'}`;
    case 'joined':
      return `${at}: no longer; the turn goes on${change.untilMs === undefined ? '' : ` until ${seconds(change.untilMs)}`}`;
    case 'gone':
      return `${at}: no longer`;
    case 'new':
      return `${at}: new`;
  }
}

function isSame(decision: Decision, other: Decision): boolean {
  if (decision.what === 'turn-ended') {
    return other.what === 'turn-ended' && other.endOfSpeechMs === decision.endOfSpeechMs;
  }
  return other.what === decision.what && Math.abs(other.atMs - decision.atMs) < SAME_MS;
}

function covers(other: Ended, { startMs, endOfSpeechMs }: Ended): boolean {
  return other.startMs <= startMs && other.endOfSpeechMs > endOfSpeechMs;
}

function nameOf(decision: Decision): string {
  if (decision.what !== 'turn-ended') {
    const { what, turnId } = decision;
    const words = Object.hasOwn(OF_REPLIES, what) ? OF_REPLIES[what] : undefined;
    return words ? `the reply to ${turnId} is ${words}` : `${what}${turnId && ` of the reply to ${turnId}`}`;
  }
  return `end of turn, ${Math.round(decision.atMs - decision.endOfSpeechMs)} ms after the last speech`;
}

function atMs(change: Change): number {
  return 'after' in change ? change.after.atMs : change.before.atMs;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3).padStart(9)} s`;
}
