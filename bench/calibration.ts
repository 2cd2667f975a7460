/**
 * What the two dearest steps cost on this machine at this moment, so that figures of different machines, or of one that
 * others use as well, can be compared. A program of its own: it prints JSON and ends.
 */
import { OpusDecoder } from '../media/audio/opus.ts';
import { Silero, sileroModelPath, SileroStream, WINDOW_SAMPLES } from '../media/vad/silero.ts';
import { speechLoops } from './speech-packets.ts';

/** CPU time in µs. */
export type Calibration = { decodeUs: number; windowUs: number };

const BATCH = 16;
const BATCHES = 400;
const PACKETS = 20_000;

const cpuUs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

async function calibrate(): Promise<Calibration> {
  const loop = (await speechLoops())[0]!;
  const decoder = new OpusDecoder(16_000);
  const silero = await Silero.load(sileroModelPath());
  const streams = Array.from({ length: BATCH }, () => new SileroStream());
  const windows = Float32Array.from({ length: BATCH * WINDOW_SAMPLES }, (_, index) => Math.sin(index / 7) / 4);
  const probabilities = new Float32Array(BATCH);
  const beforeDecoding = cpuUs();
  for (let packet = 0; packet < PACKETS; packet++) decoder.decode(loop[packet % loop.length]!);
  const beforeJudging = cpuUs();
  for (let batch = 0; batch < BATCHES; batch++) await silero.run(streams, windows, BATCH, probabilities);
  const end = cpuUs();
  await silero.close();
  return {
    decodeUs: (beforeJudging - beforeDecoding) / PACKETS,
    windowUs: (end - beforeJudging) / (BATCHES * BATCH),
  };
}

console.log(JSON.stringify(await calibrate()));
