/** Where the time goes: profiles of the voice worker's thread and of the main thread, at so many calls. */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { timeShares, type CpuProfile } from '../cpu-profile.ts';
import { localResult } from '../results-file.ts';
import { table } from '../table.ts';
import { WARM_UP_MS, type Tell } from './density-ramp.ts';
import { DensityRig } from './density-rig.ts';
import type { ProfileFiles } from './density-target.ts';

const SECONDS = 10;
/** Functions told of; the files have them all. */
const TOP = 30;
const THREADS = ['voice', 'main'] as const;
/** What V8 calls time in which a thread waits for something to do. */
const IDLE = /^\((idle|program)\)/;

/** Prints the functions that took most of the time, and writes the profiles for Chromium's DevTools. */
export async function profile(points: readonly number[], tell: Tell): Promise<void> {
  const rig = await DensityRig.start();
  try {
    for (const calls of points) {
      tell(`${calls} calls, profiled`);
      await rig.bringTo(calls);
      await pause(WARM_UP_MS);
      await rig.target.ask({ ask: 'start-profile' });
      await pause(SECONDS * 1000);
      const files = filesFor(calls);
      await rig.target.ask({ ask: 'stop-profile', files });
      for (const thread of THREADS) await print(thread, calls, files[thread].cpuFile);
    }
  } finally {
    await rig.close();
  }
}

function filesFor(calls: number): ProfileFiles {
  const of = (thread: string) => ({
    cpuFile: localResult(`density-${thread}-${calls}.cpuprofile`),
    heapFile: localResult(`density-${thread}-${calls}.heapprofile`),
  });
  return { voice: of('voice'), main: of('main') };
}

async function print(thread: string, calls: number, file: string): Promise<void> {
  const shares = timeShares(JSON.parse(await readFile(file, 'utf8')) as CpuProfile);
  const rows = shares.filter(({ name }) => !IDLE.test(name)).slice(0, TOP);
  const heading = [`${thread} thread with ${calls} calls, by function itself`, '% of the time'];
  console.log(`\n${table([heading, ...rows.map(({ name, share }) => [name, share * 100])])}\n${file}`);
}
