/** What is nested thousands deep can be read, but not be written again; what has thousands of parts takes far more memory than text. */

/** Most levels of objects and lists in what integrators give a session along, and in what other pods say of one. */
export const MOST_LEVELS = 32;
/** Most values in it, objects and lists among them. An empty list takes two bytes to send, and forty of memory for an hour. */
export const MOST_VALUES = 2_000;

/** Level by level, since neither recursion nor `JSON.stringify` would survive what this is to find. */
export const isTooBig = (value: unknown): boolean => {
  let level: unknown[] = [value];
  let values = 0;
  for (let depth = 0; depth <= MOST_LEVELS; depth++) {
    level = level.flatMap((item): unknown[] => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
    values += level.length;
    if (values > MOST_VALUES) return true;
  }
  return true;
};
