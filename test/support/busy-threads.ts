/**
 * A process that ends one thread after another while each is busy in native code, and says how many it has ended. It is a
 * process of its own since what goes wrong here ends the process.
 *
 *   node busy-threads.ts decode|encode|judge|load TIMES
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { setTimeout as pause } from 'node:timers/promises';
import { OpusDecoder, OpusEncoder } from '../../media/audio/opus.ts';
import {
  createNativeMarks,
  endOutsideNative,
  useNativeMarks,
  type NativeMarks,
} from '../../media/runtime/native-calls.ts';
import { Silero, sileroModelPath, SileroStream, WINDOW_SAMPLES } from '../../media/vad/silero.ts';

type Task = 'decode' | 'encode' | 'judge' | 'load';

const tasks: Record<Task, () => Promise<void> | void> = {
  encode: () => {
    const encoder = new OpusEncoder(24_000);
    for (const frame = new Int16Array(480).fill(1000); ;) encoder.encode(frame);
  },
  decode: () => {
    const decoder = new OpusDecoder(16_000);
    for (const packet = new OpusEncoder(24_000).encode(new Int16Array(480).fill(1000)); ;) decoder.decode(packet);
  },
  judge: async () => {
    const model = await Silero.load(sileroModelPath());
    const streams = [new SileroStream()];
    const [windows, probabilities] = [new Float32Array(WINDOW_SAMPLES), new Float32Array(1)];
    for (;;) await model.run(streams, windows, 1, probabilities);
  },
  load: async () => {
    for (;;) await Silero.load(sileroModelPath());
  },
};

if (isMainThread) await endThreads(process.argv[2] as Task, Number(process.argv[3]));
else await work(workerData as { task: Task; marks: NativeMarks });

async function endThreads(task: Task, times: number): Promise<void> {
  for (let ended = 0; ended < times; ended++) {
    const marks = createNativeMarks();
    const thread = new Worker(import.meta.filename, { workerData: { task, marks } });
    await new Promise((resolve) => thread.once('message', resolve));
    await pause(30 + 10 * ended);
    await endOutsideNative(thread, marks);
  }
  process.stdout.write(`ended ${times}\n`);
}

async function work({ task, marks }: { task: Task; marks: NativeMarks }): Promise<void> {
  useNativeMarks(marks);
  parentPort!.postMessage('begins');
  await tasks[task]();
}
