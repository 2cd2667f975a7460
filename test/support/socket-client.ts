import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { PROTOCOL_VERSION } from '../../signalling/protocol.ts';
import type {
  Answers,
  RequestName,
  Sequenced,
  SessionEventName,
  SignallingErrorCode,
} from '../../signalling/protocol.ts';
import { RTP_CAPABILITIES } from './fake-calls.ts';

export type ReceivedEvent = { name: string; data: Record<string, unknown> & Sequenced };
export type LooseAck = { ok: boolean; error?: { code: SignallingErrorCode; message: string } } & Record<
  string,
  unknown
>;
export type Refusal = Error & { data?: { code: string; message: string } };

export const JOIN = { protocol: PROTOCOL_VERSION, sdk: 'test', rtpCapabilities: RTP_CAPABILITIES, playback: 'running' };

/** How long a test waits for something that ought to come at once. */
const PATIENCE_MS = 5_000;

/** A client of the gateway that keeps everything it was sent. */
export class SocketClient implements Disposable {
  readonly socket: Socket;
  readonly events: ReceivedEvent[] = [];
  readonly #watchers = new Set<() => void>();

  constructor(url: string, token: unknown, headers: Record<string, string> = {}) {
    this.socket = io(url, {
      auth: token === undefined ? {} : { token },
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: headers,
    });
    this.socket.onAny((name: string, data: ReceivedEvent['data']) => this.#note({ name, data }));
    this.socket.on('disconnect', () => this.#check());
  }

  /** Waits for the handshake to be answered. Rejects with the refusal. */
  async connected(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.socket.once('connect', resolve);
      this.socket.once('connect_error', reject);
    });
    return this;
  }

  /** The answer to a request, whatever its name and payload. */
  async ask(name: string, payload?: unknown): Promise<LooseAck> {
    const args = payload === undefined ? [] : [payload];
    return (await this.socket.timeout(PATIENCE_MS).emitWithAck(name, ...args)) as LooseAck;
  }

  /** As `ask`, for a request that must succeed. */
  async succeed<Name extends RequestName>(name: Name, payload?: unknown): Promise<Answers[Name]> {
    const ack = await this.ask(name, payload);
    if (!ack.ok) throw new Error(`${name} was refused: ${JSON.stringify(ack.error)}`);
    return ack as unknown as Answers[Name];
  }

  async join(extra: object = {}): Promise<Answers['join']> {
    return this.succeed('join', { ...JOIN, ...extra });
  }

  /** The code with which a request is refused; undefined when it was not. */
  async refusal(name: string, payload?: unknown): Promise<SignallingErrorCode | undefined> {
    return (await this.ask(name, payload)).error?.code;
  }

  /** The first event of this name, now or later. */
  async event(name: SessionEventName | 'hello' | 'token'): Promise<ReceivedEvent['data']> {
    await this.#until(() => this.named(name).length > 0, `event ${name}`);
    return this.named(name)[0] as ReceivedEvent['data'];
  }

  named(name: string): ReceivedEvent['data'][] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data);
  }

  async disconnected(): Promise<void> {
    await this.#until(() => !this.socket.connected, 'the end of the connection');
  }

  close(): void {
    this.socket.disconnect();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #note(event: ReceivedEvent): void {
    this.events.push(event);
    this.#check();
  }

  #check(): void {
    for (const watcher of this.#watchers) watcher();
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        reject(new Error(`Waited for ${what} in vain.`));
      }, PATIENCE_MS);
      const watcher = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }
}
