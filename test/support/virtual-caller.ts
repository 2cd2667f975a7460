/** A caller on virtual time: what is said goes as real Opus over a network into the real models. */
import { setImmediate } from 'node:timers/promises';
import { endpointing } from '../../media/agent/agent.ts';
import { CallerAudio } from '../../media/hearing/caller-audio.ts';
import { BrowserOpus } from './browser-opus.ts';
import { RtpHeader } from '../../media/rtp/rtp.ts';
import type { Silero } from '../../media/vad/silero.ts';
import type { TurnEnded } from '../../media/turn/turn-detector.ts';
import { VadBatcher } from '../../media/vad/vad-batcher.ts';

export const CALLER_RATE_HZ = 24_000;
const FRAME_MS = 20;
const FRAME_SAMPLES = (CALLER_RATE_HZ * FRAME_MS) / 1000;
const FRAME_48K = 960;
/** How often the worker polls. */
const TICK_MS = 5;
/** What Chromium does: it goes on for this long after speech, then sends a packet in 400 ms. */
const DTX_AFTER_MS = 200;
const DTX_INTERVAL_MS = 400;

export type Packet = { sentMs: number; sequence: number; timestamp: number; payload: Uint8Array; arrivalMs: number };

/** Where the packets of a caller go: changed, delayed, or (undefined) lost. */
export type Network = (packet: Packet, index: number) => Packet | undefined;

/** What Chromium sends of this sound, with DTX in its silence, from `startMs` on. */
export function chromiumPackets(
  sound: Int16Array,
  startMs = 0,
  first = { sequence: 65_500, timestamp: 4_294_900_000 },
): Packet[] {
  const encoder = new BrowserOpus(CALLER_RATE_HZ);
  const packets: Packet[] = [];
  let { sequence } = first;
  let quietMs = 0;
  for (let frame = 0; (frame + 1) * FRAME_SAMPLES <= sound.length; frame++) {
    const samples = sound.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES);
    const payload = encoder.encode(samples);
    quietMs = samples.every((sample) => Math.abs(sample) < 100) ? quietMs + FRAME_MS : 0;
    if (quietMs > DTX_AFTER_MS && (quietMs - DTX_AFTER_MS) % DTX_INTERVAL_MS !== 0) continue;
    const sentMs = startMs + (frame + 1) * FRAME_MS;
    const timestamp = (first.timestamp + frame * FRAME_48K) >>> 0;
    packets.push({ sentMs, sequence, timestamp, payload, arrivalMs: sentMs });
    sequence = (sequence + 1) & 0xffff;
  }
  return packets;
}

export class VirtualCaller {
  readonly turns: TurnEnded[] = [];
  readonly changes: ('start' | 'end')[] = [];
  readonly faults: unknown[] = [];
  readonly audio: CallerAudio;
  windows = 0;
  nowMs = 0;
  readonly #batcher: VadBatcher;
  readonly #header = new RtpHeader();
  #arriving: Packet[] = [];
  #running = 0;

  constructor(silero: Silero) {
    const run = async (...batch: Parameters<Silero['run']>) => {
      this.#running++;
      await silero.run(...batch);
      this.#running--;
    };
    this.#batcher = new VadBatcher({ run }, this.now, (fault) => this.faults.push(fault));
    this.audio = new CallerAudio({
      endpointing: endpointing.parse({}),
      batcher: this.#batcher,
      now: this.now,
      onVerdictDelay: () => undefined,
      events: {
        onSpeechStarted: () => this.changes.push('start'),
        onSpeechEnded: () => this.changes.push('end'),
        onWindow: () => this.windows++,
        onTurnEnded: (turn) => this.turns.push(turn),
      },
    });
  }

  readonly now = (): number => this.nowMs;

  /** Packets are on their way. */
  send(packets: readonly Packet[], network: Network = (packet) => packet): void {
    const sent = packets.flatMap((packet, index) => network({ ...packet }, index) ?? []);
    this.#arriving = [...this.#arriving, ...sent].toSorted((left, right) => left.arrivalMs - right.arrivalMs);
  }

  /** Lets time pass, the packets arrive, and the model answer. */
  async runUntil(untilMs: number): Promise<void> {
    for (; this.nowMs < untilMs; this.nowMs += TICK_MS) await this.#tick();
  }

  /** The thread stands still; what arrives meanwhile is read after the first poll. */
  async stall(ms: number): Promise<void> {
    this.nowMs += ms;
    this.audio.poll(this.nowMs);
    await this.#tick();
  }

  close(): void {
    this.audio.close();
    this.#batcher.close();
  }

  async #tick(): Promise<void> {
    while (this.#arriving.length > 0 && this.#arriving[0]!.arrivalMs <= this.nowMs) {
      this.#receive(this.#arriving.shift()!);
    }
    this.audio.poll(this.nowMs);
    do await setImmediate();
    while (this.#batcher.waiting > 0 || this.#running > 0);
  }

  #receive({ sequence, timestamp, payload }: Packet): void {
    Object.assign(this.#header, { sequence, timestamp, payloadOffset: 0, payloadEnd: payload.length });
    this.audio.receive(this.#header, Buffer.from(payload), this.nowMs);
  }
}
