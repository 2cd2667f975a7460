import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { StartError } from './http-server.ts';

/** Where journals of calls are written. */
export const journalFolder = {
  schema: z
    .string()
    .min(1)
    .transform((folder) => resolve(folder)),
  allowed: 'a folder; it is created where it is missing',
  meaning: 'Where calls of agents with `journal: true` are written down. Off: they are not.',
};

/** @throws {StartError} where journals could not be written: better told now than in the middle of a call */
export const prepareJournalFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const problem = `JOURNAL_DIR=${folder}: cannot be written (${code}). Set it to a folder that this user may write.`;
    throw new StartError(problem, { cause: error });
  }
};
