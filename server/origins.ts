/** Which pages may use this server, for HTTP and Socket.IO alike. */
import { isLoopback } from './config.ts';

export type OriginPolicyOptions = {
  publicUrl?: string;
  /** Origins beside the server's own; `*` means all. */
  allowedOrigins: readonly string[];
  /**
   * Answer only requests that name this machine. Without keys this is what keeps a foreign page, whose name was pointed
   * at 127.0.0.1 after it was loaded, from passing for the server's own.
   */
  loopbackOnly: boolean;
};

export class OriginPolicy {
  readonly #publicHost: string | undefined;
  readonly #allowed: ReadonlySet<string>;
  readonly #loopbackOnly: boolean;

  constructor({ publicUrl, allowedOrigins, loopbackOnly }: OriginPolicyOptions) {
    this.#publicHost = publicUrl === undefined ? undefined : new URL(publicUrl).host;
    this.#allowed = new Set(allowedOrigins);
    this.#loopbackOnly = loopbackOnly;
  }

  /** Whether the `Host` that a request asked for is one of ours. */
  allowsHost(host: string | undefined): boolean {
    if (!this.#loopbackOnly || host === this.#publicHost) return true;
    if (host === undefined || !URL.canParse(`http://${host}`)) return false;
    return isLoopback(new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, ''));
  }

  /** Whether a page of `origin` may use the server that it reached as `host`. */
  allowsOrigin(origin: string, host: string | undefined): boolean {
    if (this.#allowed.has('*') || this.#allowed.has(origin)) return true;
    if (!URL.canParse(origin)) return false;
    const { host: originHost } = new URL(origin);
    return originHost !== '' && (originHost === host || originHost === this.#publicHost);
  }
}
