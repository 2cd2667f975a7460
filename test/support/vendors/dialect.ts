/** What one vendor's way of speaking over HTTP consists of, for the local servers of language models. */
import type { VendorRequest } from './vendor-server.ts';

export const SERVER_KEY = 'vendor-key';
export const SERVER_MODEL = 'test-model-1';

/** What the model says: text in the pieces it comes in, then calls of tools, their arguments as JSON text. */
export type ModelReply = {
  text: readonly string[];
  calls?: readonly { id: string; name: string; arguments: string }[];
  /** Says that it was cut off at the most tokens allowed. */
  cutOff?: boolean;
};

export type Problem = { status: number; message: string; code?: string };

export type Dialect = {
  contentType: string;
  /** Why the vendor would refuse this request; undefined where it would not. */
  check: (request: VendorRequest, body: Record<string, unknown>) => Problem | undefined;
  pieces: (reply: ModelReply) => (string | Buffer)[];
  malformed: string | Buffer;
  refusal: (problem: Problem) => string;
};

export function bearerProblem({ message }: VendorRequest): Problem | undefined {
  if (message.headers.authorization === `Bearer ${SERVER_KEY}`) return undefined;
  return { status: 401, message: 'Incorrect API key provided', code: 'invalid_api_key' };
}
