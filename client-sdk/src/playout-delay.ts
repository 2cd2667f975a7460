import type { StatsEntry } from './statistics.ts';

/** What browsers count from the beginning of a connection: seconds that were waited, and by how many samples. */
type Count = { seconds: number; samples: number };

/**
 * How long it takes from a packet's arrival to its sound: the jitter buffer, and where the browser tells of it the way
 * to the loudspeaker. It is that of the time since the last look, for a buffer adapts to the network. Pure.
 */
export class PlayoutDelay {
  #buffer: Count = { seconds: 0, samples: 0 };
  #output: Count = { seconds: 0, samples: 0 };
  #bufferMs: number | undefined;
  #outputMs = 0;

  /** @param received statistics of the connection that carries the agent's voice @returns ms; undefined: not known yet */
  look(received: readonly StatsEntry[]): number | undefined {
    const inbound = received.find((entry) => entry.type === 'inbound-rtp');
    const buffer = countOf(inbound, 'jitterBufferDelay', 'jitterBufferEmittedCount');
    const output = countOf(
      received.find((entry) => entry.type === 'media-playout'),
      'totalPlayoutDelay',
      'totalSamplesCount',
    );
    if (buffer) {
      this.#bufferMs = since(this.#buffer, buffer) ?? this.#bufferMs;
      this.#buffer = buffer;
    }
    if (output) {
      this.#outputMs = since(this.#output, output) ?? this.#outputMs;
      this.#output = output;
    }
    return this.#bufferMs === undefined ? undefined : this.#bufferMs + this.#outputMs;
  }
}

function countOf(entry: StatsEntry | undefined, secondsName: string, samplesName: string): Count | undefined {
  const seconds = entry?.[secondsName];
  const samples = entry?.[samplesName];
  return typeof seconds === 'number' && typeof samples === 'number' ? { seconds, samples } : undefined;
}

/** @returns ms a sample, on average; undefined where there was none */
function since(before: Count, now: Count): number | undefined {
  // Counts that fall are those of another connection.
  const from = now.samples < before.samples || now.seconds < before.seconds ? { seconds: 0, samples: 0 } : before;
  const samples = now.samples - from.samples;
  return samples > 0 ? ((now.seconds - from.seconds) / samples) * 1000 : undefined;
}
