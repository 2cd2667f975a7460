/** What scripted callers say: a packet every 20 ms while one speaks, one in 400 ms while not, as a browser with DTX. */
import { randomInt } from 'node:crypto';

/** 20 ms of digital silence: CELT, full band, mono, with the silence flag (RFC 6716 §4.3). */
const SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);
const FRAME_MS = 20;
const SILENT_FRAMES_PER_PACKET = 20;
const SAMPLES_PER_FRAME = 960;
/** One who was kept from sending for longer leaves the frames out. */
const LONGEST_BURST = 3;
const TICK_MS = 10;

export type SendFrame = (payload: Uint8Array, timestamp: number, marker: boolean) => void;

export class SpeechLine {
  readonly #send: SendFrame;
  readonly #startMs: number;
  readonly #firstTimestamp = randomInt(2 ** 32 - 1);
  #frame = 0;
  #speech: readonly Uint8Array[] = [];
  #spoken = 0;
  #again = false;
  #done: (() => void) | undefined;

  /** @param nowMs monotonic, as in `tick` */
  constructor(send: SendFrame, nowMs: number) {
    this.#send = send;
    this.#startMs = nowMs;
  }

  /** Says these packets of 20 ms each, in place of what was being said. Resolves when the last one has left. */
  say(packets: readonly Uint8Array[]): Promise<void> {
    return this.#begin(packets, false);
  }

  /** Says them over and over. */
  sayForever(packets: readonly Uint8Array[]): void {
    void this.#begin(packets, true);
  }

  stop(): void {
    void this.#begin([], false);
  }

  /** Sends what is due. */
  tick(nowMs: number): void {
    const due = Math.floor((nowMs - this.#startMs) / FRAME_MS);
    this.#frame = Math.max(this.#frame, due - LONGEST_BURST);
    for (; this.#frame < due; this.#frame++) this.#sendFrame();
  }

  #begin(packets: readonly Uint8Array[], again: boolean): Promise<void> {
    this.#done?.();
    this.#speech = packets;
    this.#spoken = 0;
    this.#again = again;
    return new Promise((resolve) => {
      this.#done = resolve;
      if (packets.length === 0) resolve();
    });
  }

  #sendFrame(): void {
    const timestamp = (this.#firstTimestamp + this.#frame * SAMPLES_PER_FRAME) >>> 0;
    const payload = this.#speech[this.#spoken];
    if (payload) this.#send(payload, timestamp, this.#spoken === 0);
    else if (this.#frame % SILENT_FRAMES_PER_PACKET === 0) this.#send(SILENCE, timestamp, false);
    if (!payload) return;
    this.#spoken++;
    if (this.#spoken < this.#speech.length) return;
    if (this.#again) this.#spoken = 0;
    else this.stop();
  }
}

const ticks = new Set<(nowMs: number) => void>();
let timer: NodeJS.Timeout | undefined;

/**
 * One timer for all callers of a process: one each would cost more than what they send.
 * @param tick called every 10 ms with the monotonic time
 * @returns ends it
 */
export function onEachTick(tick: (nowMs: number) => void): () => void {
  ticks.add(tick);
  timer ??= setInterval(() => {
    const nowMs = performance.now();
    for (const each of ticks) each(nowMs);
  }, TICK_MS);
  return () => {
    ticks.delete(tick);
    if (ticks.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
