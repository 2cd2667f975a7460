/**
 * A local Cartesia: contexts on a WebSocket, strict about what it is sent. Each word takes 100 ms, its samples count on
 * from the start of the context, and its time is told after its audio.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { type Connection, SocketVendor } from './socket-vendor.ts';
import type { Fault, Refusal } from './vendor-server.ts';

export const CARTESIA_KEY = 'sk_car_test';
export const CARTESIA_VOICE = 'f786b574-daa5-4673-aa0c-cbe3e8534c02';
export const CARTESIA_MODELS = ['sonic-3', 'sonic-3.5'];
export const WORD_MS = 100;

type Input = {
  context_id: string;
  transcript: string;
  continue?: boolean;
  flush?: boolean;
  cancel?: boolean;
  output_format?: { container?: string; encoding?: string; sample_rate?: number };
} & Record<string, unknown>;

/** Why an input is refused, as `[status, error_code, message]`. */
type Problem = [number, string, string] | undefined;

export class CartesiaServer {
  readonly vendor: SocketVendor;
  /** Inputs taken, of all contexts. */
  readonly inputs: Input[] = [];
  cancelled = 0;
  /** Contexts begun. */
  contexts = 0;
  /** The first audio of a context comes so late. */
  firstAudioAfterMs = 0;
  /** A context is forgotten this long after its last audio. */
  expireMs = 1_000;
  /** Whether the times of words start again after each flush: the documentation does not say. */
  timesPerFlush = false;

  private constructor(vendor: SocketVendor) {
    this.vendor = vendor;
  }

  static async start(): Promise<CartesiaServer> {
    const vendor = await SocketVendor.start({
      check: handshakeProblem,
      refusal: (status, message) => JSON.stringify({ error_code: null, title: 'Refused', message, status }),
      serve: (connection) => new ServedSocket(server, connection),
    });
    const server = new CartesiaServer(vendor);
    return server;
  }

  async close(): Promise<void> {
    await this.vendor.close();
  }
}

function handshakeProblem({ headers }: IncomingMessage, url: URL): Refusal | undefined {
  const refused = (status: number, title: string, message: string) => {
    return { status, body: JSON.stringify({ error_code: null, title, message, request_id: 'r1' }) };
  };
  if (url.pathname !== '/tts/websocket') return refused(404, 'Not found', 'no such path');
  const key = headers['x-api-key'] ?? headers.authorization?.replace('Bearer ', '');
  if (key !== CARTESIA_KEY) return refused(401, 'Unauthorized', 'The API key is invalid');
  const version = headers['cartesia-version'];
  if (typeof version !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(version)) {
    return refused(400, 'Bad request', 'Cartesia-Version is required');
  }
  return undefined;
}

class ServedSocket {
  readonly #server: CartesiaServer;
  readonly #connection: Connection;
  readonly #contexts = new Map<string, ServedContext>();

  constructor(server: CartesiaServer, connection: Connection) {
    this.#server = server;
    this.#connection = connection;
    connection.socket.on('message', (data: Buffer) => this.#receive(data.toString()));
  }

  #receive(text: string): void {
    const input = JSON.parse(text) as Input;
    const context = this.#contexts.get(input.context_id);
    if (input.cancel) {
      this.#server.cancelled++;
      context?.cancel();
      return;
    }
    const problem = inputProblem(input) ?? context?.problemOf(input);
    if (problem) {
      const [status, code, message] = problem;
      const error = { type: 'error', done: true, title: 'Refused', message, error_code: code, status_code: status };
      return this.#connection.send({ ...error, request_id: 'r1', context_id: input.context_id });
    }
    this.#server.inputs.push(input);
    const served = context ?? this.#begin(input);
    served.take(input);
  }

  #begin(input: Input): ServedContext {
    const context = new ServedContext(this.#server, this.#connection, input, this.#server.vendor.server.faults.shift());
    this.#contexts.set(input.context_id, context);
    this.#server.contexts++;
    return context;
  }
}

function inputProblem(input: Input): Problem {
  if (typeof input.context_id !== 'string') return [400, 'invalid_request', 'context_id is required'];
  if (typeof input.transcript !== 'string') return [400, 'invalid_request', 'transcript is required'];
  if (!CARTESIA_MODELS.includes(String(input['model_id']))) return [404, 'model_not_found', 'Invalid model'];
  const voice = input['voice'] as { mode?: string; id?: string } | undefined;
  if (voice?.mode !== 'id' || voice.id !== CARTESIA_VOICE) return [404, 'voice_not_found', 'Invalid voice'];
  const { container, encoding, sample_rate: rate } = input.output_format ?? {};
  if (
    container !== 'raw' ||
    encoding !== 'pcm_s16le' ||
    ![8000, 16000, 22050, 24000, 44100, 48000].includes(rate ?? 0)
  ) {
    return [400, 'invalid_request', 'Invalid output_format'];
  }
  if (!/^[a-z]{2}$/.test(String(input['language']))) return [400, 'invalid_request', 'Invalid language'];
  const delay = input['max_buffer_delay_ms'];
  if (typeof delay !== 'number' || delay < 0 || delay > 5000) return [400, 'invalid_request', 'Invalid delay'];
  return undefined;
}

