/**
 * Local servers of language models: one for each dialect that vendors speak over HTTP. Each refuses what its vendor would
 * refuse (key, path, version, a model it does not have, messages in a wrong order) and streams what it was told to say.
 */
import { anthropicDialect } from './anthropic-dialect.ts';
import { bedrockDialect } from './bedrock-dialect.ts';
import { chatDialect } from './chat-dialect.ts';
import { googleDialect } from './google-dialect.ts';
import { responsesDialect } from './responses-dialect.ts';
import type { Dialect, ModelReply, Problem } from './dialect.ts';
import { type VendorRequest, VendorServer } from './vendor-server.ts';

export const DIALECTS = {
  openai: responsesDialect('/v1/responses'),
  cerebras: chatDialect('/v1/chat/completions'),
  groq: chatDialect('/openai/v1/chat/completions', 'x_groq'),
  compatible: chatDialect('/v1/chat/completions'),
  google: googleDialect,
  anthropic: anthropicDialect,
  bedrock: bedrockDialect,
} as const satisfies Record<string, Dialect>;

/**
 * Starts the server of a dialect. What it is to say may be changed at any time; it is what requests are answered with from
 * then on. With several replies each is the answer to one request, and the last to all that follow. `answer` has what it
 * says depend on what it is asked: a request that is tried again is answered as the one before.
 */
export async function startLanguageModel(
  dialect: Dialect,
  address?: string,
): Promise<{
  server: VendorServer;
  say: (...replies: [ModelReply, ...ModelReply[]]) => void;
  answer: (reply: (body: string) => ModelReply) => void;
}> {
  let next = (_body: string): ModelReply => ({ text: ['Hello', ' there.'] });
  const server = await VendorServer.start({
    address,
    refusal: (status, message) => dialect.refusal({ status, message }),
    handle: (request) => {
      const problem = problemOf(dialect, request);
      if (problem) return { status: problem.status, body: dialect.refusal(problem) };
      const pieces = dialect.pieces(next(request.body.toString()));
      return { contentType: dialect.contentType, pieces, malformed: dialect.malformed };
    },
  });
  return {
    server,
    say: (...replies) => {
      next = () => (replies.length > 1 ? replies.shift() : replies[0])!;
    },
    answer: (reply) => void (next = reply),
  };
}

function problemOf(dialect: Dialect, request: VendorRequest): Problem | undefined {
  if (request.message.method !== 'POST') return { status: 405, message: 'only POST' };
  if (!request.message.headers['content-type']?.startsWith('application/json')) {
    return { status: 415, message: 'the content type must be application/json' };
  }
  try {
    return dialect.check(request, JSON.parse(request.body.toString()) as Record<string, unknown>);
  } catch {
    return { status: 400, message: 'the body is no JSON' };
  }
}
