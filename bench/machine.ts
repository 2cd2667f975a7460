/** What a measurement was made on: without it a figure means little. */
import { cpus, loadavg, release, totalmem, type } from 'node:os';

export type MachineFacts = {
  cpu: string;
  cores: number;
  memoryGib: number;
  system: string;
  node: string;
};

export function machineFacts(): MachineFacts {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

/** Threads that wanted to run in the last minute, the measurement's own among them. */
export function loadAverage(): number {
  return Math.round(loadavg()[0]! * 100) / 100;
}
