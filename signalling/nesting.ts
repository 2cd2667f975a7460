/** What is nested thousands deep can be read, but not be written again. */

/** Most levels of objects and lists in what integrators give a session along, and in what other pods say of one. */
export const MOST_LEVELS = 32;

/** Level by level, since neither recursion nor `JSON.stringify` would survive what this is to find. */
export const isDeeperThan = (value: unknown, levels: number): boolean => {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= levels; depth++) {
    level = level.flatMap((item): unknown[] => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
};
