/** A server that tools ask, at fault on demand: what it does not know it refuses. */
import { VendorServer, type Refusal, type VendorRequest } from './vendors/vendor-server.ts';

/** What is answered to `METHOD /path`, as JSON; a Refusal as it is. */
export type ToolAnswers = Record<string, (request: VendorRequest) => unknown>;

export function startToolServer(answers: ToolAnswers, address?: string): Promise<VendorServer> {
  return VendorServer.start({
    address,
    handle: (request) => {
      const answer = answers[`${request.message.method} ${request.url.pathname}`]?.(request);
      if (answer === undefined) return { status: 404, body: JSON.stringify({ error: 'there is no such thing' }) };
      if (isRefusal(answer)) return answer;
      const content = JSON.stringify(answer);
      const half = Math.ceil(content.length / 2);
      const pieces = [content.slice(0, half), content.slice(half)];
      return { contentType: 'application/json', pieces, malformed: Buffer.from([0xff, 0xfe, 0xfd]) };
    },
    refusal: (status, message) => JSON.stringify({ error: { status, message } }),
  });
}

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'status' in answer && 'body' in answer;
}
