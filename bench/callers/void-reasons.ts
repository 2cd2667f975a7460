/** Whether a stretch of time says anything about the server, or only about those who called it. Pure. */
import type { CallersReport } from './messages.ts';

/** Callers that send later than this have made the delays that are to be measured. */
const LATE_P99_MS = 5;
/** Of one core; beyond it what comes back is not read when it comes. */
const BUSY_SHARE = 0.85;
/** Of the packets that were due. */
const UNSENT_SHARE = 0.001;

/** @returns why the callers, not the server, were the limit; nothing where they were not */
export function voidReasons({ seconds, sent, unsent, cpuMs }: CallersReport): string[] {
  const reasons: string[] = [];
  const { p99 } = sent.latenessMs;
  const busy = cpuMs / 1000 / seconds;
  if (p99 > LATE_P99_MS) reasons.push(`the callers sent ${p99.toFixed(1)} ms late (p99)`);
  if (busy > BUSY_SHARE) reasons.push(`the callers took ${Math.round(busy * 100)} % of a core`);
  if (unsent > sent.packets * UNSENT_SHARE) reasons.push(`the callers left out ${unsent} packets`);
  return reasons;
}
