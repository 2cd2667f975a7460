/** Checks what comes in and what goes out by the same schemas that describe the API. */
import type { Context } from 'koa';
import type { z } from 'zod';
import { HttpFailure } from './http-failure.ts';

/** @throws {HttpFailure} 400 naming each field that is wrong. */
export const accept = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 10).map(({ path, message }) => {
    const field = path.map(String).join('.');
    return field === '' ? message : `${field}: ${message}`;
  });
  throw new HttpFailure(400, 'invalid_request', problems.join('; '));
};

/** Answers with exactly what the schema describes; a value that does not fit is the server's fault. */
export const reply = <Schema extends z.ZodType>(
  ctx: Context,
  status: number,
  schema: Schema,
  value: z.input<Schema>,
): void => {
  ctx.status = status;
  ctx.body = schema.parse(value);
};
