/** A vendor that says whatever an input says, over a WebSocket or as the body of an answer. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export type LooseVendor = {
  /** `http://127.0.0.1:port` */
  url: string;
  /** What is said on the next connections, and answered to the next requests. */
  say: { frames: (asked: string) => readonly string[]; contentType: string; status: number };
  close(): Promise<void>;
};

export async function startLooseVendor(): Promise<LooseVendor> {
  const say: LooseVendor['say'] = { frames: () => [], contentType: 'application/json', status: 200 };
  const sockets = new WebSocketServer({ noServer: true });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let asked = '';
    for await (const chunk of request) asked += String(chunk);
    response.writeHead(say.status, { 'content-type': say.contentType });
    response.end(say.frames(asked).join(''));
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => speak(client, say));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    say,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** All of it once the client has said something, then the end. */
function speak(client: WebSocket, { frames }: LooseVendor['say']): void {
  client.on('error', () => undefined);
  client.once('message', (asked: Buffer) => {
    for (const frame of frames(asked.toString('utf8'))) client.send(frame);
    client.close(1000);
  });
}
