/**
 * A stretch of network between one client and a server's media port: a UDP relay that does to packets what a
 * `NetworkPath` says, each direction by itself. The server sees a client that comes from another address, as behind a NAT,
 * and ICE is made for that; the client finds it by a candidate that names the relay in the server's place.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { MediaOptions } from '../../signalling/protocol.ts';
import { NetworkPath, type PathOptions } from './network-path.ts';
import { isRtp, PacketNumbers } from './packet-numbers.ts';

export type Impairment = {
  /** What happens to what the client sends. Absent: nothing. */
  toServer?: PathOptions;
  toClient?: PathOptions;
};

export type UdpRelayOptions = {
  /** The server's media port on loopback. */
  targetPort: number;
  /** Told what the relay has received of media, before anything is done to it. */
  onRtp?: (direction: Direction, packet: Buffer) => void;
};

export type Direction = 'toServer' | 'toClient';

/** One of the client's sockets, and the one by which the server sees it. */
type Flow = { clientPort: number; clientAddress: string; upstream: Socket };

const LOOPBACK = '127.0.0.1';

export class UdpRelay implements AsyncDisposable {
  readonly #options: UdpRelayOptions;
  readonly #front: Socket;
  readonly #flows = new Map<string, Flow>();
  readonly #numbers = { toServer: new PacketNumbers(), toClient: new PacketNumbers() };
  readonly #timers = new Set<NodeJS.Timeout>();
  #paths = { toServer: new NetworkPath(), toClient: new NetworkPath() };
  #dead = false;
  #closed = false;

  private constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.#front = createSocket('udp4');
    this.#front.on('message', (packet, { address, port }) => this.#fromClient(packet, address, port));
  }

  static async start(options: UdpRelayOptions): Promise<UdpRelay> {
    const relay = new UdpRelay(options);
    relay.#front.bind(0, LOOPBACK);
    await once(relay.#front, 'listening');
    return relay;
  }

  get port(): number {
    return this.#front.address().port;
  }

  /** What has become of the packets since `impair` was called last. */
  get statistics(): Record<Direction, NetworkPath['statistics']> {
    return { toServer: this.#paths.toServer.statistics, toClient: this.#paths.toClient.statistics };
  }

  /** From now on the network is like this; packets under way arrive as they would have. Media is counted anew. */
  impair({ toServer, toClient }: Impairment): void {
    this.#paths = { toServer: new NetworkPath(toServer), toClient: new NetworkPath(toClient) };
    this.#numbers.toServer = new PacketNumbers();
    this.#numbers.toClient = new PacketNumbers();
  }

  /** Nothing gets through any more, in either direction, and nobody is told. */
  die(): void {
    this.#dead = true;
  }

  /** Another path in the place of the one before: the server sees the client come from other ports. */
  async revive(): Promise<void> {
    for (const { upstream } of this.#flows.values()) upstream.close();
    this.#flows.clear();
    this.#dead = false;
  }

  /** What a client is told in place of the server's own ports. */
  route(media: MediaOptions): MediaOptions {
    const through = (transport: MediaOptions['send']): MediaOptions['send'] => ({
      ...transport,
      iceCandidates: transport.iceCandidates
        .filter(({ protocol }) => protocol === 'udp')
        .map((candidate) => ({ ...candidate, ip: LOOPBACK, address: LOOPBACK, port: this.port })),
    });
    return { ...media, send: through(media.send), receive: through(media.receive) };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { upstream } of this.#flows.values()) upstream.close();
    this.#front.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #fromClient(packet: Buffer, address: string, port: number): void {
    const key = `${address}:${port}`;
    const flow = this.#flows.get(key) ?? this.#open(key, address, port);
    this.#pass('toServer', packet, () => {
      if (this.#flows.get(key) === flow) flow.upstream.send(packet, this.#options.targetPort, LOOPBACK);
    });
  }

  #open(key: string, clientAddress: string, clientPort: number): Flow {
    const flow = { clientAddress, clientPort, upstream: createSocket('udp4') };
    this.#flows.set(key, flow);
    flow.upstream.on('message', (packet) =>
      this.#pass('toClient', packet, () => this.#front.send(packet, clientPort, clientAddress)),
    );
    // A server that has closed its port answers so; to the client it is a packet that was lost.
    flow.upstream.on('error', () => undefined);
    return flow;
  }

  #pass(direction: Direction, packet: Buffer, send: () => void): void {
    if (isRtp(packet)) this.#options.onRtp?.(direction, packet);
    if (this.#dead) return;
    const nowMs = performance.now();
    const number = this.#numbers[direction].of(packet);
    for (const arrivalMs of this.#paths[direction].pass(number, packet.length, nowMs)) {
      if (arrivalMs <= nowMs) send();
      else this.#later(arrivalMs - nowMs, send);
    }
  }

  #later(afterMs: number, send: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#dead && !this.#closed) send();
    }, afterMs);
    this.#timers.add(timer);
  }
}
