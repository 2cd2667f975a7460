/** One voice worker as the main thread sees it: its thread, the requests under way, and when it was last heard of. */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { monotonicMs } from '../runtime/clock.ts';
import { createNativeMarks, endOutsideNative } from '../runtime/native-calls.ts';
import type { ConversationSnapshot } from '../conversation/conversation-events.ts';
import { MediaError } from '../errors.ts';
import type { FromVoiceWorker, ToVoiceWorker, VoiceStatistics, VoiceWorkerData } from './voice-protocol.ts';

export type VoiceThreadOptions = {
  data: VoiceWorkerData;
  /** The thread's file. Default: `voice-worker-thread.ts`. */
  entry: URL;
  onMessage: (message: FromVoiceWorker) => void;
  /** The thread is gone, and with it its sockets. Not called after `close`. */
  onExit: (reason: string) => void;
};

/**
 * V8 begins with a small heap and lets it grow by collecting all of it often: with 300 calls twice a second, each time
 * taking the worker's other core for some 80 ms, through which packets wait. A heap that may be this large from the
 * start is collected every few seconds. It is a limit and takes no memory until it is used. The flag counts for the
 * threads that are started after it.
 */
setFlagsFromString('--initial-old-space-size=256');
/**
 * In MB, half of V8's own. What is young takes up to three times as much in each thread, and most of it is dead at the next
 * collection, however soon that is. `npm start` sets the same for the main thread.
 */
setFlagsFromString('--max-semi-space-size=16');

type Request = { resolve: (value: never) => void; reject: (reason: Error) => void };

/** A healthy worker answers in a millisecond; one that does not within this is about to be replaced. */
const REQUEST_TIMEOUT_MS = 3000;

export class VoiceThread {
  readonly #worker: Worker;
  readonly #nativeMarks = createNativeMarks();
  readonly #options: VoiceThreadOptions;
  readonly #requests = new Map<string, Request>();
  readonly #ready: Promise<void>;
  #nextRequestId = 1;
  #fault = 'it ended';
  #closing = false;
  #exited = false;
  /** Its place in the pool; undefined while it is a spare one. */
  index: number | undefined;
  /** When the last message came, on the monotonic clock. */
  heardMs = monotonicMs();
  statistics: VoiceStatistics | undefined;

