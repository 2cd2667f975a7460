import { stepsOf } from './waterfall-model.ts';
import type { TurnPicture } from './waterfall-model.ts';

/**
 * Where a moment lies in the picture of a turn, in percent of its width. The delay between the two voices is drawn large;
 * what comes before and after it lasts many times as long, and is drawn small beside it.
 */
export type Scale = {
  /** The caller speaks, the delay, the agent speaks. A zone that is not there has no width. */
  zones: { before: Zone; delay: Zone; after: Zone };
  /** @param ms relative to the end of the caller's speech */
  x: (ms: number) => number;
  /** Round numbers of the delay, in ms. */
  ticks: number[];
};

type Zone = { fromMs: number; toMs: number; left: number; width: number };

/** Percent. Larger: less is left for the delay, which is what people look for. */
const beforeWidth = 12;
const afterWidth = 24;
/** A delay that is shorter is not blown up any further. */
const shortestMs = 400;
/** Fewer lines are easier to read, and a phone has no room for more. */
const maxTicks = 4;
const tickSteps = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];

/** @param nowMs of the session, for what lasts yet */
export function scaleOf(picture: TurnPicture, nowMs: number): Scale {
  const originMs = originOf(picture);
  const delayMs = Math.max(shortestMs, ...stepsOf(picture).map(({ toMs }) => toMs)) * 1.04;
  const marks = picture.decisions.map(({ atMs }) => atMs - originMs);
  const spokeFrom = picture.user ? picture.user.startMs - originMs : 0;
  const agentUntil = picture.agent ? (picture.agent.endMs ?? nowMs) - originMs : 0;
  const firstMs = Math.min(spokeFrom, ...marks, 0);
  const lastMs = Math.max(agentUntil, ...marks, delayMs);
  const left = firstMs < 0 ? beforeWidth : 0;
  const right = lastMs > delayMs ? afterWidth : 0;
  const zones = {
    before: { fromMs: firstMs, toMs: 0, left: 0, width: left },
    delay: { fromMs: 0, toMs: delayMs, left, width: 100 - left - right },
    after: { fromMs: delayMs, toMs: lastMs, left: 100 - right, width: right },
  };
  return {
    zones,
    x: (ms) => within(ms < 0 ? zones.before : ms <= delayMs ? zones.delay : zones.after, ms),
    ticks: ticksOf(delayMs),
  };
}

/** What everything in the picture counts from: the end of the caller's speech, or where there was none the agent's first sound. */
export function originOf({ timings, user, agent, decisions }: TurnPicture): number {
  return timings.endOfSpeechMs ?? user?.endMs ?? agent?.startMs ?? decisions[0]?.atMs ?? 0;
}

function within({ fromMs, toMs, left, width }: Zone, ms: number): number {
  if (toMs <= fromMs) return left;
  return left + width * Math.min(1, Math.max(0, (ms - fromMs) / (toMs - fromMs)));
}

function ticksOf(delayMs: number): number[] {
  const step = tickSteps.find((ms) => delayMs / ms <= maxTicks) ?? tickSteps.at(-1)!;
  return Array.from({ length: Math.floor(delayMs / step) + 1 }, (_, n) => n * step);
}
