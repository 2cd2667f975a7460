import type { Answers } from '../../signalling/protocol.ts';
import type { AnswerBody, TestServer } from './running-server.ts';
import { SocketClient } from './socket-client.ts';
import type { Refusal } from './socket-client.ts';

export type Conversation = {
  id: string;
  token: string;
  caller: SocketClient;
  joined: Answers['join'];
  /** The transport that the caller sends on. */
  transportId: string;
};

/** The clients of one test against a server, closed together. */
export class Callers {
  readonly #server: TestServer;
  readonly #clients: SocketClient[] = [];

  constructor(server: TestServer) {
    this.#server = server;
    server.calls.asked.length = 0;
    server.log.lines.length = 0;
  }

  client(token: unknown, headers?: Record<string, string>): SocketClient {
    const client = new SocketClient(this.#server.origin, token, headers);
    this.#clients.push(client);
    return client;
  }

  async connect(token: string, headers?: Record<string, string>): Promise<SocketClient> {
    return this.client(token, headers).connected();
  }

  /** With what a handshake is refused. */
  async refusal(token: unknown, headers?: Record<string, string>): Promise<Refusal> {
    return this.client(token, headers)
      .connected()
      .then(
        () => {
          throw new Error('The client was let in.');
        },
        (error: Refusal) => error,
      );
  }

  /** A session with a client that has joined. */
  async conversation(): Promise<Conversation> {
    const { id, token } = await this.#server.open();
    const caller = await this.connect(token);
    const joined = await caller.join();
    return { id, token, caller, joined, transportId: joined.media?.send.id ?? '' };
  }

  async session(id: string): Promise<AnswerBody> {
    return (await this.#server.request('GET', `/v2/sessions/${id}`)).body;
  }

  /** What the media side was asked, of one kind. */
  asked(start: string): string[] {
    return this.#server.calls.asked.filter((entry) => entry.startsWith(start));
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
