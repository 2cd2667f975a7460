/** The session of this tab, kept so that a reload resumes it. Tokens are of one session and soon run out. */
export type StoredSession = { token: string; /** Unix time in milliseconds. */ expiresAt: number };

const key = 'parley.session';
const mutedKey = 'parley.muted';

/** @returns the session to resume; `undefined` when there is none, or its token has run out */
export function readSession(storage: Pick<Storage, 'getItem'>, nowMs: number): StoredSession | undefined {
  const stored = storage.getItem(key);
  if (stored === null) return undefined;
  try {
    const session: unknown = JSON.parse(stored);
    return isStoredSession(session) && session.expiresAt > nowMs ? session : undefined;
  } catch {
    return undefined;
  }
}

export function keepSession(storage: Pick<Storage, 'setItem'>, session: StoredSession): void {
  storage.setItem(key, JSON.stringify({ token: session.token, expiresAt: session.expiresAt }));
}

export function forgetSession(storage: Pick<Storage, 'removeItem'>): void {
  storage.removeItem(key);
  storage.removeItem(mutedKey);
}

/** Whoever muted themselves stays muted when they reload the page: no microphone opens behind their back. */
export function keepMuted(storage: Pick<Storage, 'setItem'>, muted: boolean): void {
  storage.setItem(mutedKey, String(muted));
}

export function readMuted(storage: Pick<Storage, 'getItem'>): boolean {
  return storage.getItem(mutedKey) === 'true';
}

function isStoredSession(value: unknown): value is StoredSession {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'token' in value && typeof value.token === 'string' && 'expiresAt' in value && typeof value.expiresAt === 'number'
  );
}
