/** What a local language model says in turns with tools: which reply is due, the results in the request tell. */
import type { ModelReply } from './dialect.ts';

/** One tool of a model's, called with these arguments. */
export const uses = (name: string, args: object = {}, id = `call_${name}`): ModelReply => ({
  text: [],
  calls: [{ id, name, arguments: JSON.stringify(args) }],
});

/**
 * The replies of a turn, each to a request with one more result than the one before; the last to all that follow. A request
 * that is made again, as after a break, has its reply again. For the dialect of OpenAI's responses.
 * @param before results of former turns
 */
export function byResults(replies: readonly [ModelReply, ...ModelReply[]], before = 0): (body: string) => ModelReply {
  return (body) => replies[Math.min(resultsIn(body) - before, replies.length - 1)]!;
}

const resultsIn = (body: string): number => body.split('"function_call_output"').length - 1;
