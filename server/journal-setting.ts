import { resolve } from 'node:path';
import { z } from 'zod';

/** Where journals of calls are written. */
export const journalFolder = {
  schema: z
    .string()
    .min(1)
    .transform((folder) => resolve(folder)),
  allowed: 'a folder; it is created where it is missing',
  meaning: 'Where calls of agents with `journal: true` are written down. Off: they are not.',
};
