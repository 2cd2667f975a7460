/**
 * A local Deepgram: nova on `/v1/listen`, Flux on `/v2/listen`. Strict about keys, queries and messages; hears what was
 * written (`spoken-words.ts`).
 */
import type { IncomingMessage } from 'node:http';
import { type Connection, FaultySender, SocketVendor } from './socket-vendor.ts';
import { type Listener, WORD_MS, WordListener } from './spoken-words.ts';
import type { Refusal } from './vendor-server.ts';

export const DEEPGRAM_KEY = 'dg-test';
const NOVA_MODELS = ['nova-3', 'nova-2'];
const FLUX_MODELS = ['flux-general-en', 'flux-general-multi'];
const NOVA_QUERY =
  /^(model|language|encoding|sample_rate|channels|interim_results|punctuate|no_delay|vad_events|endpointing|utterance_end_ms|keyterm|smart_format)$/;
const FLUX_QUERY =
  /^(model|encoding|sample_rate|eot_threshold|eager_eot_threshold|eot_timeout_ms|keyterm|language_hint)$/;

export class DeepgramServer {
  readonly vendor: SocketVendor;
  /** Types of the text messages that came, in order. */
  readonly controls: string[] = [];
  /** The addresses that were connected to. */
  readonly urls: URL[] = [];
  /** Bytes of each binary message. */
  readonly chunkBytes: number[] = [];
  /** On connections to come, everything is told so late. */
  answersAfterMs = 0;

  private constructor(vendor: SocketVendor) {
    this.vendor = vendor;
  }

  /**
   * @param listener hears words in what each connection sends; default: those of `speech`
   * @param address where it listens; default: loopback
   */
  static async start(
    listener: () => Listener = () => new WordListener(16_000),
    address?: string,
  ): Promise<DeepgramServer> {
    const vendor = await SocketVendor.start({
      address,
      check: handshakeProblem,
      refusal: (status, message) => refusalBody(status === 429 ? 'TOO_MANY_REQUESTS' : 'INTERNAL', message),
      serve: (connection, url) => {
        server.urls.push(url);
        const sender = new FaultySender(connection, vendor.server.faults.shift(), server.answersAfterMs);
        const ears = url.pathname === '/v2/listen' ? new FluxEars(sender) : new NovaEars(sender);
        listen(server, connection, ears, listener());
      },
    });
    const server = new DeepgramServer(vendor);
    return server;
  }

  close(): Promise<void> {
    return this.vendor.close();
  }
}

/** What is done with audio and with a control message; `false` for one that it does not know. */
type Ears = { hear(words: string[]): void; control(type: string): boolean; end(): void };

function listen(server: DeepgramServer, connection: Connection, ears: Ears, words: Listener): void {
  const { socket } = connection;
  socket.on('message', (data: Buffer, binary) => {
    if (binary) {
      // An empty frame ends the stream.
      if (data.length === 0) return socket.close(1000);
      server.chunkBytes.push(data.length);
      return ears.hear(words.hear(data));
    }
    const { type } = JSON.parse(data.toString()) as { type: string };
    server.controls.push(type);
    if (type === 'CloseStream') {
      ears.end();
      return socket.close(1000);
    }
    if (type === 'Finalize' || type === 'ForceEndTurn') ears.hear(words.rest());
    if (!ears.control(type)) socket.close(1008, 'DATA-0000');
  });
}

function refusalBody(code: string, message: string): string {
  return JSON.stringify({ err_code: code, err_msg: message, request_id: 'r1' });
}

function handshakeProblem({ headers }: IncomingMessage, url: URL): Refusal | undefined {
  const flux = url.pathname === '/v2/listen';
  if (!flux && url.pathname !== '/v1/listen') return { status: 404, body: refusalBody('NOT_FOUND', 'no such path') };
  if (headers.authorization !== `Token ${DEEPGRAM_KEY}`) {
    return { status: 401, body: refusalBody('INVALID_AUTH', 'Invalid credentials.') };
  }
  const problem = queryProblem(url.searchParams, flux);
  return problem === undefined ? undefined : { status: 400, body: refusalBody('Bad Request', problem) };
}

function queryProblem(query: URLSearchParams, flux: boolean): string | undefined {
  const unknown = [...query.keys()].find((name) => !(flux ? FLUX_QUERY : NOVA_QUERY).test(name));
  if (unknown) return `unknown parameter ${unknown}`;
  const model = query.get('model') ?? '';
  if (!(flux ? FLUX_MODELS : NOVA_MODELS).includes(model)) return `No such model/language/tier combination: ${model}`;
  if (query.get('encoding') !== 'linear16' || query.get('sample_rate') !== '16000') return 'raw audio needs its format';
  const utteranceEnd = query.get('utterance_end_ms');
  if (utteranceEnd && (Number(utteranceEnd) < 1000 || query.get('interim_results') !== 'true')) {
    return 'utterance_end_ms must be at least 1000, with interim_results';
  }
  const eot = query.get('eot_threshold');
  if (eot && (Number(eot) < 0.5 || Number(eot) > 1)) return 'eot_threshold must be 0.5 to 1';
  return undefined;
}

