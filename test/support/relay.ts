/**
 * Stands between a browser and the real server as a pod would that relays signalling, so that a test can let a server
 * hang, be full, or drain in favour of another one. Media is the real server's and goes past it.
 */
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import type { Socket as BrowserSocket } from 'socket.io';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import type { Answers, MoveReason, Request, Sequenced } from '../../signalling/protocol.ts';

type Acknowledge = (ack: unknown) => void;
type Refused = { ok: false; error: { code: string; message: string } };
type Joined = { ok: true } & Answers['join'];

/** One pod as the relay reaches it. */
type Leg = { socket: Socket; joined?: Joined; events: { name: string; data: Record<string, unknown> }[] };

const PATIENCE_MS = 10_000;

export class Relay implements AsyncDisposable {
  readonly #target: URL;
  readonly #http: HttpServer;
  readonly #io: Server;
  readonly #legs = new Set<Leg>();
  /** The browser's latest connection, and who has its session. */
  #browser: BrowserSocket | undefined;
  #owner: Leg | undefined;
  #standby: Leg | undefined;
  #capabilities: Request<'join'>['rtpCapabilities'] | undefined;
  /** Added to what the server numbers: it rises with each take-over. */
  #epochs = 0;
  #last: Sequenced = { epoch: 0, seq: 0 };
  /** What `join` is answered in place of the server's answer; takes that answer. */
  answerJoin: (answer: Joined) => Joined | Refused = (answer) => answer;
  /** Connections that browsers have made. */
  connections = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#http = createServer((request, response) => this.#pass(request, response));
    this.#io = new Server(this.#http, { transports: ['websocket'], serveClient: false });
    this.#io.on('connection', (socket) => this.#connected(socket));
  }

  static async start(target: string): Promise<Relay> {
    const relay = new Relay(target);
    await new Promise<void>((resolve) => relay.#http.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/`;
  }

  /** What the browser's session was given at its last join, whatever the browser was told. */
  get joined(): Joined {
    if (!this.#owner?.joined) throw new Error('nobody has joined');
    return this.#owner.joined;
  }

  /** What the pod that stands by has said, which the browser does not hear of. */
  unheard(name: string): Record<string, unknown>[] {
    return this.#standby?.events.filter((event) => event.name === name).map(({ data }) => data) ?? [];
  }

  /** Says something to the browser in the owner's name. */
  tell(name: string, payload: object): void {
    this.#last = { ...this.#last, seq: this.#last.seq + 1 };
    this.#browser?.emit(name, { ...payload, ...this.#last });
  }

  /** The connection that stands now stays open, and nothing gets through it any more. */
  hang(): void {
    this.#browser?.offAny();
    this.#browser = undefined;
  }

  /** Opens another session with the server as a pod that is to take over, and has the browser prepare for it. */
  async drain(token: string): Promise<void> {
    this.#standby = this.#open(token);
    const request = { protocol: 1, sdk: 'relay', rtpCapabilities: this.#capabilities, playback: 'running' };
    this.#standby.joined = (await this.#standby.socket.timeout(PATIENCE_MS).emitWithAck('join', request)) as Joined;
    this.move('drain', this.#standby.joined.media!);
  }

  move(reason: MoveReason, media: NonNullable<Joined['media']>): void {
    this.tell('move', { reason, media, pod: `pod-${this.#epochs + 2}` });
  }

  /** The pod that stood by owns the session from now on, and says so. */
  takeOver(): void {
    this.#owner = this.#standby;
    this.#standby = undefined;
    this.#epochs += 1;
    this.#last = { epoch: this.#last.epoch + 1, seq: 0 };
    this.tell('agent-state', { state: 'listening', output: 'normal', atMs: 0 });
  }

  async close(): Promise<void> {
    for (const { socket } of this.#legs) socket.disconnect();
    await this.#io.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connected(browser: BrowserSocket): void {
    this.connections += 1;
    this.#browser = browser;
    const leg = this.#open((browser.handshake.auth as { token: string }).token);
    this.#owner = leg;
    browser.onAny((name: string, payload: object, acknowledge: Acknowledge) => {
      void this.#ask(leg, name, payload, acknowledge);
    });
    browser.on('disconnect', () => leg.socket.disconnect());
  }

  #open(token: string): Leg {
    const socket = io(this.#target.href, { auth: { token }, transports: ['websocket'], forceNew: true });
    const leg: Leg = { socket, events: [] };
    this.#legs.add(leg);
    leg.socket.onAny((name: string, event: Record<string, unknown>) => {
      leg.events.push({ name, data: event });
      if (leg !== this.#owner) return;
      if (event['epoch'] === undefined) this.#browser?.emit(name, event);
      else this.tell(name, event);
    });
    return leg;
  }

  /** By the transport that it names, else at the owner; as itself the request of a connection that has just been made. */
  async #ask(own: Leg, name: string, payload: { transportId?: string }, acknowledge: Acknowledge): Promise<void> {
    const transports = this.#standby?.joined?.media;
    const isStandby = [transports?.send.id, transports?.receive.id].includes(payload.transportId ?? '-');
    const leg = name === 'join' ? own : ((isStandby ? this.#standby : this.#owner) ?? own);
    // What would be longer under way than the browser waits is answered to nobody.
    const answer: unknown = await leg.socket
      .timeout(PATIENCE_MS)
      .emitWithAck(name, payload)
      .catch(() => undefined);
    if (name !== 'join') acknowledge(answer);
    else acknowledge(this.#onJoin(leg, payload as Request<'join'>, answer as Joined));
  }

  #onJoin(leg: Leg, { rtpCapabilities }: Request<'join'>, answer: Joined): Joined | Refused {
    this.#capabilities = rtpCapabilities;
    if (!answer.ok) return answer;
    leg.joined = answer;
    this.#last = { epoch: answer.epoch + this.#epochs, seq: Math.max(this.#last.seq, 0) };
    return this.answerJoin({ ...answer, epoch: this.#last.epoch });
  }

  /** HTTP goes to the server as it is. */
  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { headers, method, url: path } = incoming;
    const { hostname: host, port } = this.#target;
    const request = httpRequest({ host, port, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    request.on('error', () => outgoing.destroy());
    incoming.pipe(request);
  }
}
