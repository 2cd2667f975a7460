/** What the observed voice worker is asked, and what it answers. */
import { BroadcastChannel } from 'node:worker_threads';

/** Name of the channel between the measurement and the thread. */
export const OBSERVATIONS = 'parley-bench-observations';
/** Key of the thread's environment under which its voice finds what to speak. */
export const AGENT_SPEECH_KEY = 'parley-bench-agent-speech';
/** Typed text that makes an agent speak until the measurement ends. */
export const SPEAK_ON = 'Speak on';

export type AgentSpeech = { samples: Int16Array; sampleRateHz: 24_000 | 48_000; seconds: number };

type Spread = { p50: number; p99: number; max: number };

/** Since the last `reset`, but for the CPU time. */
export type Observations = {
  /** CPU time of the thread since its start. */
  cpuMs: number;
  /** From when a packet was due at its sender to when the voice worker took it. */
  transitMs: Spread;
  /** From when the last packet of a window was decoded to the window's verdict. */
  queuedToVerdictMs: Spread;
  /** From when the last packet of a window was due at its sender to the window's verdict. */
  dueToVerdictMs: Spread;
  loopDelayP99Ms: number;
  collections: { count: number; totalMs: number; longestMs: number };
};

export type LiveMemory = { heapBytes: number; externalBytes: number; arrayBufferBytes: number };

export type ToObserver = { id: number } & (
  | { ask: 'reset' | 'observations' | 'live-memory' | 'start-profile' }
  | { ask: 'stop-profile'; cpuFile: string; heapFile: string }
);

/** The measurement's end of the channel. */
export class Observer {
  readonly #channel = new BroadcastChannel(OBSERVATIONS);
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #nextId = 1;

  constructor() {
    this.#channel.onmessage = (event) => {
      const { id, answer } = (event as { data: { id: number; answer: unknown } }).data;
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    };
  }

  reset(): Promise<void> {
    return this.#ask({ ask: 'reset' }) as Promise<void>;
  }

  observations(): Promise<Observations> {
    return this.#ask({ ask: 'observations' }) as Promise<Observations>;
  }

  liveMemory(): Promise<LiveMemory> {
    return this.#ask({ ask: 'live-memory' }) as Promise<LiveMemory>;
  }

  startProfile(): Promise<void> {
    return this.#ask({ ask: 'start-profile' }) as Promise<void>;
  }

  stopProfile(cpuFile: string, heapFile: string): Promise<void> {
    return this.#ask({ ask: 'stop-profile', cpuFile, heapFile }) as Promise<void>;
  }

  close(): void {
    this.#channel.close();
  }

  #ask(question: { ask: ToObserver['ask']; cpuFile?: string; heapFile?: string }): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#channel.postMessage({ id, ...question });
    });
  }
}
