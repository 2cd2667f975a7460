import { ParleyError } from './sdk.ts';
import type { StoredSession } from './stored-session.ts';

/** One of several servers may just have died; the next attempt lands on another. */
const attempts = 3;
const retryMs = 300;
/** What a balancer answers in the place of a server that gives no answer. */
const fromBalancer: ReadonlySet<number> = new Set([502, 504]);

type Refusal = { error?: { code?: string; message?: string } };

/**
 * Opens a session with the server's default agent.
 *
 * @throws ParleyError with a sentence for people
 */
export async function requestSession(): Promise<StoredSession> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch('/demo/sessions', { method: 'POST' }).catch((cause: unknown) => {
      if (attempt === attempts) throw new ParleyError('server_unreachable', { cause });
    });
    if (response?.ok) return (await response.json()) as StoredSession;
    if (response && (attempt === attempts || !fromBalancer.has(response.status))) throw await refusal(response);
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function refusal(response: Response): Promise<ParleyError> {
  if (response.status === 401 || response.status === 403 || response.status === 404) {
    const message = 'This server has its demo switched off. Its operator can switch it on with DEMO=true.';
    return new ParleyError('request_failed', { message });
  }
  const { error } = (await response.json().catch(() => ({}))) as Refusal;
  if (response.status === 503) return new ParleyError('server_busy', { cause: error });
  const message = error?.message ?? `The server answered with status ${response.status}. Try again shortly.`;
  return new ParleyError('request_failed', { message, cause: error });
}
