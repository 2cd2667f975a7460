/** The steps of the density measurement beside the ramp: delays, twice the load that is borne, joining. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Arrival } from '../callers/messages.ts';
import { summarise, type Summary } from '../percentiles.ts';
import type { Stretch } from './density-figures.ts';
import { SETTLE_MS, WARM_UP_MS, type Plan, type Tell } from './density-ramp.ts';
import { DensityRig } from './density-rig.ts';

export type Delays = {
  calls: number;
  /** With endpointing at 0: from when a turn could be decided to the first packet of the reply. */
  prompt: Stretch[];
  /** While flite speaks without a pause what it has not spoken before. */
  busy: Stretch[];
};

export async function delays(calls: number, plan: Plan, tell: Tell): Promise<Delays> {
  const rig = await DensityRig.start();
  try {
    tell(`${calls} calls, endpointing at 0`);
    await rig.bringTo(calls, 'prompt');
    await pause(WARM_UP_MS);
    const prompt = [await rig.stretch(plan.seconds * plan.runs)];
    await rig.bringTo(0);
    tell(`${calls} calls, models busy`);
    await rig.bringTo(calls);
    await pause(WARM_UP_MS);
    await rig.target.ask({ ask: 'busy' });
    const busy: Stretch[] = [];
    for (let run = 0; run < plan.runs; run++) busy.push(await rig.stretch(plan.seconds));
    await rig.target.ask({ ask: 'calm' });
    return { calls, prompt, busy };
  } finally {
    await rig.close();
  }
}

export type Overload = {
  /** Calls that stood when the server first refused one. */
  admitted: number;
  /** Then; and while as many again came. */
  atLimit: Stretch;
  overloaded: Stretch;
  offered: number;
  outcomes: Record<string, number>;
  /** From the request for a session to the answer, of those refused. */
  refusedAfterMs: Summary;
  /** p99 under twice the load for the p99 at the limit: what the callers heard, and what the server knows of it. */
  p99Ratio: { received: number; playout: number; verdict: number };
};

const ADMISSION_PER_SECOND = 5;
/** So many, and the server means it. */
const REFUSALS = 3;
/** It takes some more once those that have just come are seen to cost less than was feared: none for so long, and it is full. */
const FULL_AFTER_MS = 15_000;

export async function overload(plan: Plan, tell: Tell): Promise<Overload> {
  // Refused at once, not queued: what happens to those that wait is not what is measured.
  const rig = await DensityRig.start({ MAX_QUEUED_SESSIONS: '0' });
  try {
    tell('callers come until the server refuses them');
    const admitted = await fill(rig, plan.most * 2);
    await pause(SETTLE_MS);
    const atLimit = await rig.stretch(plan.overloadSeconds);
    tell(`${admitted} calls stand; as many again come`);
    rig.arrive({ calls: admitted, perSecond: admitted / plan.overloadSeconds, seed: 99 });
    const { stretch: overloaded, report } = await rig.stretchWithReport(plan.overloadSeconds);
    const { arrivals } = report;
    const refused = arrivals.filter(({ outcome }) => outcome === 'busy');
    return {
      admitted,
      atLimit,
      overloaded,
      offered: admitted,
      outcomes: countOf(arrivals),
      refusedAfterMs: summarise(refused.map(({ answeredMs = NaN }) => answeredMs)),
      p99Ratio: {
        received: overloaded.receivedLatenessMs.p99 / atLimit.receivedLatenessMs.p99,
        playout: overloaded.playoutLatenessMs.p99 / atLimit.playoutLatenessMs.p99,
        verdict: overloaded.dueToVerdictMs.p99 / atLimit.dueToVerdictMs.p99,
      },
    };
  } finally {
    await rig.close();
  }
}

async function fill(rig: DensityRig, most: number): Promise<number> {
  rig.arrive({ calls: most, perSecond: ADMISSION_PER_SECOND });
  const endMs = performance.now() + (most / ADMISSION_PER_SECOND) * 1000;
  let refused = 0;
  let live = 0;
  let grewMs = performance.now();
  const isFull = () => refused >= REFUSALS && performance.now() - grewMs > FULL_AFTER_MS;
  while (!isFull() && performance.now() < endMs) {
    await pause(1000);
    const report = await rig.callers.report();
    if (report.live > live) grewMs = performance.now();
    live = report.live;
    refused += report.arrivals.filter(({ outcome }) => outcome === 'busy').length;
  }
  rig.callers.turnAway();
  return live;
}

export type Joins = {
  perSecond: number;
  seconds: number;
  outcomes: Record<string, number>;
  /** Times in ms from the click. */
  steps: Record<'answered' | 'hello' | 'joined' | 'connected' | 'firstPacket' | 'greeting', Summary>;
  callersLateP99Ms: number;
};

const JOINS_PER_SECOND = 20;
/** Each hangs up soon after it was greeted: joining is measured, not how many calls there can be. */
const STAY_MS = 1000;

export async function joins(plan: Plan, tell: Tell): Promise<Joins> {
  tell(`${JOINS_PER_SECOND} callers a second join`);
  const rig = await DensityRig.start();
  try {
    // The greeting is spoken and encoded for the first call there is; a server that runs has it.
    await rig.bringTo(1);
    await pause(SETTLE_MS);
    await rig.callers.report();
    const calls = JOINS_PER_SECOND * plan.joinSeconds;
    rig.arrive({ calls, perSecond: JOINS_PER_SECOND, stayMs: STAY_MS, session: { agent: 'conversation' } });
    await pause((plan.joinSeconds + 3) * 1000);
    const { arrivals, sent } = await rig.callers.report();
    const step = (value: (arrival: Arrival) => number | undefined) => summarise(arrivals.map((a) => value(a) ?? NaN));
    return {
      perSecond: JOINS_PER_SECOND,
      seconds: plan.joinSeconds,
      outcomes: countOf(arrivals),
      steps: {
        answered: step(({ answeredMs }) => answeredMs),
        hello: step(({ helloMs }) => helloMs),
        joined: step(({ joinedMs }) => joinedMs),
        connected: step(({ connectedMs }) => connectedMs),
        firstPacket: step(({ firstPacketMs }) => firstPacketMs),
        greeting: step(({ firstVoiceMs }) => firstVoiceMs),
      },
      callersLateP99Ms: sent.latenessMs.p99,
    };
  } finally {
    await rig.close();
  }
}

function countOf(arrivals: readonly Arrival[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of arrivals) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
