/**
 * When a thread is in native code that must not be cut off. Ending a thread (`Worker.terminate`) in the midst of a call into
 * Opus or onnxruntime makes the next step of that call fail in a way that neither library expects, and the whole process
 * ends (SIGSEGV and SIGABRT: @evan/opus 1.0, onnxruntime-node 1.30). So a thread marks these calls, and whoever ends it waits
 * until it is in none, and keeps it from the next.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** Two numbers in shared memory: whether the thread is in such a call, and whether it is to be ended. */
export type NativeMarks = Int32Array;

const INSIDE = 0;
const DOOMED = 1;
const LOOK_EVERY_MS = 2;
/** A call takes milliseconds, and loading a model a second; a call that takes this long will not return. */
const PATIENCE_MS = 10_000;

export function createNativeMarks(): NativeMarks {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Of this thread. Those of the main thread and of tests, which nobody ends, are nobody else's. */
let marks = createNativeMarks();

/** Called once, when a thread starts. */
export function useNativeMarks(shared: NativeMarks): void {
  marks = shared;
}

/** Before each call; `leaveNative` follows in any case. Does not nest. Does not return where the thread is to be ended. */
export function enterNative(): void {
  Atomics.store(marks, INSIDE, 1);
  if (Atomics.load(marks, DOOMED) === 1) awaitEnd();
}

export function leaveNative(): void {
  Atomics.store(marks, INSIDE, 0);
  if (Atomics.load(marks, DOOMED) === 1) awaitEnd();
}

function awaitEnd(): void {
  Atomics.store(marks, INSIDE, 0);
  Atomics.wait(marks, DOOMED, 1);
}

/** Ends a thread as soon as it is in no such call. Resolves when it is gone. */
export async function endOutsideNative(
  thread: { terminate(): Promise<number> },
  of: NativeMarks,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  // First this, then the look: a thread that enters in between sees that it may not.
  Atomics.store(of, DOOMED, 1);
  const untilMs = performance.now() + patienceMs;
  while (Atomics.load(of, INSIDE) === 1 && performance.now() < untilMs) await pause(LOOK_EVERY_MS);
  await thread.terminate();
}
