/** Where signalling meets media: the composition root is handed one of these. */
import type { CallControl, CallObserver } from '../signalling/call-control.ts';
import type { Agents } from './agents.ts';
import type { Config } from './config.ts';
import type { GaugeSource } from './metrics.ts';
import type { Log } from '../signalling/log.ts';

/** The live media of this process. */
export type Calls = CallControl & {
  /** Tells `observer` everything from now on. Called once, before the first join. */
  observe(observer: CallObserver): void;
  /** Calls that hold a browser's media. */
  readonly peerConnections: number;
  /** Numbers worth watching: late packets, kernel drops, restarts of workers. */
  readonly gauges: readonly GaugeSource[];
  /** Ends all calls, then voice workers, then media workers. Idempotent. */
  close(): Promise<void>;
};

export type CreateCalls = (parts: { config: Config; agents: Agents; log: Log }) => Promise<Calls>;

/** Builds the media side: media workers, voice workers, and the registry of calls. */
export const createCalls: CreateCalls = async () => {
  throw new Error('The media side is not connected yet.');
};
