/** A stage of the conversation (hearing, thinking, speaking) is a list of providers: one is tried after the other. */
import { monotonicMs } from '../runtime/clock.ts';
import type { ProviderFault, Speculative } from './provider.ts';
import { Passage, type VendorGate } from './vendor-gate.ts';

export type StageName = 'speech-to-text' | 'language-model' | 'text-to-speech';

export type Candidate<P> = {
  provider: P;
  /** Embedded providers have none. */
  gate?: VendorGate;
};

/** Every decision of a stage, for the log of the turn. */
export type StageEvent = { stage: StageName; provider: string } & (
  | { type: 'tried' }
  /** `circuit-open`: it failed often of late. `no-capacity`: its key is in use by as many calls as it may be. */
  | { type: 'skipped'; reason: 'circuit-open' | 'no-capacity'; waitedMs: number }
  /** `delivered` says how much of the result had come; `afterMs` counts from when it was tried. */
  | { type: 'failed'; code: string; retryable: boolean; message: string; afterMs: number; delivered: string }
);

export type StageOptions<P> = {
  stage: StageName;
  candidates: readonly Candidate<P>[];
  onEvent?: (event: StageEvent) => void;
  /** Default: the machine's time. */
  now?: () => number;
};

/** Nobody is left who could do it. `causes` are the reasons, in order; there is none where all were skipped. */
export class StageExhaustedError extends Error implements ProviderFault {
  override readonly name = 'StageExhaustedError';
  readonly code = 'providers_exhausted';
  readonly retryable: boolean;
  readonly stage: StageName;
  readonly causes: readonly ProviderFault[];

  constructor(stage: StageName, causes: readonly ProviderFault[]) {
    super(`no provider of ${stage} is left (${causes.map(({ message }) => message).join('; ') || 'all were skipped'})`);
    this.stage = stage;
    this.causes = causes;
    this.retryable = causes.length === 0 || causes.some(({ retryable }) => retryable);
  }
}

/** What was begun before it was known to be wanted has to wait: others need the places that there are. */
export class NotSparedError extends Error implements ProviderFault {
  override readonly name = 'NotSparedError';
  readonly code = 'not_spared';
  readonly retryable = true;
}

/** One provider at work. Exactly one of its methods but `firstResult` ends it. */
export class Try<P> {
  readonly provider: P;
  readonly index: number;
  readonly #name: string;
  readonly #passage: Passage | undefined;
  readonly #failed: (error: ProviderFault, detail: { afterMs: number; delivered: string }) => void;
  readonly #now: () => number;
  readonly #fromMs: number;

  constructor(
    { provider, index, name, passage }: { provider: P; index: number; name: string; passage: Passage | undefined },
    now: () => number,
    failed: (error: ProviderFault, detail: { afterMs: number; delivered: string }) => void,
  ) {
    this.provider = provider;
    this.index = index;
    this.#name = name;
    this.#passage = passage;
    this.#failed = failed;
    this.#now = now;
    this.#fromMs = now();
  }

  firstResult(): void {
    this.#passage?.firstResult();
  }

  succeeded(): void {
    this.#passage?.succeeded();
  }

  /** @param delivered how much of the result had come, for the log */
  failed(error: unknown, delivered: string): void {
    this.#passage?.failed(error);
    this.#failed(asFault(error, this.#name), { afterMs: Math.round(this.#now() - this.#fromMs), delivered });
  }

  left(): void {
    this.#passage?.left();
  }
}

export class Stage<P extends { readonly name: string }> {
  readonly #options: StageOptions<P>;

  /** @throws RangeError when there is no candidate */
  constructor(options: StageOptions<P>) {
    if (options.candidates.length === 0) throw new RangeError(`${options.stage} needs at least one provider`);
    this.#options = options;
  }

  get name(): string {
    return this.#options.candidates.map(({ provider }) => provider.name).join(' > ');
  }

  get candidates(): readonly Candidate<P>[] {
    return this.#options.candidates;
  }

  /**
   * Providers one after another, each once the one before has failed; none after an abort. Where all circuits are open,
   * all are tried nevertheless: nobody else is there. Not for what is speculative: it takes no place that may be wanted.
   * @throws StageExhaustedError after the last
   * @throws NotSparedError where it is speculative, and there is no place to spare
   */
  async *tries(signal: AbortSignal, speculative?: Speculative): AsyncGenerator<Try<P>, undefined> {
    const { stage, candidates } = this.#options;
    const causes: ProviderFault[] = [];
    const closed: number[] = [];
    for (const index of candidates.keys()) {
      const tried =
        (await this.#enterSpare(index, signal, causes, speculative)) ??
        (await this.#enter(index, signal, causes, { force: false }));
      if (signal.aborted) {
        tried?.left();
        return;
      }
      if (tried) yield tried;
      else if (candidates[index]!.gate?.open) closed.push(index);
    }
    for (const index of causes.length === 0 ? closed : []) {
      const tried = await this.#enter(index, signal, causes, { force: true });
      if (signal.aborted) {
        tried?.left();
        return;
      }
      if (tried) yield tried;
    }
    throw new StageExhaustedError(stage, causes);
  }

  /** Undefined where it is no longer speculative, or never was. */
  async #enterSpare(
    index: number,
    signal: AbortSignal,
    causes: ProviderFault[],
    speculative: Speculative | undefined,
  ): Promise<Try<P> | undefined> {
    if (!speculative || speculative.confirmed) return undefined;
    const tried = await this.#enter(index, signal, causes, { spare: true });
    if (!tried && !speculative.confirmed) throw new NotSparedError(`${this.#options.stage} has no place to spare`);
    return tried;
  }

  async #enter(
    index: number,
    signal: AbortSignal,
    causes: ProviderFault[],
    how: { force?: boolean; spare?: boolean },
  ): Promise<Try<P> | undefined> {
    const { stage, now = monotonicMs } = this.#options;
    const { provider, gate } = this.#options.candidates[index]!;
    const entered = await gate?.enter(signal, how);
    if (entered && !(entered instanceof Passage)) {
      if (how.spare) return undefined;
      const { refused: reason, waitedMs } = entered;
      if (!signal.aborted) this.#tell({ type: 'skipped', stage, provider: provider.name, reason, waitedMs });
      return undefined;
    }
    this.#tell({ type: 'tried', stage, provider: provider.name });
    return new Try({ provider, index, name: provider.name, passage: entered }, now, (error, detail) => {
      causes.push(error);
      const { code, retryable, message } = error;
      this.#tell({ type: 'failed', stage, provider: provider.name, code, retryable, message, ...detail });
    });
  }

  #tell(event: StageEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** What a provider throws is a ProviderFault; anything else is a mistake of its code. */
function asFault(error: unknown, provider: string): ProviderFault {
  if (error instanceof Error && 'code' in error && 'retryable' in error) return error as ProviderFault;
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(`${provider}: ${message}`, { cause: error }), {
    code: 'internal_error',
    retryable: false,
  });
}
