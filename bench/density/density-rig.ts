/** A measured server on one core and its callers on another, and stretches of time in which both are read. */
import { setTimeout as pause } from 'node:timers/promises';
import { Callers } from '../callers/callers.ts';
import type { Arrivals, CallersReport } from '../callers/messages.ts';
import { CONVERSATION } from '../callers/talk-pattern.ts';
import { loadAverage } from '../machine.ts';
import { stretchOf, type Reading, type Stretch } from './density-figures.ts';
import { DensityTarget } from './density-target.ts';

const SERVER_CORE = 0;
const CALLERS_CORE = 1;
/** Calls that are set up at the same time would be another measurement. */
const ARRIVALS_PER_SECOND = 10;
const PATIENCE_MS = 5000;

export class DensityRig {
  readonly target: DensityTarget;
  readonly callers: Callers;
  #calls = 0;

  private constructor(target: DensityTarget, callers: Callers) {
    this.target = target;
    this.callers = callers;
  }

  /** @param environment settings of the server beside those of `DensityTarget` */
  static async start(environment: Record<string, string> = {}): Promise<DensityRig> {
    const callers = await Callers.launch({ core: CALLERS_CORE });
    try {
      return new DensityRig(await DensityTarget.start(SERVER_CORE, environment), callers);
    } catch (error) {
      await callers.close();
      throw error;
    }
  }

  get calls(): number {
    return this.#calls;
  }

  /** Has callers come or go until there are so many. @returns how many there are */
  async bringTo(calls: number, agent = 'conversation'): Promise<number> {
    const more = calls - this.#calls;
    const takesMs = (Math.abs(more) / ARRIVALS_PER_SECOND) * 1000;
    if (more < 0) {
      this.callers.leave(-more, ARRIVALS_PER_SECOND);
      await pause(takesMs);
      this.#calls = calls;
    } else {
      this.arrive({ calls: more, perSecond: ARRIVALS_PER_SECOND, session: { agent } });
      this.#calls = await this.callers.standing(calls, takesMs * 2 + PATIENCE_MS);
    }
    return this.#calls;
  }

  arrive(arrivals: Omit<Arrivals, 'url' | 'pattern'>): void {
    this.callers.arrive({ url: this.target.url, pattern: CONVERSATION, seed: this.#calls + 1, ...arrivals });
  }

  async stretch(seconds: number): Promise<Stretch> {
    return (await this.stretchWithReport(seconds)).stretch;
  }

  async stretchWithReport(seconds: number): Promise<{ stretch: Stretch; report: CallersReport }> {
    const { target, callers } = this;
    await Promise.all([callers.report(), target.ask({ ask: 'reset' })]);
    const before = await this.#read();
    await pause(seconds * 1000);
    const report = await callers.report();
    const [observed, after] = await Promise.all([target.ask({ ask: 'observations' }), this.#read()]);
    const stretch = stretchOf({ calls: report.live, load: loadAverage(), before, after, observed, report });
    return { stretch, report };
  }

  /** Resident bytes of all processes, and what is in use in the voice worker. */
  async memory(): Promise<{ calls: number; serverBytes: number; mediaWorkerBytes: number; voiceWorkerBytes: number }> {
    const { heapBytes, externalBytes, arrayBufferBytes } = await this.target.ask({ ask: 'live-memory' });
    const { server, mediaWorkers } = await this.target.memory();
    return {
      calls: this.#calls,
      serverBytes: server,
      mediaWorkerBytes: mediaWorkers,
      voiceWorkerBytes: heapBytes + externalBytes + arrayBufferBytes,
    };
  }

  async close(): Promise<void> {
    await this.callers.close();
    await this.target.close();
  }

  async #read(): Promise<Reading> {
    const [cpu, { statistics }] = await Promise.all([this.target.cpu(), this.target.ask({ ask: 'observations' })]);
    return { cpu, statistics: statistics[0] };
  }
}
