/** A jitter buffer between a sender of numbered packets and a listener that writes down what comes. */
import { JitterBuffer, type JitterBufferOptions, type JitterBufferSink } from '../../media/rtp/jitter-buffer.ts';

/** Samples of a packet of 20 ms at 48 kHz. */
export const FRAME = 960;
export const START_MS = 1_000_000;

/** An Opus packet of 20 ms (SILK, one frame) that carries its number. */
export function opus(number: number): Uint8Array {
  return Uint8Array.of(0x08, number >> 8, number & 255);
}

/** What came out, in words: `p3` packet 3, `l960` lost, `g960` gap, `restart`. */
export class Listener implements JitterBufferSink {
  readonly told: string[] = [];
  readonly payloads: Uint8Array[] = [];
  readonly timestamps: number[] = [];
  samples = 0;

  packet(payload: Uint8Array, rtpTimestamp: number, samples48k: number): void {
    this.told.push(`p${(payload[1]! << 8) | payload[2]!}`);
    this.payloads.push(payload);
    this.timestamps.push(rtpTimestamp);
    this.samples += samples48k;
  }

  lost(samples48k: number, rtpTimestamp: number): void {
    this.told.push(`l${samples48k}`);
    this.timestamps.push(rtpTimestamp);
    this.samples += samples48k;
  }

  gap(samples48k: number): void {
    this.told.push(`g${samples48k}`);
    this.samples += samples48k;
  }

  restart(): void {
    this.told.push('restart');
  }
}

/** A sender of 20 ms packets whose numbers count from 0, and a network that does what the test says. */
export class Line {
  readonly listener = new Listener();
  readonly buffer: JitterBuffer;
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  nowMs = START_MS;

  constructor(firstSequence = 1000, firstTimestamp = 50_000, options: JitterBufferOptions = {}) {
    this.buffer = new JitterBuffer(options, this.listener);
    this.firstSequence = firstSequence;
    this.firstTimestamp = firstTimestamp;
  }

  /** Packets by number; `silence` in samples that the sender has kept to itself before them. */
  arrive(numbers: number | number[], silence = 0): this {
    for (const number of [numbers].flat()) {
      const timestamp = (this.firstTimestamp + number * FRAME + silence) >>> 0;
      this.buffer.push((this.firstSequence + number) & 0xffff, timestamp, opus(number), this.nowMs);
    }
    return this;
  }

  /** Time passes, polled every 5 ms. */
  wait(ms: number): this {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs += 5;
      if (this.buffer.nextDeadlineMs <= this.nowMs) this.buffer.poll(this.nowMs);
    }
    return this;
  }

  get told(): string[] {
    return this.listener.told;
  }
}
