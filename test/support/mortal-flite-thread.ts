/**
 * flite's thread, but mortal: it exits on the clause "die", and on "die once" for as long as there is no file at the
 * path that the query of its URL names.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { FliteRequest } from '../../media/providers/flite-thread.ts';

const marker = new URL(import.meta.url).searchParams.get('marker') ?? '';

parentPort!.on('message', ({ text }: FliteRequest) => {
  if (text === 'die') process.exit(7);
  if (text === 'die once' && !existsSync(marker)) {
    writeFileSync(marker, '');
    process.exit(7);
  }
});
await import('../../media/providers/flite-thread.ts');
