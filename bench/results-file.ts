/** Results as JSON, for comparison with those of other days and machines. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Results of one's own machine; those that are kept lie one folder above. */
const LOCAL_RESULTS = new URL('./results/local/', import.meta.url);

export function localResult(name: string): string {
  return fileURLToPath(new URL(name, LOCAL_RESULTS));
}

export async function writeResult(path: string, result: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(result, rounded, 2)}\n`);
}

/** Microseconds and thousandths of a percent are as fine as any figure is. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
