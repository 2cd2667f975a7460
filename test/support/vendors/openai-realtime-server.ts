/** A local server of OpenAI's realtime transcription. Strict about the session; hears what was written. */
import type { IncomingMessage } from 'node:http';
import { errorBody, OPENAI_KEY } from './openai-audio-server.ts';
import { type Connection, FaultySender, SocketVendor } from './socket-vendor.ts';
import { type Listener, WordListener } from './spoken-words.ts';
import type { Refusal } from './vendor-server.ts';

export const REALTIME_MODELS = ['gpt-live-transcribe', 'gpt-realtime-whisper'];

type Message = { type: string; audio?: string; session?: Session };
type Session = {
  type?: string;
  audio?: {
    input?: {
      format?: { type?: string; rate?: number };
      transcription?: { model?: string; language?: string };
      turn_detection?: unknown;
    };
  };
};

/** @param listener hears words in what each connection sends; default: those of `speech` */
export async function startOpenAiRealtime(
  listener: () => Listener = () => new WordListener(24_000),
): Promise<SocketVendor> {
  const vendor = await SocketVendor.start({
    check: handshakeProblem,
    refusal: (status, message) => errorBody(message, status === 429 ? 'rate_limit_exceeded' : null),
    serve: (connection) =>
      void new RealtimeSession(connection, new FaultySender(connection, vendor.server.faults.shift()), listener()),
  });
  return vendor;
}

function handshakeProblem({ headers }: IncomingMessage, url: URL): Refusal | undefined {
  if (url.pathname !== '/v1/realtime') return { status: 404, body: errorBody('no such path') };
  if (headers.authorization !== `Bearer ${OPENAI_KEY}`) {
    return { status: 401, body: errorBody('Incorrect API key provided', 'invalid_api_key') };
  }
  return url.searchParams.get('intent') === 'transcription' ? undefined : { status: 400, body: errorBody('no intent') };
}

class RealtimeSession {
  readonly #sender: FaultySender;
  readonly #words: Listener;
  #events = 0;
  #items = 0;
  #itemId = 'item_0';
  #itemWords: string[] = [];
  #bufferedMs = 0;
  #configured = false;

  constructor({ socket }: Connection, sender: FaultySender, words: Listener) {
    this.#sender = sender;
    this.#words = words;
    socket.on('message', (data: Buffer) => this.#receive(JSON.parse(data.toString()) as Message));
    this.#tell('session.created', { session: { type: 'transcription' } });
  }

  #receive(message: Message): void {
    switch (message.type) {
      case 'session.update':
        return this.#update(message.session ?? {});
      case 'input_audio_buffer.append':
        return this.#append(Buffer.from(message.audio ?? '', 'base64'));
      case 'input_audio_buffer.commit':
        return this.#commit();
      default:
        return this.#refuse('invalid_value', `Invalid value: '${message.type}'`);
    }
  }

  #update({ type, audio }: Session): void {
    const { format, transcription, turn_detection: turnDetection } = audio?.input ?? {};
    if (type !== 'transcription')
      return this.#refuse('invalid_model', 'Passing a transcription session needs its type');
    if (format?.type !== 'audio/pcm' || format.rate !== 24_000) return this.#refuse('invalid_value', 'only 24 kHz');
    if (!REALTIME_MODELS.includes(transcription?.model ?? '')) return this.#refuse('invalid_model', 'no such model');
    if (turnDetection) return this.#refuse('invalid_value', 'turn detection is not supported by this model');
    if (transcription?.language && !/^[a-z]{2}$/.test(transcription.language)) {
      return this.#refuse('invalid_value', 'language: ISO-639-1');
    }
    this.#configured = true;
    this.#tell('session.updated', { session: { type, audio } });
  }

  #append(bytes: Buffer): void {
    if (!this.#configured) return this.#refuse('invalid_state', 'the session is not configured');
    this.#bufferedMs += bytes.length / 48;
    this.#say(this.#words.hear(bytes));
  }

  #say(words: readonly string[]): void {
    for (const word of words.filter(Boolean)) {
      const delta = this.#itemWords.length > 0 ? ` ${word}` : word;
      const place = { item_id: this.#itemId, content_index: 0 };
      this.#tell('conversation.item.input_audio_transcription.delta', { ...place, delta });
      this.#itemWords.push(word);
    }
  }

  #commit(): void {
    if (this.#bufferedMs < 100) {
      const only = `buffer too small. Expected at least 100ms of audio, but buffer only has ${this.#bufferedMs.toFixed(2)}ms`;
      return this.#refuse('input_audio_buffer_commit_empty', `Error committing input audio buffer: ${only} of audio.`);
    }
    this.#say(this.#words.rest());
    this.#tell('input_audio_buffer.committed', { item_id: this.#itemId, previous_item_id: null });
    const usage = { type: 'duration', seconds: this.#bufferedMs / 1000 };
    const completed = { item_id: this.#itemId, content_index: 0, transcript: this.#itemWords.join(' '), usage };
    const tell = () => this.#tell('conversation.item.input_audio_transcription.completed', completed);
    // An item may take longer than the one after it.
    if (this.#itemWords.includes('later')) setTimeout(tell, 50);
    else tell();
    this.#itemId = `item_${++this.#items}`;
    this.#itemWords = [];
    this.#bufferedMs = 0;
  }

  #refuse(code: string, message: string): void {
    this.#tell('error', { error: { type: 'invalid_request_error', code, message, param: null, event_id: null } });
  }

  #tell(type: string, fields: object): void {
    this.#sender.send({ type, event_id: `event_${this.#events++}`, ...fields });
  }
}
