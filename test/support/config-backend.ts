/** A backend of agents on loopback that checks how it is asked, and can be slow, broken or away. */
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';

export const BACKEND_SECRET = 'a-secret-that-backend-and-server-share';

type Answer = (response: ServerResponse) => void | Promise<void>;

export class ConfigBackend {
  /** Paths with query, in order. */
  readonly asked: string[] = [];
  /** What goes wrong with requests that are not as documented. */
  readonly complaints: string[] = [];
  answer: Answer = json(404, {});
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Also after `stop`, at the same port. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.asked.push(request.url ?? '');
      void this.#check(request.headers.authorization).then(
        () => this.answer(response),
        (error: unknown) => {
          this.complaints.push(String(error));
          return json(401, {})(response);
        },
      );
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  async #check(authorization = ''): Promise<void> {
    const key = new TextEncoder().encode(BACKEND_SECRET);
    const { payload } = await jwtVerify(authorization.replace(/^Bearer /, ''), key, {
      algorithms: ['HS256'],
      issuer: 'parley',
      audience: 'parley:agent-config',
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    if (payload.exp! - payload.iat! > 60) throw new Error('the token lasts too long');
  }
}

export const json =
  (status: number, body: unknown): Answer =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };

export const text =
  (status: number, body: string): Answer =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  };

/** Answers when `release` is called, and at once from then on. */
export const held = (answer: Answer): { answer: Answer; release: () => void } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    answer: async (response) => {
      await promise;
      await answer(response);
    },
    release: resolve,
  };
};
