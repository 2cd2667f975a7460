/** A receiver of webhooks on loopback that keeps what it is told, and answers as it is told to. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Told = { headers: IncomingHttpHeaders; body: string };

export class WebhookReceiver {
  readonly told: Told[] = [];
  /** Of the first request, the second …; from the last on, 204. undefined: never answers. */
  readonly answers: (number | undefined)[] = [];
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/calls?key=in-the-address`;
  }

  /** Also after `stop`, at the same port. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (piece: string) => (body += piece));
      request.on('end', () => this.#note({ headers: request.headers, body }, response));
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

  #note(told: Told, response: ServerResponse): void {
    this.told.push(told);
    const index = this.told.length - 1;
    const status = index < this.answers.length ? this.answers[index] : 204;
    if (status !== undefined) response.writeHead(status, status === 302 ? { Location: '/elsewhere' } : {}).end();
  }
}
