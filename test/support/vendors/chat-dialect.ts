/** OpenAI's chat completions, as OpenAI, Cerebras, Groq, Ollama, vLLM and many others speak them. */
import { bearerProblem, type Dialect, type ModelReply, type Problem, SERVER_MODEL } from './dialect.ts';

type ChatMessage = { role: string; content?: unknown; tool_call_id?: string; tool_calls?: { id: string }[] };

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'];

/** @param usageIn the field that the last chunk has its usage in: Groq's is an extension of its own */
export function chatDialect(path: string, usageIn: 'usage' | 'x_groq' = 'usage'): Dialect {
  return {
    contentType: 'text/event-stream',
    check: (request, body) => {
      if (request.url.pathname !== path) return { status: 404, message: `no such path: ${request.url.pathname}` };
      return bearerProblem(request) ?? chatProblem(body);
    },
    pieces: (reply) => chatPieces(reply, usageIn),
    malformed: 'data: {"choices":[{"delta":\n\n',
    refusal: ({ message, code }) =>
      JSON.stringify({ error: { message, type: 'error', param: null, code: code ?? null } }),
  };
}

function chatProblem(body: Record<string, unknown>): Problem | undefined {
  if (body['model'] !== SERVER_MODEL) {
    return { status: 404, message: 'The model does not exist', code: 'model_not_found' };
  }
  if (body['stream'] !== true) return { status: 400, message: 'stream must be true here' };
  const messages = body['messages'];
  if (!Array.isArray(messages) || messages.length === 0) return { status: 400, message: 'messages must not be empty' };
  return messagesProblem(messages as ChatMessage[]);
}

/** Results must answer calls made right before, each of them. */
function messagesProblem(messages: readonly ChatMessage[]): Problem | undefined {
  let open = new Set<string>();
  for (const { role, content, tool_call_id: id, tool_calls: calls } of messages) {
    if (!ROLES.includes(role)) return { status: 400, message: `unknown role ${role}` };
    if (role === 'tool') {
      if (!id || !open.delete(id)) return { status: 400, message: 'a tool message must follow its tool_calls' };
      continue;
    }
    if (open.size > 0) return { status: 400, message: 'tool_calls must be followed by tool messages' };
    if (!calls && typeof content !== 'string' && !Array.isArray(content)) return { status: 400, message: 'no content' };
    open = new Set(calls?.map((call) => call.id));
  }
  return open.size > 0 ? { status: 400, message: 'tool_calls must be followed by tool messages' } : undefined;
}

function chatPieces({ text, calls = [], cutOff }: ModelReply, usageIn: 'usage' | 'x_groq'): string[] {
  const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 };
  const reason = cutOff ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop';
  return [
    chunk({ role: 'assistant', content: '' }),
    ...text.map((content) => chunk({ content })),
    ...calls.flatMap((call, index) => callChunks(call, index)),
    chunk({}, reason),
    data({ ...frame([]), ...(usageIn === 'usage' ? { usage } : { x_groq: { usage } }) }),
    'data: [DONE]\n\n',
  ];
}

/** The arguments come in two pieces: clients must put them together. */
function callChunks(call: NonNullable<ModelReply['calls']>[number], index: number): string[] {
  const half = Math.ceil(call.arguments.length / 2);
  const named = { id: call.id, type: 'function', function: { name: call.name, arguments: '' } };
  const parts = [call.arguments.slice(0, half), call.arguments.slice(half)];
  return [
    chunk({ tool_calls: [{ index, ...named }] }),
    ...parts.map((part) => chunk({ tool_calls: [{ index, function: { arguments: part } }] })),
  ];
}

function chunk(delta: object, finishReason: string | null = null): string {
  return data(frame([{ index: 0, delta, finish_reason: finishReason }]));
}

function frame(choices: object[]): object {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: SERVER_MODEL, choices };
}

export function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
