/**
 * From the caller's last sound to the agent's first, turn after turn, with vendors that take what they publish; and how often
 * callers are cut off in a pause. Packets in and out are timed at the server, by its journal.
 *
 *   npm run bench:turns [-- --rounds 3] [--out file]
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readJournal } from '../media/journal/journal-line.ts';
import { createAgentFolder } from '../test/support/agent-folder.ts';
import { ScriptedCaller } from '../test/support/scripted-caller.ts';
import { CARTESIA_KEY, CartesiaServer } from '../test/support/vendors/cartesia-server.ts';
import { DEEPGRAM_KEY, DeepgramServer } from '../test/support/vendors/deepgram-server.ts';
import { SERVER_KEY, SERVER_MODEL } from '../test/support/vendors/dialect.ts';
import { DIALECTS, startLanguageModel } from '../test/support/vendors/language-model-server.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { cpuMs } from './process-usage.ts';
import { localResult, writeResult } from './results-file.ts';
import { ServerProcess } from './server-process.ts';
import { type Cell, table } from './table.ts';
import { SegmentListener } from './turns/segment-listener.ts';
import { figuresOf, turnsOf, type Turn, type TurnFigures, type VendorDelays } from './turns/turn-figures.ts';
import { utterances, type Segment, type Utterance } from './turns/utterances.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, out: { type: 'string' } },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError('--rounds must be a whole number from 1');

/** As the vendors publish them: of a final transcript, of a first token that brings the first clause, of first audio. */
const DELAYS: VendorDelays = { asrMs: 19, firstTokenMs: 171, firstAudioMs: 108 };
const SILENCE_200 = { endpointing: { minimumDelayMs: 200, speechEndMs: 200, maximumDelayMs: 300 } };
const AGENTS = {
  defaults: { ahead: false, turnHandling: {} },
  'defaults-ahead': { ahead: true, turnHandling: {} },
  'silence-200': { ahead: false, turnHandling: SILENCE_200 },
  'silence-200-ahead': { ahead: true, turnHandling: SILENCE_200 },
} as const;
type AgentName = keyof typeof AGENTS;
const NAMES = Object.keys(AGENTS) as AgentName[];
const ANSWER = ['Certainly, I will see to it. ', 'It takes a minute.'];
const HEADING = '|turns|v2v p50|p95|VAD p50|silence p50|ours p50|p95|share|pauses cut|turns cut|used|CPU ms'.split('|');
/** The agent has nothing more to say when it has listened for so long. */
const AT_REST_MS = 1_300;
const PATIENCE_MS = 20_000;

const said = await utterances();
const script: Segment[] = [];
const ears = await DeepgramServer.start(() => new SegmentListener(script));
const model = await startLanguageModel(DIALECTS.openai);
const voice = await CartesiaServer.start();
ears.answersAfterMs = DELAYS.asrMs;
model.server.answersAfterMs = DELAYS.firstTokenMs;
voice.firstAudioAfterMs = DELAYS.firstAudioMs;
model.say({ text: ANSWER });
const journals = await mkdtemp(join(tmpdir(), 'parley-bench-turns-'));
const agents = await createAgentFolder();
for (const name of NAMES) await agents.write(`${name}.yaml`, agentFile(name));
const server = await ServerProcess.start({
  AGENTS_DIR: agents.folder,
  JOURNAL_DIR: journals,
  OPENAI_API_KEY: SERVER_KEY,
  OPENAI_BASE_URL: `${model.server.url}/v1`,
  DEEPGRAM_API_KEY: DEEPGRAM_KEY,
  DEEPGRAM_BASE_URL: ears.vendor.server.url,
  CARTESIA_API_KEY: CARTESIA_KEY,
  CARTESIA_BASE_URL: voice.vendor.server.url,
  LLM_MODEL: `openai/${SERVER_MODEL}`,
  STT_MODEL: 'deepgram/nova-3',
  TTS_MODEL: 'cartesia/sonic-3.5',
  WORKER_POOL_SIZE: '1',
  MEDIA_WORKERS: '1',
});
const turns = Object.fromEntries(NAMES.map((name) => [name, [] as Turn[]])) as Record<AgentName, Turn[]>;
const cpu = Object.fromEntries(NAMES.map((name) => [name, [] as number[]])) as Record<AgentName, number[]>;
const loads: number[] = [];
try {
  for (let round = 0; round < rounds; round++) for (const name of NAMES) await call(name, round);
} finally {
  await server.close();
  await Promise.all([ears.close(), model.server.close(), voice.close(), agents.remove()]);
  ScriptedCaller.cleanUp();
}
await readJournals();
await rm(journals, { recursive: true });
const figures = Object.fromEntries(
  NAMES.map((name) => [name, figuresOf(turns[name], DELAYS, AGENTS[name].ahead)]),
) as Record<AgentName, TurnFigures>;
print();
const path = options.out ?? localResult('turns.json');
const load = { least: Math.min(...loads), most: Math.max(...loads) };
await writeResult(path, {
  measuredAt: new Date().toISOString(),
  machine: machineFacts(),
  load,
  delays: DELAYS,
  figures,
  cpuMsPerTurn: cpuPerTurn(),
  turns,
});
console.log(`\nwritten to ${path}`);

