/** Inputs that are kept: well-formed ones to begin with, and every one that was ever found to break something. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'corpus');

/** In the order of their names, which have no ending: what they hold is any bytes. */
export function readCorpus(target: string, folder = FOLDER): Buffer[] {
  const own = join(folder, target);
  try {
    return readdirSync(own)
      .toSorted()
      .map((name) => readFileSync(join(own, name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** @returns the path of the file */
export function keepInCorpus(target: string, kind: string, input: Buffer, folder = FOLDER): string {
  const own = join(folder, target);
  mkdirSync(own, { recursive: true });
  const path = join(own, `${kind}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
}
