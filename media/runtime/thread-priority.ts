/** The place of a thread among those that want the same core. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';

/** A thread with this gets a tenth of what one with 0 gets, and gives way to it at once when it wakes. */
const LOW = 10;

/**
 * Puts the calling thread behind the process's others. For work that takes long and may wait: what wakes every 5 ms to send
 * packets would otherwise wait for its share of the time to be over. Linux alone gives threads a priority of their own;
 * elsewhere nothing happens.
 */
export function yieldToOtherThreads(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), LOW);
  } catch {
    // No Linux, or it is not allowed: it works all the same, with packets a little later.
  }
}
