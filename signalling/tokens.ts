import { errors, jwtVerify, SignJWT } from 'jose';
import { TokenRejected } from './errors.ts';

export type SessionTokensOptions = {
  /** At least 32 characters, the strength of HS256. */
  secret: string;
  /** How long a token can be used to join, in ms. Default: ten minutes. */
  lifetimeMs?: number;
  nowMs: () => number;
};

export type IssuedToken = {
  token: string;
  /** Unix time in milliseconds. */
  expiresAt: number;
};

const ISSUER = 'parley';
const AUDIENCE = 'parley:join';
const DEFAULT_LIFETIME_MS = 600_000;

/** Tokens (JWT, HS256), each of which opens one session and nothing else. */
export class SessionTokens {
  readonly lifetimeMs: number;
  readonly #key: Uint8Array;
  readonly #nowMs: () => number;

  constructor({ secret, lifetimeMs = DEFAULT_LIFETIME_MS, nowMs }: SessionTokensOptions) {
    this.lifetimeMs = lifetimeMs;
    this.#key = new TextEncoder().encode(secret);
    this.#nowMs = nowMs;
  }

  async issue(sessionId: string): Promise<IssuedToken> {
    const nowMs = this.#nowMs();
    // A JWT counts whole seconds; rounding down keeps what we promise within what the token says.
    const expiresAtSeconds = Math.floor((nowMs + this.lifetimeMs) / 1000);
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(sessionId)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt(Math.floor(nowMs / 1000))
      .setExpirationTime(expiresAtSeconds)
      .sign(this.#key);
    return { token, expiresAt: expiresAtSeconds * 1000 };
  }

  /** @throws {TokenRejected} saying whether it has ended, is no such token at all, or is not one of ours. */
  async verify(token: string): Promise<{ sessionId: string; expiresAt: number }> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(this.#nowMs()),
      });
      return { sessionId: payload.sub ?? '', expiresAt: (payload.exp ?? 0) * 1000 };
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TokenRejected('expired', { cause: error });
      if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
        throw new TokenRejected('malformed', { cause: error });
      }
      throw new TokenRejected('not_ours', { cause: error });
    }
  }
}
