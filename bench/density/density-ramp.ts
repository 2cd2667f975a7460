/** More and more calls, until they are too many for the core: what each costs, in time and in memory. */
import { setTimeout as pause } from 'node:timers/promises';
import { bytesPerCall, limitsPassed, type Stretch } from './density-figures.ts';
import { DensityRig } from './density-rig.ts';

export type Plan = {
  /** Numbers of calls at which everything is measured. */
  points: readonly number[];
  /** Stretches of so many seconds at each. */
  runs: number;
  seconds: number;
  /** Callers that come between two steps of the ramp, and where it ends at the latest. */
  step: number;
  most: number;
  overloadSeconds: number;
  joinSeconds: number;
};

/** Told what is done next. */
export type Tell = (text: string) => void;

type Point = { calls: number; stretches: Stretch[] };
type Memory = Awaited<ReturnType<DensityRig['memory']>>;
/** A stretch, and why it is more than the core carries: empty where it is not. */
type Step = Stretch & { passed: string[] };

export type Ramp = {
  points: Point[];
  steps: Step[];
  /** The most calls that stayed within the limits; absent where not even the fewest did. */
  callsPerCore?: number;
  /** `refused`: the server took no more, although it was within the limits. `most`: none beyond were tried. */
  endedBy: 'limits' | 'refused' | 'most';
  memory: Memory[];
  /** In MB of 10⁶ bytes. */
  memoryPerCallMb: { allProcesses: number; server: number; mediaWorkers: number; voiceWorkerInUse: number };
};

/** A turn begins within 8 s of a call's first packet: from then on 45 % of the time is speech. */
export const WARM_UP_MS = 9000;
export const SETTLE_MS = 5000;
/** A step is too much when so many tries are: the machine may have had something else to do. */
const FAILURES = 2;

export async function ramp(plan: Plan, tell: Tell): Promise<Ramp> {
  const rig = await DensityRig.start();
  try {
    const points: Point[] = [];
    const memory: Memory[] = [];
    for (const calls of plan.points) {
      points.push(await point(rig, calls, plan, tell));
      memory.push(await rig.memory());
    }
    const { steps, endedBy } = await climb(rig, plan, tell);
    const within = steps.filter(({ passed }) => passed.length === 0).map(({ calls }) => calls);
    const callsPerCore = within.length > 0 && { callsPerCore: Math.max(...within) };
    return { points, steps, endedBy, ...callsPerCore, memory, memoryPerCallMb: memoryPerCallMb(memory) };
  } finally {
    await rig.close();
  }
}

async function point(rig: DensityRig, calls: number, plan: Plan, tell: Tell): Promise<Point> {
  tell(`${calls} calls`);
  await rig.bringTo(calls);
  await pause(WARM_UP_MS);
  const stretches: Stretch[] = [];
  for (let run = 0; run < plan.runs; run++) stretches.push(await rig.stretch(plan.seconds));
  return { calls: rig.calls, stretches };
}

/** Up from the last point until it is too much; down from there, where that was too much already, until it is not. */
async function climb(
  rig: DensityRig,
  { step, most, seconds }: Plan,
  tell: Tell,
): Promise<Pick<Ramp, 'steps' | 'endedBy'>> {
  const steps: Step[] = [];
  let direction = 0;
  for (;;) {
    tell(`ramp: ${rig.calls} calls`);
    const tried = await tryStep(rig, seconds);
    steps.push(tried);
    const wanted = tried.passed.length > 0 ? -1 : 1;
    const next = rig.calls + wanted * step;
    if (direction === -wanted || next < 1) return { steps, endedBy: 'limits' };
    if (next > most) return { steps, endedBy: 'most' };
    direction = wanted;
    const before = rig.calls;
    if ((await rig.bringTo(next)) === before) return { steps, endedBy: 'refused' };
    await pause(SETTLE_MS);
  }
}

async function tryStep(rig: DensityRig, seconds: number): Promise<Step> {
  for (let failures = 1; ; failures++) {
    const stretch = await rig.stretch(seconds);
    const passed = limitsPassed(stretch);
    if (passed.length === 0 || failures === FAILURES) return { ...stretch, passed };
  }
}

function memoryPerCallMb(memory: readonly Memory[]): Ramp['memoryPerCallMb'] {
  const [few, many] = [memory[0]!, memory.at(-1)!];
  const grown = (bytes: (of: Memory) => number) =>
    bytesPerCall({ calls: few.calls, bytes: bytes(few) }, { calls: many.calls, bytes: bytes(many) }) / 1e6;
  return {
    allProcesses: grown((of) => of.serverBytes + of.mediaWorkerBytes),
    server: grown((of) => of.serverBytes),
    mediaWorkers: grown((of) => of.mediaWorkerBytes),
    voiceWorkerInUse: grown((of) => of.voiceWorkerBytes),
  };
}
