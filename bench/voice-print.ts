/** The voice measurement as people read it. */
import type { Calibration } from './calibration.ts';
import { allocatedBytes, allocationShares, timeShares } from './cpu-profile.ts';
import type { AllocationProfile, CpuProfile, Share } from './cpu-profile.ts';
import type { MachineFacts } from './machine.ts';
import { show, table } from './table.ts';
import { figureRows, type VoiceFigures } from './voice-figures.ts';

export type MemoryPerCall = { serverMib: number; mediaWorkerMib: number; liveMib: number };

export type VoiceResult = {
  measuredAt: string;
  machine: MachineFacts;
  calibration: Calibration;
  calls: number;
  seconds: number;
  /** Share of the agents that speak all the time. */
  agentSpeaking: number;
  pinned: boolean;
  openMsPerCall: number;
  /** After each stretch. */
  loads: number[];
  memoryPerCall: { opened: MemoryPerCall; talking: MemoryPerCall };
  stretches: VoiceFigures[];
  /** What the voice worker told of, and how often. */
  observedFaults: Record<string, number>;
};

const TOP = 25;

export function printResult(result: VoiceResult): void {
  const { machine, calibration, calls, seconds, stretches, memoryPerCall } = result;
  const speaking = `${result.agentSpeaking * 100} % of the agents speaking`;
  console.log(`${calls} calls that never stop talking, ${speaking}, ${stretches.length} stretches of ${seconds} s`);
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`);
  const { decodeUs, windowUs } = calibration;
  console.log(
    `here and now a packet takes ${show(decodeUs)} µs to decode, a window in a batch of 16 ${show(windowUs)} µs`,
  );
  console.log(`load average after each stretch: ${result.loads.join(', ')}`);
  console.log(
    result.pinned ? 'server on core 0, media worker and generator on core 1\n' : 'nothing pinned to a core\n',
  );
  console.log(`${table(figureRows(stretches))}\n`);
  const { opened, talking } = memoryPerCall;
  const rows = [
    ['memory per call, MiB', 'opened', 'talking'],
    ['server process (resident)', opened.serverMib, talking.serverMib],
    ['media worker (resident)', opened.mediaWorkerMib, talking.mediaWorkerMib],
    ['voice worker, in use after a collection', opened.liveMib, talking.liveMib],
  ];
  console.log(`${table(rows)}\n`);
  console.log(`opening a call took ${show(result.openMsPerCall)} ms`);
  for (const [index, { faults }] of stretches.entries()) {
    for (const fault of faults) console.log(`stretch ${index + 1} is void: ${fault}`);
  }
  for (const [fault, count] of Object.entries(result.observedFaults)) console.log(`${count} × ${fault}`);
}

export type Profile = { cpu: CpuProfile; allocations: AllocationProfile };

export function printProfile({ cpu, allocations }: Profile, calls: number, seconds: number): void {
  const rows = (shares: Share[]) => shares.slice(0, TOP).map(({ name, share }) => [name, share * 100]);
  console.log(`\n${table([["the voice worker's time, by function itself", '%'], ...rows(timeShares(cpu))])}`);
  const kib = allocatedBytes(allocations) / 1024 / calls / seconds;
  console.log(`\nallocated: ${show(kib)} KiB a second and call`);
  console.log(table([['by function itself', '%'], ...rows(allocationShares(allocations))]));
}
