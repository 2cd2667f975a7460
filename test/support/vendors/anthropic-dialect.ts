/** Anthropic's messages API, streamed. */
import { type Dialect, type ModelReply, type Problem, SERVER_KEY, SERVER_MODEL } from './dialect.ts';

/** More than any of its models may be asked for in one spoken turn: a client that forgot to set it sends 128,000. */
const MOST_TOKENS = 32_000;

export const anthropicDialect: Dialect = {
  contentType: 'text/event-stream',
  check: ({ url, message: { headers } }, body) => {
    if (url.pathname !== '/v1/messages') return { status: 404, message: 'Not Found' };
    if (headers['x-api-key'] !== SERVER_KEY) return { status: 401, message: 'invalid x-api-key' };
    if (headers['anthropic-version'] !== '2023-06-01') return { status: 400, message: 'anthropic-version: required' };
    return bodyProblem(body);
  },
  pieces: messagePieces,
  malformed: 'event: content_block_delta\ndata: {"type":\n\n',
  refusal: ({ status, message }) =>
    JSON.stringify({ type: 'error', error: { type: ERROR_TYPES[status] ?? 'invalid_request_error', message } }),
};

const ERROR_TYPES: Record<number, string> = {
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
};

function bodyProblem(body: Record<string, unknown>): Problem | undefined {
  if (body['model'] !== SERVER_MODEL) return { status: 404, message: `model: ${String(body['model'])}` };
  const maxTokens = body['max_tokens'];
  if (typeof maxTokens !== 'number') return { status: 400, message: 'max_tokens: Field required' };
  if (maxTokens > MOST_TOKENS) return { status: 400, message: `max_tokens: ${maxTokens} > ${MOST_TOKENS}` };
  const messages = body['messages'] as { role: string; content: unknown }[] | undefined;
  if (!messages?.length) return { status: 400, message: 'messages: at least one message is required' };
  for (const { role } of messages) {
    // System text has a field of its own.
    if (role !== 'user' && role !== 'assistant') return { status: 400, message: `messages: unexpected role "${role}"` };
  }
  return undefined;
}

function messagePieces({ text, calls = [], cutOff }: ModelReply): string[] {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: SERVER_MODEL,
    content: [],
    stop_reason: null,
  };
  const reason = cutOff ? 'max_tokens' : calls.length > 0 ? 'tool_use' : 'end_turn';
  const textBlock = text.map((piece) => ({ type: 'text_delta', text: piece }));
  return [
    event('message_start', { message: { ...message, usage: { input_tokens: 12, output_tokens: 1 } } }),
    event('ping', {}),
    ...(text.length > 0 ? block(0, { type: 'text', text: '' }, textBlock) : []),
    ...calls.flatMap((call, index) =>
      block(index + 1, { type: 'tool_use', id: call.id, name: call.name, input: {} }, [
        { type: 'input_json_delta', partial_json: call.arguments },
      ]),
    ),
    event('message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 5 } }),
    event('message_stop', {}),
  ];
}

function block(index: number, start: object, deltas: readonly object[]): string[] {
  return [
    event('content_block_start', { index, content_block: start }),
    ...deltas.map((delta) => event('content_block_delta', { index, delta })),
    event('content_block_stop', { index }),
  ];
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}
