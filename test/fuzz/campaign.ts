/** Feeds one target: what is in the corpus, what its arbitrary makes, and mutations of what had a new outcome. */
import * as fc from 'fast-check';
import { heapInUse } from '../support/leaks.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutations.ts';
import { Random } from './random.ts';

export type FindingKind = 'fault' | 'slow' | 'growth' | 'exit' | 'hang';
export type Finding = { kind: FindingKind; detail: string; input: Buffer };

export type CampaignOptions = {
  target: FuzzTarget;
  corpus: readonly Buffer[];
  seed: number;
  /** Ends after so many inputs … */
  inputs: number;
  /** … or at this time (`Date.now()`), whatever comes first. */
  untilMs: number;
  /**
   * CPU time that one input may take, in ms. Default 50: a thread that stands still for longer makes packets of other calls
   * late. Beside other work on the same core everything takes more.
   */
  slowMs?: number;
  /** Called before each input, for what ends the process to be known by its input. */
  track: (input: Buffer) => void;
};

export type CampaignResult = {
  inputs: number;
  outcomes: number;
  /** CPU of the slowest input, in ms, the best of its runs. */
  slowestMs: number;
  /** Of memory that is still in use, from the middle of the campaign to its end, in bytes. */
  grownBytes: number;
  findings: Finding[];
};

const DEFAULT_SLOW_MS = 50;
/** An input is slow if it is so each time: the first time compiles, and garbage is collected at any time. */
const RERUNS = 4;
/** Inputs that are kept for mutations. More: each is mutated less often. */
const MAX_KEPT = 2_000;
/** Beyond that no outcome counts as new. */
const MAX_OUTCOMES = 5_000;
const MAX_FINDINGS = 5;
const BATCH = 50;
/** Compiled code and caches of a busy process; what is lost with every input is more. */
const MAX_GROWTH_BYTES = 4 << 20;
/** Too few inputs tell nothing of growth. */
const LEAST_INPUTS_FOR_GROWTH = 400;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  return new Campaign(options).run();
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #random: Random;
  readonly #kept: Buffer[];
  readonly #outcomes = new Set<string>();
  readonly #findings: Finding[] = [];
  #keptBytes = 0;
  #inputs = 0;
  #slowestMs = 0;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#kept = [...options.corpus];
  }

  async run(): Promise<CampaignResult> {
    for (const input of this.#options.corpus) await this.#take(input);
    const startMs = Date.now();
    const { inputs, untilMs } = this.#options;
    const middleMs = startMs + (untilMs - startMs) / 2;
    let middleBytes: number | undefined;
    for (let batch = 0; !this.#isOver; batch++) {
      await this.#runBatch(batch);
      if (middleBytes === undefined && (this.#inputs >= inputs / 2 || Date.now() > middleMs)) {
        middleBytes = await this.#memoryInUse();
      }
    }
    const grownBytes = middleBytes === undefined ? 0 : (await this.#memoryInUse()) - middleBytes;
    this.#judgeGrowth(grownBytes);
    const { size: outcomes } = this.#outcomes;
    return { inputs: this.#inputs, outcomes, slowestMs: this.#slowestMs, grownBytes, findings: this.#findings };
  }

  get #isOver(): boolean {
    const { inputs, untilMs } = this.#options;
    return this.#inputs >= inputs || Date.now() >= untilMs || this.#findings.length >= MAX_FINDINGS;
  }

  async #runBatch(batch: number): Promise<void> {
    const { target, seed } = this.#options;
    const made = fc.sample(target.inputs, { numRuns: BATCH, seed: seed + batch });
    for (const input of made) {
      if (this.#isOver) return;
      await this.#take(input);
      for (let n = 0; n < 2 && this.#kept.length > 0 && !this.#isOver; n++) await this.#take(this.#mutation());
    }
  }

  #mutation(): Buffer {
    const { target } = this.#options;
    return mutate(this.#random.pick(this.#kept), this.#random.pick(this.#kept), target, this.#random);
  }

  async #take(input: Buffer): Promise<void> {
    this.#inputs++;
    this.#options.track(input);
    try {
      const { outcome, cpuMs } = await this.#measure(input);
      if (!this.#outcomes.has(outcome) && this.#outcomes.size < MAX_OUTCOMES) this.#keep(outcome, input);
      await this.#judgeTime(cpuMs, input);
    } catch (error) {
      this.#find('fault', error instanceof Error ? (error.stack ?? error.message) : String(error), input);
    }
  }

  async #measure(input: Buffer): Promise<{ outcome: string; cpuMs: number }> {
    const before = process.threadCpuUsage();
    const pending = this.#options.target.run(input);
    const outcome = typeof pending === 'string' ? pending : await pending;
    const { user, system } = process.threadCpuUsage(before);
    return { outcome, cpuMs: (user + system) / 1000 };
  }

  async #judgeTime(firstMs: number, input: Buffer): Promise<void> {
    const { slowMs = DEFAULT_SLOW_MS } = this.#options;
    let leastMs = firstMs;
    for (let rerun = 0; rerun < RERUNS && leastMs > slowMs; rerun++) {
      leastMs = Math.min(leastMs, (await this.#measure(input)).cpuMs);
    }
    this.#slowestMs = Math.max(this.#slowestMs, leastMs);
    if (leastMs > slowMs) this.#find('slow', `at least ${slowMs} ms of CPU\n${Math.round(leastMs)} ms`, input);
  }

  #judgeGrowth(grownBytes: number): void {
    const mostBytes = MAX_GROWTH_BYTES + (this.#options.target.keepsBytes ?? 0);
    if (this.#inputs < LEAST_INPUTS_FOR_GROWTH || grownBytes < mostBytes) return;
    this.#find('growth', `${grownBytes} bytes more in use than in the middle`, Buffer.alloc(0));
  }

  #keep(outcome: string, input: Buffer): void {
    this.#outcomes.add(outcome);
    const index = this.#kept.length < MAX_KEPT ? this.#kept.length : this.#random.below(MAX_KEPT);
    // Of its own: a part of a pooled buffer would keep all of the pool.
    const copy = Buffer.alloc(input.length, input);
    this.#keptBytes += copy.length - (this.#kept[index]?.length ?? 0);
    this.#kept[index] = copy;
  }

  /** The same fault once: its inputs are as many as one wants. */
  #find(kind: FindingKind, detail: string, input: Buffer): void {
    const [what] = detail.split('\n');
    if (this.#findings.some((found) => found.kind === kind && found.detail.startsWith(what ?? ''))) return;
    this.#findings.push({ kind, detail, input });
  }

  /** What is reachable in this process, and what is kept outside of the heap for it; without the campaign's own inputs. */
  async #memoryInUse(): Promise<number> {
    const heapUsed = await heapInUse();
    const { external } = process.memoryUsage();
    return heapUsed + external - this.#keptBytes;
  }
}