function agentFile(name: AgentName): string {
  const { ahead, turnHandling } = AGENTS[name];
  const handling = { ...turnHandling, preemptiveGeneration: { enabled: ahead } };
  return JSON.stringify({ name, responder: 'llm', journal: true, greeting: '', turnHandling: handling });
}

/** One call, in which everything is said, one utterance after the other. */
async function call(name: AgentName, round: number): Promise<void> {
  const answer = await fetch(`${server.url}/v2/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ agent: name }),
  });
  const { id, token } = (await answer.json()) as { id: string; token: string };
  const caller = new ScriptedCaller({ url: server.url, token, bindAddress: '127.0.0.1' });
  try {
    await caller.whenConnected();
    await pause(1_000);
    for (const [index, utterance] of said.entries()) {
      const before = await cpuMs(server.pid);
      await say(caller, utterance);
      cpu[name].push((await cpuMs(server.pid)) - before);
      loads.push(loadAverage());
      process.stderr.write(`\rround ${round + 1} of ${rounds}, ${name}: ${index + 1} of ${said.length}   `);
    }
  } finally {
    caller.close();
    await fetch(`${server.url}/v2/sessions/${id}`, { method: 'DELETE' });
  }
}

async function say(caller: ScriptedCaller, { segments, packets }: Utterance): Promise<void> {
  script.splice(0, Infinity, ...segments);
  await caller.voice.say(packets);
  const untilMs = performance.now() + PATIENCE_MS;
  for (let sinceMs = performance.now(); performance.now() < untilMs; await pause(50)) {
    const last = caller.events.findLast((event) => event.name === 'agent-state' || event.name === 'speech');
    const atRest = caller.events.findLast((event) => event.name === 'agent-state')?.data['state'] === 'listening';
    if (!atRest) sinceMs = performance.now();
    if (performance.now() - Math.max(sinceMs, last?.atMs ?? 0) >= AT_REST_MS) return;
  }
  throw new Error('the agent did not come to rest');
}

async function readJournals(): Promise<void> {
  for (const file of await readdir(journals)) {
    const journal = readJournal(await readFile(join(journals, file), 'utf8'));
    turns[journal.opening.agent.name as AgentName].push(...turnsOf(journal, said));
  }
}

function cpuPerTurn(): Record<string, number> {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return Object.fromEntries(NAMES.map((name) => [name, mean(cpu[name])]));
}

function print(): void {
  const { cpu: processor, cores, node } = machineFacts();
  const { asrMs, firstTokenMs, firstAudioMs } = DELAYS;
  console.log(
    `\n${processor}, ${cores} cores, Node ${node}; load average ${Math.min(...loads)} to ${Math.max(...loads)}`,
  );
  console.log(`recogniser ${asrMs} ms, first token ${firstTokenMs} ms, first audio ${firstAudioMs} ms\n`);
  console.log(table([HEADING, ...NAMES.map(rowOf)]));
}

function rowOf(name: AgentName): Cell[] {
  const { voiceToVoiceMs, fromDetectorMs, silenceMs, oursMs, oursShare, measured, ...others } = figures[name];
  const { cutOffPauses, pauses, cutOffTurns, turnsWithPauses, speculations } = others;
  const waited = [voiceToVoiceMs.p50, voiceToVoiceMs.p95, fromDetectorMs.p50, silenceMs.p50, oursMs.p50, oursMs.p95];
  const cutOff = [`${cutOffPauses} of ${pauses}`, `${cutOffTurns} of ${turnsWithPauses}`];
  const used = `${speculations.used} of ${speculations.begun}`;
  return [name, measured, ...waited, `${(100 * oursShare).toFixed(1)} %`, ...cutOff, used, cpuPerTurn()[name]!];
}
