import { expect } from 'chai';
import { endpointing } from '../../../media/agent/agent.ts';
import { FrameAssembler } from '../../../media/vad/frame.ts';
import { JitterBuffer } from '../../../media/rtp/jitter-buffer.ts';
import { SpeechDetector } from '../../../media/vad/speech-detector.ts';
import { TurnDetector, type TurnEnded } from '../../../media/turn/turn-detector.ts';

const FRAME_MS = 20;
const FRAME = 960;
const TICK_MS = 5;
const START_MS = 1_000_000;
const LOUD = 8000;
const VERDICT_MS = 3;

/**
 * From packets to turns, with everything that is pure in between. The decoder is an ear that hears loud or quiet from
 * the packet's second byte; the model answers 3 ms after a window, as the worker's does.
 */
class Ear {
  readonly turns: TurnEnded[] = [];
  readonly changes: [string, number][] = [];
  readonly jitter = new JitterBuffer(
    {},
    {
      packet: (payload, rtpTimestamp) => this.#decoded(payload[1] === 1, rtpTimestamp),
      lost: (samples48k, rtpTimestamp) => {
        for (let at = 0; at < samples48k; at += FRAME) this.#concealed((rtpTimestamp + at) >>> 0);
      },
      gap: (samples48k) => this.#frames.gap(samples48k),
      restart: () => this.#frames.restart(this.nowMs),
    },
  );
  nowMs = START_MS;
  readonly #speech = new SpeechDetector(endpointing.parse({}));
  readonly #turnDetector = new TurnDetector(endpointing.parse({}));
  readonly #frames = new FrameAssembler({ onWindow: (window, endMs) => this.#judge(window, endMs) });
  readonly #verdicts: { dueMs: number; probability: number; endMs: number }[] = [];
  #lastLoud = false;

  tick(): void {
    while ((this.#verdicts[0]?.dueMs ?? Infinity) <= this.nowMs) this.#verdict();
    if (this.jitter.nextDeadlineMs <= this.nowMs) this.jitter.poll(this.nowMs);
    // Packets that wait behind a gap show that the caller is not silent.
    if (this.jitter.heldPackets === 0 && this.#frames.nextDeadlineMs <= this.nowMs) this.#frames.advance(this.nowMs);
    const turn = this.#turnDetector.poll(this.nowMs);
    if (turn) this.turns.push(turn);
  }

  #decoded(loud: boolean, rtpTimestamp: number): void {
    this.#lastLoud = loud;
    this.#frames.pcm(new Int16Array(320).fill(loud ? LOUD : 0), rtpTimestamp, this.nowMs);
  }

  #concealed(rtpTimestamp: number): void {
    this.#frames.concealed(new Int16Array(320).fill(this.#lastLoud ? LOUD : 0), rtpTimestamp, this.nowMs);
  }

  #judge(window: Float32Array, endMs: number): void {
    const loud = window.filter((sample) => sample !== 0).length;
    this.#verdicts.push({ dueMs: this.nowMs + VERDICT_MS, probability: loud / window.length, endMs });
  }

  #verdict(): void {
    const { probability, endMs } = this.#verdicts.shift()!;
    const change = this.#speech.push(probability, endMs);
    if (change) this.changes.push([change, this.nowMs - START_MS]);
    if (change === 'start') this.#turnDetector.speechStarted(this.#speech.speechStartMs, this.nowMs);
    if (this.#speech.speaking) this.#turnDetector.speechActive(this.#speech.lastSpeechMs, this.nowMs);
  }
}

type Packet = { sequence: number; timestamp: number; loud: boolean; arrivalMs: number };
type Network = (packet: Packet, number: number) => Packet | undefined;

/** What Chromium sends of speech from 1 s to `untilMs`: all of it, 200 ms after it, then one packet in 400 ms. */
function* chromium(speech: [number, number][], lengthMs: number): Iterable<Packet> {
  let sequence = 65_500;
  for (let ms = 0; ms < lengthMs; ms += FRAME_MS) {
    const loud = speech.some(([fromMs, toMs]) => ms >= fromMs && ms < toMs);
    const near = speech.some(([fromMs, toMs]) => ms >= fromMs && ms < toMs + 200);
    if (!near && ms % 400 !== 0) continue;
    const timestamp = (2 ** 32 - 20_000 + ms * 48) >>> 0;
    yield { sequence: sequence++ & 0xffff, timestamp, loud, arrivalMs: START_MS + ms + FRAME_MS };
  }
}

