/**
 * Strangers send packets at the server's UDP ports while people talk: whether the calls notice.
 *
 *   npm run bench:flood [-- --calls 20] [--rate 50000] [--seconds 15] [--kind voice] [--uid 65534] [--out file]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Callers } from './callers/callers.ts';
import { CONVERSATION } from './callers/talk-pattern.ts';
import { voidReasons } from './callers/void-reasons.ts';
import { FLOOD_KINDS, floodRows, type FloodFigures, type FloodKind, type FloodReport } from './flood-figures.ts';
import { metricOf, processTree, udpSockets, type UdpSocket } from './footprint.ts';
import { interruptible } from './interruptible.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { cpuMs } from './process-usage.ts';
import { localResult, writeResult } from './results-file.ts';
import { ServerProcess } from './server-process.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '20' },
    rate: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '15' },
    kind: { type: 'string' },
    /** Of the stranger, where a firewall is to tell them from the server by it. Default: the server's own. */
    uid: { type: 'string' },
    out: { type: 'string' },
  },
});
const [calls, rate, seconds] = [options.calls, options.rate, options.seconds].map(Number) as [number, number, number];
const kinds = FLOOD_KINDS.filter((kind) => options.kind === undefined || options.kind === kind || kind === 'none');
const ENVIRONMENT = { WORKER_POOL_SIZE: '1', MEDIA_WORKERS: '1', MAX_SESSIONS_PER_WORKER: '200' };
/** Greetings are over, and the callers' own start is not measured. */
const SETTLE_MS = 5_000;
/** Voice workers tell their numbers once a second or so. */
const NUMBERS_MS = 2_500;
const FLOOD_FILE = fileURLToPath(new URL('./flood-process.ts', import.meta.url));

await interruptible(async ({ open, unlessInterrupted }) => {
  const server = open.use(await ServerProcess.start(ENVIRONMENT));
  const callers = open.adopt(await Callers.launch(), (launched) => launched.close());
  callers.arrive({ url: server.url, pattern: CONVERSATION, calls, perSecond: 5 });
  const standing = await unlessInterrupted(callers.standing(calls));
  if (standing < calls) console.error(`only ${standing} of ${calls} callers have media`);
  await unlessInterrupted(pause(SETTLE_MS));
  const figures: FloodFigures[] = [];
  const path = options.out ?? localResult('flood.json');
  for (const kind of kinds) {
    figures.push(await unlessInterrupted(measure(kind, server, callers)));
    await writeResult(path, {
      measuredAt: new Date().toISOString(),
      machine: machineFacts(),
      load: loadAverage(),
      calls,
      figures,
    });
  }
  console.log(`${calls} callers, ${seconds} s each; ${machineFacts().cores} cores, load average ${loadAverage()}\n`);
  console.log(`${table(floodRows(figures))}\n\nwritten to ${path}`);
});

async function measure(kind: FloodKind, server: ServerProcess, callers: Callers): Promise<FloodFigures> {
  const { pid } = server;
  const port = kind === 'none' ? undefined : portOf(kind, pid, await udpSockets(pid));
  const before = await numbersOf(server, port);
  await callers.report();
  const flood = port === undefined ? undefined : await run(port);
  if (!flood) await pause(seconds * 1000);
  const report = await callers.report();
  await pause(NUMBERS_MS);
  const after = await numbersOf(server, port);
  return {
    kind,
    floodPerSecond: flood ? flood.sent / flood.seconds : 0,
    droppedAtPort: after.dropped - before.dropped,
    toldDrops: after.toldDrops - before.toldDrops,
    toldRejected: after.toldRejected - before.toldRejected,
    serverShare: (after.cpu - before.cpu) / 1000 / (report.seconds + NUMBERS_MS / 1000),
    callers: report,
    void: voidReasons(report),
  };
}

/** A link's two ends point at each other; the third socket is that of browsers. */
function portOf(kind: Exclude<FloodKind, 'none'>, pid: number, sockets: readonly UdpSocket[]): number {
  const voice = sockets.find((socket) => socket.pid === pid && socket.remotePort !== 0);
  if (!voice) throw new Error('there is no link yet');
  const media = sockets.find(({ port }) => port === voice.remotePort);
  const browsers = sockets.find((socket) => socket.pid !== pid && socket !== media);
  return { voice, media, browsers }[kind]!.port;
}

async function run(port: number): Promise<FloodReport> {
  const user = options.uid === undefined ? {} : { uid: Number(options.uid) };
  const child = fork(FLOOD_FILE, [JSON.stringify({ port, perSecond: rate })], user);
  try {
    await pause(seconds * 1000);
    const answered = once(child, 'message');
    child.send('stop');
    return ((await answered) as [FloodReport])[0];
  } finally {
    child.kill();
  }
}

async function numbersOf(server: ServerProcess, port: number | undefined) {
  const metrics = await server.metrics();
  const pids = await processTree(server.pid);
  const cpu = (await Promise.all(pids.map((pid) => cpuMs(pid)))).reduce((all, ms) => all + ms, 0);
  const socket = (await udpSockets(server.pid)).find((each) => each.port === port);
  return {
    cpu,
    dropped: socket?.drops ?? 0,
    toldDrops:
      metricOf(metrics, 'parley_rtp_kernel_drops_total') + metricOf(metrics, 'parley_media_kernel_drops_total'),
    toldRejected: metricOf(metrics, 'parley_rtp_packets_rejected_total'),
  };
}
