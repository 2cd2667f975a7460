/** How long a conversation of an agent may be, and what it does about a caller who says nothing. */
import { z } from 'zod';

const seconds = (value: number, minimum = 3) => z.number().min(minimum).max(3600).default(value);

export const limits = z
  .strictObject({
    /** Longest conversation. */
    sessionMinutes: z
      .number()
      .int()
      .min(1)
      .max(24 * 60)
      .default(60),
    /** So long before its end the caller is told, in the first pause; 0: not. Goodbye is said at the end in any case. */
    warningSeconds: z
      .number()
      .min(0)
      .max(600)
      .refine((value) => value === 0 || value >= 20, 'must be 0, or 20 and more')
      .default(30),
    /** Without it silence is taken for what it is, and the call goes on. */
    idle: z
      .strictObject({
        /** Silence of both sides after which the agent asks whether the caller is still there. */
        askAfterSeconds: seconds(15),
        /** `texts`: the texts `areYouThere`. `model`: the language model finds the words. */
        askBy: z.enum(['texts', 'model']).default('texts'),
        /** How often in a row. 0: not at all. */
        times: z.number().int().min(0).max(10).default(2),
        /** Silence after the last asking, or where nothing is asked at all, after which it says goodbye and ends the call. */
        endAfterSeconds: seconds(15),
      })
      .optional(),
  })
  .prefault({});

export type IdleLimits = NonNullable<z.infer<typeof limits>['idle']>;