/** Lets the packets through a network into an ear, whose thread stands still in `stall`. */
function hear(packets: Iterable<Packet>, network: Network = (packet) => packet, stall: [number, number] = [0, 0]): Ear {
  const ear = new Ear();
  const queue = [...packets].map(network).filter((packet) => packet !== undefined);
  queue.sort((one, other) => one.arrivalMs - other.arrivalMs);
  const endMs = queue.at(-1)!.arrivalMs + 2000;
  for (; ear.nowMs < endMs; ear.nowMs += TICK_MS) {
    const ms = ear.nowMs - START_MS;
    if (ms >= stall[0] && ms < stall[1]) continue;
    // Timers run before sockets are read.
    ear.tick();
    while ((queue[0]?.arrivalMs ?? Infinity) <= ear.nowMs) {
      const { sequence, timestamp, loud } = queue.shift()!;
      ear.jitter.push(sequence, timestamp, Uint8Array.of(0x08, loud ? 1 : 0), ear.nowMs);
    }
  }
  return ear;
}

/** Expects the turns, in ms after the start, to within two windows. */
function expectTurns(ear: Ear, expected: [number, number][], toleranceMs = 64): void {
  const turns = ear.turns.map(({ startMs, endOfSpeechMs }) => [startMs - START_MS, endOfSpeechMs - START_MS]);
  expect(turns, JSON.stringify(turns)).to.have.lengthOf(expected.length);
  for (const [index, [startMs, endMs]] of expected.entries()) {
    expect(turns[index]![0]).to.be.closeTo(startMs, toleranceMs);
    expect(turns[index]![1]).to.be.closeTo(endMs, toleranceMs);
  }
}

const SPEECH: [number, number][] = [
  [1000, 3100],
  [7000, 8000],
];

describe('From packets to turns', () => {
  it('hears two turns through the silences of Chromium, each over 550 ms after its end', () => {
    const ear = hear(chromium(SPEECH, 10_000));
    expectTurns(ear, SPEECH, 32);
    for (const turn of ear.turns) expect(turn.endpointingMs).to.be.within(550, 555);
    expect(ear.changes.map(([change]) => change)).to.deep.equal(['start', 'end', 'start', 'end']);
    expect(ear.changes[0]![1]).to.be.within(1096, 1096 + 32 + FRAME_MS + TICK_MS);
  });

  it('hears them through jitter of 40 ms and packets that overtake each other', () => {
    const ear = hear(chromium(SPEECH, 10_000), (packet, number) => ({
      ...packet,
      arrivalMs: packet.arrivalMs + ((number * 11) % 41),
    }));
    expect(ear.jitter.statistics.reordered).to.be.above(10);
    expect(ear.jitter.statistics).to.include({ lost: 0, late: 0 });
    expectTurns(ear, SPEECH);
  });

  it('hears them through 10 % of loss', () => {
    const ear = hear(chromium(SPEECH, 10_000), (packet, number) => ((number * 48_271) % 10 === 3 ? undefined : packet));
    expect(ear.jitter.statistics.lost).to.be.above(10);
    expectTurns(ear, SPEECH);
  });

  it('hears one turn where packets were sent again 55 ms later', () => {
    const ear = hear(chromium(SPEECH, 10_000), (packet, number) =>
      number % 7 === 0 ? { ...packet, arrivalMs: packet.arrivalMs + 75 } : packet,
    );
    expect(ear.jitter.statistics).to.include({ lost: 0, late: 0 });
    expectTurns(ear, SPEECH);
  });

  it('hears one turn where the sender restarts in the middle of it', () => {
    const ear = hear(chromium(SPEECH, 10_000), (packet) =>
      packet.arrivalMs < START_MS + 2000
        ? packet
        : { ...packet, sequence: (packet.sequence + 20_000) & 0xffff, timestamp: (packet.timestamp + 2 ** 31) >>> 0 },
    );
    expect(ear.jitter.statistics.restarts).to.equal(1);
    expectTurns(ear, SPEECH);
  });

  it('hears one turn where the thread stands still in the middle of it', () => {
    for (const stallMs of [300, 700, 1500]) {
      expectTurns(hear(chromium(SPEECH, 10_000), undefined, [1500, 1500 + stallMs]), SPEECH);
    }
  });

  it('ends the turn of a caller who has gone', () => {
    const ear = hear(chromium([[1000, 3100]], 3100));
    expectTurns(ear, [[1000, 3100]], 32);
    expect(ear.turns[0]!.endpointingMs).to.be.within(550, 555);
  });
});
