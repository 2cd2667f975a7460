import { SignJWT } from 'jose';

export type ServiceTokenOptions = {
  /** Shared with the service; at least 32 characters, the strength of HS256. */
  secret: string;
  /** Who asks. */
  podId: string;
  /** Whom it is for: another service must refuse it. */
  audience: string;
  nowMs: () => number;
};

/** How long a token can be used: an overheard one is of no use soon. */
const LIFETIME_MS = 60_000;
/** Clocks differ, and a request takes its time: a token that ends sooner than this is not sent any more. */
const MARGIN_MS = 20_000;

/** Tokens (JWT, HS256) by which another service knows that a pod of this fleet asks. */
export class ServiceToken {
  readonly #options: ServiceTokenOptions;
  readonly #key: Uint8Array;
  #issued: { token: string; expiresAtMs: number } | undefined;

  constructor(options: ServiceTokenOptions) {
    this.#options = options;
    this.#key = new TextEncoder().encode(options.secret);
  }

  async current(): Promise<string> {
    const { podId, audience, nowMs } = this.#options;
    const now = nowMs();
    if (this.#issued && this.#issued.expiresAtMs - now > MARGIN_MS) return this.#issued.token;
    const expiresAtMs = now + LIFETIME_MS;
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('parley')
      .setSubject(podId)
      .setAudience(audience)
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(Math.floor(expiresAtMs / 1000))
      .sign(this.#key);
    this.#issued = { token, expiresAtMs };
    return token;
  }
}
