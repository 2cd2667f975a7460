/** The process that holds the callers, so that they take no time from what is measured. `callers.ts` starts it. */
import { setPriority } from 'node:os';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { cleanup } from 'node-datachannel';
import { monotonicMs } from '../../media/runtime/clock.ts';
import { speechLoops } from '../speech-packets.ts';
import { Caller } from './caller.ts';
import type { Arrival, Arrivals, CallersReport, FromCallers, Spread, ToCallers } from './messages.ts';
import { noCounts, type ReceivedCount, type ReceivedCounts } from './received-packets.ts';
import { SendLoop } from './send-loop.ts';
import { TalkPattern } from './talk-pattern.ts';

/** Before those that are measured: late callers would be measured as a late server. */
const PRIORITY = -10;

const loops = await speechLoops();
const loop = new SendLoop();
const lateness = createHistogram();
/** In the order in which they came. */
const callers = new Set<Caller>();
const timers = new Set<NodeJS.Timeout>();
const coming = new Set<NodeJS.Timeout>();
let arrivals: Arrival[] = [];
let events: Record<string, number> = {};
let dropped = 0;
let seed = 0;
/** Of callers that have gone. */
const gone = { received: noCounts(), turns: 0, spokenFrames: 0 };
let before = { atMs: monotonicMs(), received: noCounts(), turns: 0, spokenFrames: 0, cpu: process.cpuUsage() };

const tell = (message: FromCallers): void => void process.send?.(message);

function arrive({ calls, perSecond, seed: from = 1, ...each }: Arrivals): void {
  const startMs = monotonicMs();
  for (let index = 0; index < calls; index++)
    coming.add(later(startMs + (index / perSecond) * 1000, () => come(each, from)));
}

function turnAway(): void {
  for (const timer of coming) clearTimeout(timer);
  coming.clear();
}

function come({ pattern, stayMs, ...where }: Omit<Arrivals, 'calls' | 'perSecond'>, from: number): void {
  const number = seed++;
  const talk = new TalkPattern(pattern, loops[number % loops.length]!, from * 7919 + number);
  const caller = new Caller({
    arrivals: where,
    talk,
    phaseMs: loop.freePhaseMs,
    onSettled: (settled) => {
      arrivals.push(settled.arrival);
      if (settled.arrival.outcome !== 'connected') remove(settled);
      else if (stayMs !== undefined) later(monotonicMs() + stayMs, () => void hangUp(settled));
    },
    onDropped: (reason) => {
      dropped++;
      count(`dropped: ${reason}`);
      remove(caller);
    },
    onEvent: count,
    onLateness: (ms) => record(lateness, ms),
  });
  callers.add(caller);
  loop.add(caller);
}

function leave(calls: number, perSecond: number): void {
  const leaving = [...callers].slice(0, calls);
  const startMs = monotonicMs();
  leaving.forEach((caller, index) => later(startMs + (index / perSecond) * 1000, () => void hangUp(caller)));
}

async function hangUp(caller: Caller): Promise<void> {
  if (!callers.has(caller)) return;
  remove(caller);
  await caller.hangUp();
}

function remove(caller: Caller): void {
  if (!callers.delete(caller)) return;
  loop.remove(caller);
  if (caller.received) add(gone.received, caller.received.counts);
  gone.turns += caller.talk.turns;
  gone.spokenFrames += caller.talk.spokenFrames;
}

function report(): CallersReport {
  const now = { atMs: monotonicMs(), ...totals(), cpu: process.cpuUsage() };
  const cpu = process.cpuUsage(before.cpu);
  const result: CallersReport = {
    seconds: (now.atMs - before.atMs) / 1000,
    live: [...callers].filter(({ live }) => live).length,
    dropped,
    sent: { packets: loop.sent, latenessMs: spread(loop.lateness) },
    unsent: loop.unsent,
    received: difference(now.received, before.received),
    receivedLatenessMs: spread(lateness),
    events,
    turns: now.turns - before.turns,
    speakingShare: (now.spokenFrames - before.spokenFrames) / Math.max(1, loop.frames),
    arrivals,
    cpuMs: (cpu.user + cpu.system) / 1000,
  };
  before = now;
  arrivals = [];
  events = {};
  dropped = 0;
  loop.reset();
  lateness.reset();
  return result;
}

function totals(): { received: ReceivedCounts; turns: number; spokenFrames: number } {
  const received = { ...gone.received };
  let { turns, spokenFrames } = gone;
  for (const caller of callers) {
    if (caller.received) add(received, caller.received.counts);
    turns += caller.talk.turns;
    spokenFrames += caller.talk.spokenFrames;
  }
  return { received, turns, spokenFrames };
}

function add(sum: ReceivedCounts, counts: ReceivedCounts): void {
  for (const name of Object.keys(sum) as ReceivedCount[]) sum[name] += counts[name];
}

function difference(now: ReceivedCounts, earlier: ReceivedCounts): ReceivedCounts {
  const result = noCounts();
  for (const name of Object.keys(result) as ReceivedCount[]) result[name] = now[name] - earlier[name];
  return result;
}

function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1000)));
}

function spread(histogram: RecordableHistogram): Spread {
  const at = (percentile: number) => (histogram.count === 0 ? 0 : histogram.percentile(percentile) / 1000);
  return { count: histogram.count, p50: at(50), p99: at(99), p999: at(99.9), max: at(100) };
}

function count(name: string): void {
  events[name] = (events[name] ?? 0) + 1;
}

function later(atMs: number, action: () => void): NodeJS.Timeout {
  const timer = setTimeout(
    () => {
      timers.delete(timer);
      coming.delete(timer);
      action();
    },
    Math.max(0, atMs - monotonicMs()),
  );
  timers.add(timer);
  return timer;
}

function stop(): void {
  for (const timer of timers) clearTimeout(timer);
  loop.close();
  for (const caller of callers) caller.close();
  callers.clear();
  cleanup();
  process.disconnect();
}

try {
  setPriority(PRIORITY);
} catch {
  // Only root may; the report tells how late packets were.
}
process.on('message', (message: ToCallers) => {
  if (message.type === 'arrive') arrive(message);
  else if (message.type === 'turn-away') turnAway();
  else if (message.type === 'leave') leave(message.calls, message.perSecond);
  else if (message.type === 'report') tell({ type: 'report', id: message.id, report: report() });
  else stop();
});
process.on('disconnect', () => process.exit());
tell({ type: 'ready' });