  constructor(options: VoiceThreadOptions) {
    this.#options = options;
    this.index = options.data.index;
    const name = `voice-${this.index ?? 'spare'}`;
    const workerData: VoiceWorkerData = { ...options.data, nativeMarks: this.#nativeMarks };
    this.#worker = new Worker(options.entry, { workerData, name });
    this.#ready = this.#request<void>('ready');
    // Whoever waits for `ready` hears of it; without anybody waiting it is no unhandled rejection.
    this.#ready.catch(() => undefined);
    this.#worker.on('message', this.#onMessage);
    this.#worker.on('error', (error) => (this.#fault = String(error)));
    this.#worker.on('exit', this.#onExit);
  }

  /** Resolves when the models are loaded. @throws {MediaError} `voice_worker_unavailable` */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Gives a spare worker its place. */
  serve(index: number): void {
    this.index = index;
    this.post({ type: 'serve', index });
  }

  post(message: ToVoiceWorker): void {
    if (!this.#exited) this.#worker.postMessage(message);
  }

  /** Opens a socket there. @param port a predecessor's port, or 0. @returns its port. */
  openLink(linkId: number, port: number): Promise<number> {
    const opened = this.#request<number>(`link-opened ${linkId}`, REQUEST_TIMEOUT_MS);
    this.post({ type: 'open-link', linkId, port });
    return opened;
  }

  connectLink(linkId: number, remotePort: number): Promise<void> {
    const connected = this.#request<void>(`link-connected ${linkId}`, REQUEST_TIMEOUT_MS);
    this.post({ type: 'connect-link', linkId, remotePort });
    return connected;
  }

  /** @returns the turn that the text began. @throws {MediaError} `server_busy` while this worker is being replaced */
  say(callId: string, text: string): Promise<string> {
    const requestId = this.#nextRequestId++;
    const said = this.#request<string>(`said ${requestId}`, REQUEST_TIMEOUT_MS);
    this.post({ type: 'say', callId, requestId, text });
    return said.catch((cause: unknown) => {
      throw new MediaError('server_busy', 'the voice worker is being replaced', { cause });
    });
  }

  /** Resolves once the agent's voice has stopped. @throws {MediaError} `server_busy` while this worker is being replaced */
  handOver(callId: string, withinMs: number): Promise<ConversationSnapshot> {
    const requestId = this.#nextRequestId++;
    const handed = this.#request<ConversationSnapshot>(`handed-over ${requestId}`, withinMs + REQUEST_TIMEOUT_MS);
    this.post({ type: 'hand-over', callId, requestId, withinMs });
    return handed.catch((cause: unknown) => {
      throw new MediaError('server_busy', 'the voice worker is being replaced', { cause });
    });
  }

  measure(): Promise<VoiceStatistics> {
    const requestId = this.#nextRequestId++;
    const measured = this.#request<VoiceStatistics>(`measured ${requestId}`, REQUEST_TIMEOUT_MS);
    this.post({ type: 'measure', requestId });
    return measured;
  }

  /** Ends a thread that no longer answers; `onExit` follows. */
  kill(reason: string): void {
    this.#fault = reason;
    this.#terminate();
  }

  /** Ends the thread in good order. Idempotent. */
  async close(): Promise<void> {
    if (this.#closing || this.#exited) return;
    this.#closing = true;
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.post({ type: 'close' });
    const deadline = setTimeout(() => this.#terminate(), REQUEST_TIMEOUT_MS);
    await exited;
    clearTimeout(deadline);
  }

  #terminate(): void {
    void endOutsideNative(this.#worker, this.#nativeMarks);
  }

  #request<Value>(key: string, timeoutMs?: number): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      if (this.#exited) return reject(this.#unavailable(key));
      this.#requests.set(key, { resolve, reject });
      if (timeoutMs === undefined) return;
      const timer = setTimeout(() => this.#settle(key, (request) => request.reject(this.#unavailable(key))), timeoutMs);
      timer.unref();
    });
  }

  #settle(key: string, settle: (request: Request) => void): void {
    const request = this.#requests.get(key);
    this.#requests.delete(key);
    if (request) settle(request);
  }

  readonly #onMessage = (message: FromVoiceWorker): void => {
    this.heardMs = monotonicMs();
    const answer = answerOf(message);
    if (answer) this.#settle(answer.key, (request) => request.resolve(answer.value as never));
    if (message.type === 'link-failed') this.#failLink(message.linkId, message.reason);
    if (message.type === 'heartbeat') this.statistics = message.statistics;
    this.#options.onMessage(message);
  };

  #failLink(linkId: number, reason: string): void {
    const error = new MediaError('voice_worker_unavailable', `a socket could not be opened: ${reason}`);
    for (const step of ['opened', 'connected']) this.#settle(`link-${step} ${linkId}`, ({ reject }) => reject(error));
  }

  readonly #onExit = (): void => {
    this.#exited = true;
    for (const key of this.#requests.keys()) {
      this.#settle(key, (request) => request.reject(this.#unavailable(key)));
    }
    if (!this.#closing) this.#options.onExit(this.#fault);
  };

  #unavailable(what: string): MediaError {
    const name = this.index ?? 'spare';
    return new MediaError('voice_worker_unavailable', `voice worker ${name} did not answer (${what}): ${this.#fault}`);
  }
}

function answerOf(message: FromVoiceWorker): { key: string; value?: unknown } | undefined {
  switch (message.type) {
    case 'ready':
      return { key: 'ready' };
    case 'link-opened':
      return { key: `link-opened ${message.linkId}`, value: message.port };
    case 'link-connected':
      return { key: `link-connected ${message.linkId}` };
    case 'said':
      return { key: `said ${message.requestId}`, value: message.turnId };
    case 'handed-over':
      return { key: `handed-over ${message.requestId}`, value: message.conversation };
    case 'measured':
      return { key: `measured ${message.requestId}`, value: message.statistics };
    default:
      return undefined;
  }
}
