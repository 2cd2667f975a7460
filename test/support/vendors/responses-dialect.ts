/** OpenAI's Responses API, streamed. */
import { bearerProblem, type Dialect, type ModelReply, type Problem, SERVER_MODEL } from './dialect.ts';

export function responsesDialect(path: string): Dialect {
  return {
    contentType: 'text/event-stream',
    check: (request, body) => {
      if (request.url.pathname !== path) return { status: 404, message: `no such path: ${request.url.pathname}` };
      return bearerProblem(request) ?? responsesProblem(body);
    },
    pieces: responsesPieces,
    malformed: 'event: response.output_text.delta\ndata: {"type":\n\n',
    refusal: ({ message, code }) =>
      JSON.stringify({ error: { message, type: 'error', param: null, code: code ?? null } }),
  };
}

function responsesProblem(body: Record<string, unknown>): Problem | undefined {
  if (body['model'] !== SERVER_MODEL) {
    return { status: 400, message: `The requested model does not exist`, code: 'model_not_found' };
  }
  if (body['stream'] !== true) return { status: 400, message: 'stream must be true here' };
  const input = body['input'];
  if (!Array.isArray(input) || input.length === 0) return { status: 400, message: 'input must not be empty' };
  const calls = new Set<unknown>();
  for (const item of input as { type?: string; call_id?: string }[]) {
    if (item.type === 'function_call') calls.add(item.call_id);
    if (item.type === 'function_call_output' && !calls.delete(item.call_id)) {
      return { status: 400, message: `No tool call found for function call output with call_id ${item.call_id}` };
    }
  }
  return calls.size > 0 ? { status: 400, message: 'No tool output found for a function call' } : undefined;
}

function responsesPieces({ text, calls = [], cutOff }: ModelReply): string[] {
  let sequence = 0;
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`;
  const response = { id: 'resp_1', object: 'response', created_at: 1, model: SERVER_MODEL, output: [] };
  const last = cutOff ? 'incomplete' : 'completed';
  return [
    event('response.created', { response: { ...response, status: 'in_progress' } }),
    ...textEvents(text, event),
    ...calls.flatMap((call, index) => callEvents(call, index + 1, event)),
    event(`response.${last}`, {
      response: {
        ...response,
        status: last,
        incomplete_details: cutOff ? { reason: 'max_output_tokens' } : null,
        usage: {
          input_tokens: 12,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: 5,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: 17,
        },
      },
    }),
  ];
}

type Event = (type: string, fields: object) => string;

function textEvents(text: readonly string[], event: Event): string[] {
  if (text.length === 0) return [];
  const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] };
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const whole = text.join('');
  return [
    event('response.output_item.added', { output_index: 0, item }),
    event('response.content_part.added', { ...place, part: { type: 'output_text', text: '', annotations: [] } }),
    ...text.map((delta) => event('response.output_text.delta', { ...place, delta, logprobs: [] })),
    event('response.output_text.done', { ...place, text: whole, logprobs: [] }),
    event('response.output_item.done', {
      output_index: 0,
      item: { ...item, status: 'completed', content: [{ type: 'output_text', text: whole, annotations: [] }] },
    }),
  ];
}

function callEvents(call: NonNullable<ModelReply['calls']>[number], index: number, event: Event): string[] {
  const item = { id: `fc_${index}`, type: 'function_call', call_id: call.id, name: call.name };
  const place = { item_id: item.id, output_index: index };
  return [
    event('response.output_item.added', {
      output_index: index,
      item: { ...item, status: 'in_progress', arguments: '' },
    }),
    event('response.function_call_arguments.delta', { ...place, delta: call.arguments }),
    event('response.function_call_arguments.done', { ...place, arguments: call.arguments, name: call.name }),
    event('response.output_item.done', {
      output_index: index,
      item: { ...item, status: 'completed', arguments: call.arguments },
    }),
  ];
}