class ServedContext {
  readonly #server: CartesiaServer;
  readonly #connection: Connection;
  readonly #first: Input;
  readonly #fault: Fault | undefined;
  readonly #rate: number;
  #work: Promise<void>;
  #chunks = 0;
  #samples = 0;
  #flushStartMs = 0;
  #flushId = 1;
  #cancelled = false;
  #broken = false;
  #ended = false;
  #expiry: NodeJS.Timeout | undefined;

  constructor(server: CartesiaServer, connection: Connection, first: Input, fault: Fault | undefined) {
    this.#server = server;
    this.#connection = connection;
    this.#first = first;
    this.#fault = fault;
    this.#rate = first.output_format!.sample_rate!;
    this.#work = sleep(fault?.kind === 'slow' ? fault.ms : server.firstAudioAfterMs);
  }

  problemOf(input: Input): Problem {
    if (this.#ended) return [400, 'context_closed', 'The context is closed or has expired'];
    for (const field of ['model_id', 'voice', 'language', 'output_format', 'add_timestamps', 'max_buffer_delay_ms']) {
      if (JSON.stringify(input[field]) !== JSON.stringify(this.#first[field])) {
        return [400, 'invalid_request', `${field} must stay the same within a context`];
      }
    }
    return undefined;
  }

  take(input: Input): void {
    if (this.#fault?.kind === 'silent') return;
    this.#ended = !input.continue;
    clearTimeout(this.#expiry);
    this.#work = this.#work.then(() => this.#speak(input)).catch(() => undefined);
  }

  /** One piece is still on its way when the cancellation comes. */
  cancel(): void {
    this.#chunk('late');
    this.#cancelled = true;
  }

  async #speak(input: Input): Promise<void> {
    if (this.#broken) return;
    if (this.#fault?.kind === 'status') return this.#refuse(this.#fault.status);
    for (const word of input.transcript.split(/\s+/).filter(Boolean)) {
      if (this.#cancelled) return;
      if (this.#fault && 'after' in this.#fault && this.#chunks === this.#fault.after) return this.#fail(this.#fault);
      this.#chunk(word);
      await setImmediate();
    }
    if (this.#stalled) return;
    if (input.flush) this.#flush();
    if (!input.continue) this.#say({ type: 'done', done: true, status_code: 206 });
    else this.#expiry = setTimeout(() => this.#expire(), this.#server.expireMs).unref();
  }

  get #stalled(): boolean {
    return this.#cancelled || (this.#fault?.kind === 'stalled' && this.#chunks >= this.#fault.after);
  }

  #chunk(word: string): void {
    const samples = new Int16Array((this.#rate * WORD_MS) / 1000).map((_, index) => this.#samples + index);
    const startMs = (this.#samples / this.#rate) * 1000 - (this.#server.timesPerFlush ? this.#flushStartMs : 0);
    this.#samples += samples.length;
    this.#chunks++;
    const data = Buffer.from(samples.buffer).toString('base64');
    this.#say({ type: 'chunk', data, done: false, status_code: 206, step_time: 1, flush_id: this.#flushId });
    const times = { words: [word], start: [startMs / 1000], end: [(startMs + WORD_MS) / 1000] };
    this.#say({ type: 'timestamps', done: false, status_code: 206, word_timestamps: times });
  }

  #flush(): void {
    this.#say({ type: 'flush_done', done: false, flush_done: true, flush_id: this.#flushId++, status_code: 206 });
    this.#flushStartMs = (this.#samples / this.#rate) * 1000;
  }

  #expire(): void {
    this.#ended = true;
    this.#say({ type: 'done', done: true, status_code: 206 });
  }

  #refuse(status: number): void {
    const code = status === 429 ? 'concurrency_limited' : null;
    const error = { title: 'Refused', message: `refused with ${status}`, error_code: code, status_code: status };
    this.#say({ type: 'error', done: true, ...error });
  }

  /** In the middle of a word: half of its audio goes out first. */
  #fail(fault: Fault): void {
    this.#broken = fault.kind !== 'stalled';
    const half = Buffer.alloc((this.#rate * WORD_MS) / 1000);
    if (fault.kind === 'cut')
      this.#say({ type: 'chunk', data: half.toString('base64'), done: false, status_code: 206 });
    if (fault.kind === 'cut') setTimeout(() => this.#connection.fail(fault), 20);
    else this.#connection.fail(fault);
  }

  #say(message: object): void {
    this.#connection.send({ ...message, context_id: this.#first.context_id });
  }
}
