/** Counts what a process keeps: memory after a collection, and whatever would keep it from ending. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of the heap that are in use by what can still be reached. */
export async function heapInUse(): Promise<number> {
  // What is freed by one collection may free more at the next: finalizers run in between.
  for (let n = 0; n < 4; n++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

/** Timers, sockets and requests that are open, by kind. */
export function openHandles(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length;
}
