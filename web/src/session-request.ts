import { ParleyError } from './sdk.ts';
import type { StoredSession } from './stored-session.ts';

type Refusal = { error?: { code?: string; message?: string } };

/**
 * Opens a session with the server's default agent.
 *
 * @throws ParleyError with a sentence for people
 */
export async function requestSession(): Promise<StoredSession> {
  const response = await fetch('/demo/sessions', { method: 'POST' }).catch((cause: unknown) => {
    throw new ParleyError('server_unreachable', { cause });
  });
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as StoredSession;
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
