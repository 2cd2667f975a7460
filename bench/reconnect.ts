/** One of three pods is killed, with all the clients and sessions that there are: how soon the other two have them. */
import { Fleet } from '../test/support/fleet.ts';
import { eventually } from '../test/support/eventually.ts';
import { ScriptedCaller } from '../test/support/scripted-caller.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { summarise, type Summary } from './percentiles.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';

export type ReconnectOptions = {
  /** Clients in all, at most 600. */
  clients: number;
  /** How many of them have media. */
  withMedia: number;
  out?: string | undefined;
};

/** Room for all of them on two pods. */
const ENVIRONMENT = {
  WORKER_POOL_SIZE: '2',
  MEDIA_WORKERS: '2',
  MAX_SESSIONS_PER_WORKER: '300',
};
/** Sessions that are opened at the same time; more would not be sooner on a small machine. */
const PARALLEL = 8;
/** Who is not back by then counts as lost. */
const PATIENCE_MS = 120_000;
const AIM_JOIN_P99_MS = 3_000;

/** Times in ms. */
type Client = {
  media: boolean;
  /** From the kill to noticing, by the loss of the connection. */
  noticedMs: number;
  /** From opening the connection that was answered to the answer to `join`: what the servers take. */
  connectToAckMs: number;
  /** From the kill to the answer to `join`. */
  killToAckMs: number;
  /** From the kill to media in both directions. */
  killToMediaMs: number;
  attempts: number;
  failure?: string;
};

export async function benchReconnect({ clients, withMedia, out }: ReconnectOptions): Promise<void> {
  const fleet = await Fleet.start({ pods: 3, environment: ENVIRONMENT });
  const callers: ScriptedCaller[] = [];
  try {
    await connectAll(fleet, callers, clients, withMedia);
    const load = loadAverage();
    const killedMs = performance.now();
    const epochs = callers.map(({ epoch }) => epoch);
    await fleet.pods[0]!.process.kill();
    const back = (caller: ScriptedCaller, index: number) =>
      caller.failure !== undefined || (caller.connected && caller.epoch > epochs[index]!);
    await eventually(() => callers.every(back), PATIENCE_MS).catch(() => undefined);
    const observed = callers.map((caller, index) => observe(caller, index < withMedia, killedMs));
    await report(observed, load, out);
  } finally {
    for (const caller of callers) caller.close();
    await fleet.close();
    ScriptedCaller.cleanUp();
  }
}

/** All on the first pod, for the others take no new ones until all are there. */
async function connectAll(fleet: Fleet, callers: ScriptedCaller[], clients: number, withMedia: number): Promise<void> {
  const [first, ...others] = fleet.pods;
  for (const { url } of others) await fleet.request('POST', '/v2/drain', undefined, url);
  const ready = async (url: string) => (await fleet.request('GET', '/health/ready', undefined, url)).status === 200;
  await eventually(async () => !(await ready(others[0]!.url)) && !(await ready(others[1]!.url)));
  // The balancer looks four times a second, and wants to see it twice.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const bindAddress = fleet.network.outside.address;
  let next = 0;
  const work = async () => {
    while (next < clients) {
      const media = next < withMedia;
      next += 1;
      const { token } = await fleet.open({ overrides: { greeting: '' } }, first!.url);
      const caller = new ScriptedCaller({ url: fleet.url, token, media, bindAddress });
      callers.push(caller);
      await caller.whenConnected(60_000);
      process.stderr.write(`\r${callers.length} of ${clients} clients have joined`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  // Those with media first.
  callers.sort((a, b) => b.links.length - a.links.length);
  process.stderr.write('\n');
  for (const { url } of others) await fleet.request('DELETE', '/v2/drain', undefined, url);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
}

function observe(caller: ScriptedCaller, media: boolean, killedMs: number): Client {
  const { connections } = caller.signalling;
  const join = caller.joins.filter(({ answeredMs }) => answeredMs > killedMs).at(-1);
  const lost = connections.find(({ lostMs }) => (lostMs ?? 0) > killedMs);
  const after = connections.filter(({ openedMs }) => openedMs > killedMs);
  const opened = after.filter(({ openedMs }) => openedMs < (join?.answeredMs ?? 0)).at(-1);
  const used = caller.links.at(-1)?.usedMs ?? NaN;
  return {
    media,
    noticedMs: (lost?.lostMs ?? NaN) - killedMs,
    connectToAckMs: (join?.answeredMs ?? NaN) - (opened?.openedMs ?? NaN),
    killToAckMs: (join?.answeredMs ?? NaN) - killedMs,
    killToMediaMs: media && used > killedMs ? used - killedMs : NaN,
    attempts: after.length,
    ...(caller.failure !== undefined && { failure: caller.failure }),
  };
}

type FigureName = 'killToAck' | 'connectToAck' | 'killToMedia' | 'noticed' | 'attempts';

function figuresOf(observed: readonly Client[]): Record<FigureName, Summary> {
  const of = (key: 'noticedMs' | 'connectToAckMs' | 'killToAckMs' | 'killToMediaMs' | 'attempts'): Summary =>
    summarise(observed.map((client) => client[key]));
  return {
    killToAck: of('killToAckMs'),
    connectToAck: of('connectToAckMs'),
    killToMedia: of('killToMediaMs'),
    noticed: of('noticedMs'),
    attempts: of('attempts'),
  };
}

async function report(observed: Client[], load: number, out: string | undefined): Promise<void> {
  const back = observed.filter(({ killToAckMs }) => !Number.isNaN(killToAckMs)).length;
  const withMedia = observed.filter(({ media }) => media).length;
  const figures = figuresOf(observed);
  console.log(
    `${observed.length} clients, ${withMedia} of them with media, all on the one of three pods that was killed`,
  );
  console.log(
    `${machineFacts().cores} cores, load average ${load}; pods, Redis, balancer and clients on one machine\n`,
  );
  const row = (name: string, { count, p50, p95, p99, max }: Summary, aim: number) => [
    name,
    count,
    p50,
    p95,
    p99,
    max,
    aim,
  ];
  const rows = [
    row('kill → answer to join', figures.killToAck, AIM_JOIN_P99_MS),
    row('connection opened → answer to join', figures.connectToAck, AIM_JOIN_P99_MS),
    row('kill → media both ways', figures.killToMedia, NaN),
    row('kill → connection lost', figures.noticed, NaN),
    row('connections made (number)', figures.attempts, NaN),
  ];
  console.log(table([['ms', 'clients', 'p50', 'p95', 'p99', 'max', 'aim p99'], ...rows]));
  console.log(`\nback: ${back} of ${observed.length}, with media ${figures.killToMedia.count} of ${withMedia}`);
  const path = out ?? localResult('reconnect.json');
  const result = { measuredAt: new Date().toISOString(), machine: machineFacts(), load };
  const failures = observed.flatMap(({ failure }) => failure ?? []);
  await writeResult(path, { ...result, clients: observed.length, withMedia, back, failures, ...figures });
  console.log(`written to ${path}`);
}
