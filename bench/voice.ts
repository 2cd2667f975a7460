/**
 * How much one voice worker bears: always-talking callers over real RTP through a real media worker.
 *
 *   npm run bench:voice -- --calls 300 [--seconds 15] [--runs 3] [--agent-speaking 0.45] [--pin] [--profile] [--out file]
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { allocatedBytes, allocationShares, timeShares, type Share } from './cpu-profile.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { cpuMs, kernelDrops, pin, residentBytes, threadTimes } from './process-usage.ts';
import { localResult, writeResult } from './results-file.ts';
import { RtpGenerator } from './rtp-generator.ts';
import { show, table } from './table.ts';
import { figureRows, figuresOf, type Stretch, type VoiceFigures } from './voice-figures.ts';
import { Observer } from './voice-observations.ts';
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
const agentShare = Number(options['agent-speaking']);

/** Time for the compiler to warm up and the callers' clocks to settle. */
const WARM_UP_MS = 5000;
const SETTLE_MS = 1500;
const MIB = 2 ** 20;

type Memory = { serverBytes: number; mediaWorkerBytes: number; liveBytes: number };

const rigSeconds = agentShare > 0 ? seconds * runs + 60 : 0;
const faults = new Map<string, number>();
const rig = await VoiceRig.start({
  agentSpeechSeconds: rigSeconds,
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
  const machine = machineFacts();
  if (options.pin) await Promise.all([pin(process.pid, 0), pin(rig.mediaWorkerPid, 1), pin(generator.pid, 1)]);
  const memory: Record<string, Memory> = { before: await memoryNow() };
  const openMs = await openCalls();
  await sleep(SETTLE_MS);
  memory['opened'] = await memoryNow();
  generator.start({ ...rig.destination, calls });
  await sleep(WARM_UP_MS);
  const stretches: VoiceFigures[] = [];
  const loads: number[] = [];
  for (let run = 0; run < runs; run++) {
    stretches.push(figuresOf(await stretch()));
    loads.push(loadAverage());
  }
  memory['talking'] = await memoryNow();
  const profile = options.profile ? await profiled() : undefined;
  const perCall = memoryPerCall(memory as Record<'before' | 'opened' | 'talking', Memory>);
  print({ stretches, loads, perCall, openMs });
  if (profile) printProfile(profile);
  const result = { calls, seconds, agentSpeaking: agentShare, pinned: options.pin, openMsPerCall: openMs };
  const path = options.out ?? localResult(`voice-${calls}${agentShare ? `-speaking-${agentShare}` : ''}.json`);
  const measuredAt = new Date().toISOString();
  const observedFaults = Object.fromEntries(faults);
  await writeResult(path, { measuredAt, machine, loads, ...result, memoryPerCall: perCall, stretches, observedFaults });
  console.log(`\nwritten to ${path}`);
}

async function openCalls(): Promise<number> {
  const startMs = performance.now();
  // Evenly mixed: the share grows past a whole number with every call whose agent speaks.
  for (let index = 0; index < calls; index++) {
    await rig.openCall(index, Math.floor((index + 1) * agentShare) > Math.floor(index * agentShare));
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
  const observed = await observer.observations();
  const end = await readings();
  const threadMs = new Map([...end.threads].map(([name, ms]) => [name, ms - (start.threads.get(name) ?? 0)]));
  return {
    calls,
    seconds: lastedSeconds,
    threadMs,
    mediaWorkerMs: end.mediaWorkerMs - start.mediaWorkerMs,
    generatorMs: end.generatorMs - start.generatorMs,
    before: start.statistics,
    after: end.statistics,
    observed,
    generator: sent,
    mediaWorkerDrops: end.drops - start.drops,
  };
}

async function readings() {
  const [threads, mediaWorkerMs, generatorMs, statistics, drops] = await Promise.all([
    threadTimes(process.pid),
    cpuMs(rig.mediaWorkerPid),
    cpuMs(generator.pid),
    rig.thread.measure(),
    kernelDrops(rig.destination.port),
  ]);
  return { threads, mediaWorkerMs, generatorMs, statistics, drops };
}

async function memoryNow(): Promise<Memory> {
  const serverBytes = await residentBytes(process.pid);
  const mediaWorkerBytes = await residentBytes(rig.mediaWorkerPid);
  const { heapBytes, externalBytes, arrayBufferBytes } = await observer.liveMemory();
  return { serverBytes, mediaWorkerBytes, liveBytes: heapBytes + externalBytes + arrayBufferBytes };
}

/** In MiB. `live`: what the voice worker's isolate still refers to after a full collection. */
function memoryPerCall({ before, opened, talking }: Record<'before' | 'opened' | 'talking', Memory>) {
  const grown = (later: Memory) => ({
    serverMib: (later.serverBytes - before.serverBytes) / calls / MIB,
    mediaWorkerMib: (later.mediaWorkerBytes - before.mediaWorkerBytes) / calls / MIB,
    liveMib: (later.liveBytes - before.liveBytes) / calls / MIB,
  });
  return { opened: grown(opened), talking: grown(talking) };
}

async function profiled() {
  const cpuFile = localResult('voice.cpuprofile');
  const heapFile = localResult('voice.heapprofile');
  await writeResult(cpuFile, {});
  await observer.startProfile();
  await sleep(seconds * 1000);
  await observer.stopProfile(cpuFile, heapFile);
  const [cpu, heap] = await Promise.all(
    [cpuFile, heapFile].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  );
  return { cpu, heap };
}

type Printed = {
  stretches: VoiceFigures[];
  loads: number[];
  perCall: ReturnType<typeof memoryPerCall>;
  openMs: number;
};

function print({ stretches, loads, perCall, openMs }: Printed): void {
  const { cpu, cores, node } = machineFacts();
  console.log(
    `${calls} calls that never stop talking, ${agentShare * 100} % of the agents speaking, ${runs} stretches of ${seconds} s`,
  );
  console.log(`${cpu}, ${cores} cores, Node ${node}; load average after each stretch: ${loads.join(', ')}`);
  console.log(
    options.pin ? 'server on core 0, media worker and generator on core 1\n' : 'no process pinned to a core\n',
  );
  console.log(table(figureRows(stretches)));
  const { opened, talking } = perCall;
  console.log('');
  console.log(
    table([
      ['memory per call, MiB', 'opened', 'talking'],
      ['server process (resident)', opened.serverMib, talking.serverMib],
      ['media worker (resident)', opened.mediaWorkerMib, talking.mediaWorkerMib],
      ['voice worker, in use after a collection', opened.liveMib, talking.liveMib],
    ]),
  );
  console.log(`\nopening a call took ${show(openMs)} ms`);
  for (const [index, { faults: reasons }] of stretches.entries()) {
    for (const reason of reasons) console.log(`stretch ${index + 1} is void: ${reason}`);
  }
  for (const [fault, count] of faults) console.log(`${count} × ${fault}`);
}

function printProfile({ cpu, heap }: Awaited<ReturnType<typeof profiled>>): void {
  const rows = (list: Share[]) => list.slice(0, 25).map(({ name, share }) => [name, share * 100]);
  console.log(`\n${table([["the voice worker's time, by function itself", '%'], ...rows(timeShares(cpu))])}`);
  const kibPerCall = allocatedBytes(heap) / 1024 / calls / seconds;
  console.log(`\nallocated: ${show(kibPerCall)} KiB a second and call`);
  console.log(table([['by function itself', '%'], ...rows(allocationShares(heap))]));
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number from 1`);
  return value;
}
