/** Runs campaigns in processes of their own, and finds out which input ended one, or brought it to a standstill. */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CampaignResult, Finding } from './campaign.ts';

export type CampaignOrder = {
  target: string;
  seed: number;
  /** Most inputs. */
  inputs: number;
  /** `Date.now()` at which it ends. */
  untilMs: number;
  /** Where the process writes which input it takes. */
  trackFile: string;
  /** As of the campaign. */
  slowMs?: number;
  /** In place of the corpus: this input alone, in base64. */
  only?: string;
};

export type CampaignReport = Omit<CampaignResult, 'findings'> & {
  findings: (Omit<Finding, 'input'> & { input: string })[];
};

export type SuperviseOptions = Pick<CampaignOrder, 'target' | 'seed' | 'inputs' | 'slowMs' | 'only'> & {
  /** How long it may take, in ms. */
  forMs: number;
  /** After how long one input counts as taking no end. Default 60 s, far above what any takes on a busy machine. */
  hangMs?: number;
  signal?: AbortSignal;
};

const DEFAULT_HANG_MS = 60_000;
const LOOK_MS = 1_000;
/** Of what a process that ended had written to its error output. */
const MAX_LAST_WORDS = 4_000;

/** Resolves when the campaign is over, however it ends. */
export async function supervise(options: SuperviseOptions): Promise<CampaignResult> {
  const { target, seed, inputs, slowMs, only, forMs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-'));
  const trackFile = join(folder, 'input');
  const untilMs = Date.now() + forMs;
  const limits = { ...(slowMs !== undefined && { slowMs }), ...(only !== undefined && { only }) };
  const order: CampaignOrder = { target, seed, inputs, untilMs, trackFile, ...limits };
  try {
    return await runProcess(order, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runProcess(
  order: CampaignOrder,
  { hangMs = DEFAULT_HANG_MS, signal }: SuperviseOptions,
): Promise<CampaignResult> {
  const child = fork(join(import.meta.dirname, 'campaign-process.ts'), [JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let report: CampaignReport | undefined;
  let lastWords = '';
  let stuck = false;
  child.on('message', (message) => (report = message as CampaignReport));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-MAX_LAST_WORDS);
  });
  const onAbort = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', onAbort, { once: true });
  const stopWatching = watch(order.trackFile, hangMs, () => {
    stuck = true;
    child.kill('SIGKILL');
  });
  const ending = await new Promise<string>((resolve) => {
    child.once('exit', (code, killedBy) => resolve(killedBy ?? `exit code ${code}`));
  });
  stopWatching();
  signal?.removeEventListener('abort', onAbort);
  signal?.throwIfAborted();
  if (report) return { ...report, findings: report.findings.map(decoded) };
  const { count, input } = lastInput(order.trackFile);
  const finding: Finding = stuck
    ? { kind: 'hang', detail: `no end after ${hangMs} ms`, input }
    : { kind: 'exit', detail: `${ending}\n${lastWords}`, input };
  return { inputs: count, outcomes: 0, slowestMs: 0, grownBytes: 0, findings: [finding] };
}

const decoded = ({ input, ...finding }: CampaignReport['findings'][number]): Finding => ({
  ...finding,
  input: Buffer.from(input, 'base64'),
});

/** Calls once when the same input has been under way for too long. */
function watch(trackFile: string, hangMs: number, onStuck: () => void): () => void {
  let last = -1;
  let sinceMs = Date.now();
  const timer = setInterval(() => {
    const { count } = lastInput(trackFile);
    if (count !== last) [last, sinceMs] = [count, Date.now()];
    else if (Date.now() - sinceMs > hangMs) onStuck();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

function lastInput(trackFile: string): { count: number; input: Buffer } {
  let tracked = Buffer.alloc(0);
  try {
    tracked = readFileSync(trackFile);
  } catch {
    // It ended before its first input.
  }
  if (tracked.length < 8) return { count: 0, input: Buffer.alloc(0) };
  return { count: tracked.readUInt32LE(0), input: tracked.subarray(8, 8 + tracked.readUInt32LE(4)) };
}