class NovaEars implements Ears {
  readonly #sender: FaultySender;
  /** Words since the last final. */
  #words: string[] = [];
  #fromMs = 0;
  #nowMs = 0;
  #quietMs = 0;
  #inUtterance = false;

  constructor(sender: FaultySender) {
    this.#sender = sender;
  }

  hear(words: string[]): void {
    for (const word of words) {
      this.#nowMs += WORD_MS;
      if (word) this.#hearWord(word);
      else this.#hearSilence();
    }
  }

  control(type: string): boolean {
    if (type === 'Finalize') this.#finalize();
    return type === 'Finalize' || type === 'KeepAlive';
  }

  end(): void {
    this.#sender.send({
      type: 'Metadata',
      transaction_key: 'deprecated',
      request_id: 'r1',
      duration: this.#nowMs / 1000,
    });
  }

  #hearWord(word: string): void {
    if (!this.#inUtterance)
      this.#sender.send({ type: 'SpeechStarted', channel: [0, 1], timestamp: this.#nowMs / 1000 });
    this.#inUtterance = true;
    this.#quietMs = 0;
    this.#words.push(word);
    this.#results({ is_final: false, speech_final: false, from_finalize: false });
  }

  #hearSilence(): void {
    this.#quietMs += WORD_MS;
    if (this.#words.length > 0) this.#final({ is_final: true, speech_final: true, from_finalize: false });
    if (!this.#inUtterance || this.#quietMs < 1_000) return;
    this.#inUtterance = false;
    this.#sender.send({ type: 'UtteranceEnd', channel: [0, 1], last_word_end: (this.#nowMs - this.#quietMs) / 1000 });
  }

  /** With nothing pending there need not be an answer, and here is none. */
  #finalize(): void {
    if (this.#words.length > 0) this.#final({ is_final: true, speech_final: false, from_finalize: true });
  }

  #final(how: { is_final: boolean; speech_final: boolean; from_finalize: boolean }): void {
    this.#results(how);
    this.#words = [];
    this.#fromMs = this.#nowMs;
  }

  #results(how: object): void {
    const words = this.#words.map((word, index) => {
      const start = (this.#nowMs - (this.#words.length - index) * WORD_MS - this.#quietMs) / 1000;
      return { word, start, end: start + WORD_MS / 1000, confidence: 0.98, punctuated_word: word };
    });
    this.#sender.send({
      type: 'Results',
      channel_index: [0, 1],
      start: this.#fromMs / 1000,
      duration: (this.#nowMs - this.#fromMs) / 1000,
      ...how,
      channel: { alternatives: [{ transcript: this.#words.join(' '), confidence: 0.98, words }] },
      metadata: { request_id: 'r1' },
    });
  }
}

/** Ends a turn after 500 ms of silence, and believes that it may have ended after 300 ms. */
class FluxEars implements Ears {
  readonly #sender: FaultySender;
  #words: string[] = [];
  #sequence = 0;
  #turn = 0;
  #nowMs = 0;
  #quietMs = 0;
  #eager = false;

  constructor(sender: FaultySender) {
    this.#sender = sender;
    sender.send({ type: 'Connected', request_id: 'r1', sequence_id: this.#sequence++ });
  }

  hear(words: string[]): void {
    for (const word of words) {
      this.#nowMs += WORD_MS;
      if (word) this.#hearWord(word);
      else this.#hearSilence();
    }
  }

  control(type: string): boolean {
    if (type === 'ForceEndTurn' && this.#words.length > 0) this.#endTurn('manual');
    return type === 'ForceEndTurn' || type === 'Configure';
  }

  end(): void {
    this.#words = [];
  }

  #hearWord(word: string): void {
    this.#quietMs = 0;
    this.#words.push(word);
    if (this.#words.length === 1) return this.#info('StartOfTurn', 0.1);
    if (this.#eager) this.#info('TurnResumed', 0.1);
    else this.#info('Update', 0.1);
    this.#eager = false;
  }

  #hearSilence(): void {
    this.#quietMs += WORD_MS;
    if (this.#words.length === 0) return this.#info('Update', 0);
    if (this.#quietMs === 300) {
      this.#eager = true;
      this.#info('EagerEndOfTurn', 0.5);
    } else if (this.#quietMs === 500) this.#endTurn('model');
  }

  #endTurn(trigger: string): void {
    this.#info('EndOfTurn', 0.9, trigger);
    this.#words = [];
    this.#eager = false;
    this.#turn++;
  }

  #info(event: string, confidence: number, trigger?: string): void {
    const end = this.#nowMs - this.#quietMs;
    this.#sender.send({
      type: 'TurnInfo',
      request_id: 'r1',
      sequence_id: this.#sequence++,
      event,
      turn_index: this.#turn,
      audio_window_start: (end - this.#words.length * WORD_MS) / 1000,
      audio_window_end: end / 1000,
      transcript: this.#words.join(' '),
      words: this.#words.map((word) => ({ word, confidence: 0.98 })),
      end_of_turn_confidence: confidence,
      ...(trigger && { trigger }),
    });
  }
}
