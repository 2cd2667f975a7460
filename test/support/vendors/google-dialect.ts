/** Google's Gemini API, streamed as events. */
import { type Dialect, type ModelReply, type Problem, SERVER_KEY, SERVER_MODEL } from './dialect.ts';
import { data } from './chat-dialect.ts';

export const googleDialect: Dialect = {
  contentType: 'text/event-stream',
  check: ({ url, message }, body) => {
    const found = /^\/v1beta\/models\/([^/:]+):streamGenerateContent$/.exec(url.pathname);
    if (!found || url.searchParams.get('alt') !== 'sse') return { status: 404, message: 'no such path' };
    if (message.headers['x-goog-api-key'] !== SERVER_KEY) return { status: 401, message: 'API key not valid' };
    if (found[1] !== SERVER_MODEL) return { status: 404, message: `models/${found[1]} is not found` };
    return contentsProblem(body);
  },
  pieces: ({ text, calls = [], cutOff }: ModelReply) => [
    ...text.map((part) => candidate([{ text: part }])),
    ...calls.map((call) =>
      candidate([{ functionCall: { id: call.id, name: call.name, args: JSON.parse(call.arguments) as object } }]),
    ),
    candidate([{ text: '' }], cutOff ? 'MAX_TOKENS' : 'STOP'),
  ],
  malformed: 'data: {"candidates":[\n\n',
  refusal: ({ status, message }) => JSON.stringify({ error: { code: status, message, status: 'ERROR' } }),
};

function contentsProblem(body: Record<string, unknown>): Problem | undefined {
  const contents = body['contents'];
  if (!Array.isArray(contents) || contents.length === 0) return { status: 400, message: 'contents is not specified' };
  const roles = (contents as { role: string }[]).map(({ role }) => role);
  if (roles.at(-1) !== 'user') return { status: 400, message: 'the last content must be of the user' };
  return undefined;
}

function candidate(parts: object[], finishReason?: string): string {
  return data({
    candidates: [{ content: { parts, role: 'model' }, index: 0, ...(finishReason && { finishReason }) }],
    ...(finishReason && { usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 5, totalTokenCount: 17 } }),
    modelVersion: SERVER_MODEL,
  });
}
