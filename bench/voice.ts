/**
 * How much one voice worker bears: always-talking callers over real RTP through a real media worker.
 *
 *   npm run bench:voice -- --calls 300 [--seconds 15] [--runs 3] [--agent-speaking 0.45] [--pin] [--profile] [--out file]
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { Calibration } from './calibration.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { cpuMs, kernelDrops, pin, residentBytes } from './process-usage.ts';
import { localResult, writeResult } from './results-file.ts';
import { RtpGenerator } from './rtp-generator.ts';
import { figuresOf, type Stretch, type VoiceFigures } from './voice-figures.ts';
import { Observer } from './voice-observations.ts';
import { printProfile, printResult, type MemoryPerCall, type Profile } from './voice-print.ts';
import { VoiceRig } from './voice-rig.ts';

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '15' },
    runs: { type: 'string', default: '3' },
    'agent-speaking': { type: 'string', default: '0' },
    pin: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const calls = wholeNumber('calls', options.calls);
const seconds = wholeNumber('seconds', options.seconds);
const runs = wholeNumber('runs', options.runs);
const agentSpeaking = Number(options['agent-speaking']);

/** Time for all callers to have begun (5 s), the code to be compiled, and the callers' clocks to settle. */
const WARM_UP_MS = 9000;
const SETTLE_MS = 1500;
const MIB = 2 ** 20;

type Memory = { serverBytes: number; mediaWorkerBytes: number; liveBytes: number };

const calibration = await calibrate();
const faults = new Map<string, number>();
const rig = await VoiceRig.start({
  agentSpeechSeconds: agentSpeaking > 0 ? seconds * (runs + 1) + 60 : 0,
  onFault: (fault) => faults.set(fault, (faults.get(fault) ?? 0) + 1),
});
const generator = await RtpGenerator.launch();
const observer = new Observer();
try {
  await measure();
} finally {
  observer.close();
  await generator.close();
  await rig.close();
}

async function measure(): Promise<void> {
  if (options.pin) await Promise.all([pin(process.pid, 0), pin(rig.mediaWorkerPid, 1), pin(generator.pid, 1)]);
  const before = await memoryNow();
  const openMsPerCall = await openCalls();
  await sleep(SETTLE_MS);
  const opened = memoryPerCall(before, await memoryNow());
  generator.start({ ...rig.destination, calls });
  await sleep(WARM_UP_MS);
  const stretches: VoiceFigures[] = [];
  const loads: number[] = [];
  for (let run = 0; run < runs; run++) {
    stretches.push(figuresOf(await stretch()));
    loads.push(loadAverage());
  }
  const talking = memoryPerCall(before, await memoryNow());
  const result = {
    measuredAt: new Date().toISOString(),
    machine: machineFacts(),
    calibration,
    calls,
    seconds,
    agentSpeaking,
    pinned: options.pin,
    openMsPerCall,
    loads,
    memoryPerCall: { opened, talking },
    stretches,
    observedFaults: Object.fromEntries(faults),
  };
  printResult(result);
  if (options.profile) printProfile(await profiled(), calls, seconds);
  const path = options.out ?? localResult(`voice-${calls}${agentSpeaking ? `-speaking-${agentSpeaking}` : ''}.json`);
  await writeResult(path, result);
  console.log(`\nwritten to ${path}`);
}

async function openCalls(): Promise<number> {
  const startMs = performance.now();
  // Evenly mixed: the share grows past a whole number with every call whose agent speaks.
  for (let index = 0; index < calls; index++) {
    await rig.openCall(index, Math.floor((index + 1) * agentSpeaking) > Math.floor(index * agentSpeaking));
  }
  return (performance.now() - startMs) / calls;
}

async function stretch(): Promise<Stretch> {
  const start = await readings();
  await Promise.all([observer.reset(), generator.report()]);
  const startMs = performance.now();
  await sleep(seconds * 1000);
  const sent = await generator.report();
  const lastedSeconds = (performance.now() - startMs) / 1000;
  const end = await readings();
  return {
    calls,
    seconds: lastedSeconds,
    cpuMs: {
      server: end.serverMs - start.serverMs,
      voiceThread: end.observed.cpuMs - start.observed.cpuMs,
      mediaWorker: end.mediaWorkerMs - start.mediaWorkerMs,
      generator: end.generatorMs - start.generatorMs,
    },
    before: start.statistics,
    after: end.statistics,
    observed: end.observed,
    generator: sent,
    mediaWorkerDrops: end.drops - start.drops,
  };
}

async function readings() {
  const [observed, serverMs, mediaWorkerMs, generatorMs, statistics, drops] = await Promise.all([
    observer.observations(),
    cpuMs(process.pid),
    cpuMs(rig.mediaWorkerPid),
    cpuMs(generator.pid),
    rig.thread.measure(),
    kernelDrops(rig.destination.port),
  ]);
  return { observed, serverMs, mediaWorkerMs, generatorMs, statistics, drops };
}

async function memoryNow(): Promise<Memory> {
  const { heapBytes, externalBytes, arrayBufferBytes } = await observer.liveMemory();
  const [serverBytes, mediaWorkerBytes] = await Promise.all([process.pid, rig.mediaWorkerPid].map(residentBytes));
  return {
    serverBytes: serverBytes!,
    mediaWorkerBytes: mediaWorkerBytes!,
    liveBytes: heapBytes + externalBytes + arrayBufferBytes,
  };
}

function memoryPerCall(before: Memory, after: Memory): MemoryPerCall {
  const grownMib = (field: keyof Memory) => (after[field] - before[field]) / calls / MIB;
  return {
    serverMib: grownMib('serverBytes'),
    mediaWorkerMib: grownMib('mediaWorkerBytes'),
    liveMib: grownMib('liveBytes'),
  };
}

async function profiled(): Promise<Profile> {
  const cpuFile = localResult('voice.cpuprofile');
  const heapFile = localResult('voice.heapprofile');
  await writeResult(cpuFile, {});
  await observer.startProfile();
  await sleep(seconds * 1000);
  await observer.stopProfile(cpuFile, heapFile);
  const [cpu, allocations] = await Promise.all([readFile(cpuFile, 'utf8'), readFile(heapFile, 'utf8')]);
  return { cpu: JSON.parse(cpu) as Profile['cpu'], allocations: JSON.parse(allocations) as Profile['allocations'] };
}

async function calibrate(): Promise<Calibration> {
  const file = fileURLToPath(new URL('./calibration.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return JSON.parse(stdout) as Calibration;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number from 1`);
  return value;
}
