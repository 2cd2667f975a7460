/**
 * A local server of OpenAI's audio over HTTP: `audio/speech` (each word is 100 ms whose samples count on within a request)
 * and `audio/transcriptions` (multipart with a WAV file; what it hears is what it was told to hear). Strict about both.
 */
import { type Answer, type Refusal, type VendorRequest, VendorServer } from './vendor-server.ts';

export const OPENAI_KEY = 'sk-test';
export const SPEECH_MODELS = ['gpt-4o-mini-tts', 'tts-1'];
export const TRANSCRIPTION_MODELS = ['whisper-1', 'gpt-4o-transcribe', 'gpt-4o-mini-transcribe'];
const VOICES = [
  'alloy',
  'ash',
  'ballad',
  'coral',
  'echo',
  'fable',
  'onyx',
  'nova',
  'sage',
  'shimmer',
  'verse',
  'marin',
  'cedar',
];
const WORD_SAMPLES = 2_400;

export type OpenAiAudioServer = {
  server: VendorServer;
  /** What the next transcription says. */
  hears: (text: string) => void;
  /** Milliseconds of audio of each transcription asked for. */
  heardMs: number[];
};

export async function startOpenAiAudio(): Promise<OpenAiAudioServer> {
  let text = 'hello there';
  const heardMs: number[] = [];
  const server = await VendorServer.start({
    refusal: (status, message) => errorBody(message, status === 429 ? 'rate_limit_exceeded' : null),
    handle: (request) => {
      const { headers, method } = request.message;
      if (method !== 'POST') return refuse(405, 'only POST');
      if (headers.authorization !== `Bearer ${OPENAI_KEY}`) return refuse(401, 'Incorrect API key', 'invalid_api_key');
      if (request.url.pathname === '/v1/audio/speech') return speak(request);
      if (request.url.pathname === '/v1/audio/transcriptions') return transcribe(request, text, heardMs);
      return refuse(404, `no such path: ${request.url.pathname}`);
    },
  });
  return { server, heardMs, hears: (next) => void (text = next) };
}

export function errorBody(message: string, code: string | null = null): string {
  return JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } });
}

function refuse(status: number, message: string, code?: string): Refusal {
  return { status, body: errorBody(message, code ?? null) };
}

function speak({ message, body }: VendorRequest): Answer | Refusal {
  if (!message.headers['content-type']?.startsWith('application/json')) return refuse(415, 'only JSON');
  const { model, input, voice, response_format: format } = JSON.parse(body.toString()) as Record<string, unknown>;
  if (!SPEECH_MODELS.includes(String(model))) return refuse(404, 'The model does not exist', 'model_not_found');
  if (typeof input !== 'string' || input === '' || input.length > 4096)
    return refuse(400, 'input: 1 to 4096 characters');
  if (!VOICES.includes(String(voice))) return refuse(400, `unknown voice ${String(voice)}`);
  if (format !== 'pcm') return refuse(400, 'this server makes pcm only');
  const samples = Int16Array.from({ length: input.trim().split(/\s+/).length * WORD_SAMPLES }, (_, index) => index);
  return { contentType: 'audio/pcm', pieces: inOddPieces(Buffer.from(samples.buffer)), malformed: '' };
}

/** As networks cut it: in the middle of samples too. */
function inOddPieces(bytes: Buffer): Buffer[] {
  const size = 1_801;
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

function transcribe({ message, body }: VendorRequest, text: string, heardMs: number[]): Answer | Refusal {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(message.headers['content-type'] ?? '')?.[1];
  if (!boundary) return refuse(415, 'only multipart/form-data');
  const fields = fieldsOf(body, boundary);
  const model = fields.get('model')?.toString() ?? '';
  if (!TRANSCRIPTION_MODELS.includes(model)) return refuse(404, 'The model does not exist', 'model_not_found');
  const language = fields.get('language')?.toString();
  if (language !== undefined && !/^[a-z]{2}$/.test(language)) return refuse(400, 'language: ISO-639-1');
  const file = fields.get('file');
  if (!file || file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    return refuse(400, 'Invalid file format');
  }
  const [rate, dataBytes] = [file.readUInt32LE(24), file.readUInt32LE(40)];
  if (dataBytes !== file.length - 44) return refuse(400, 'the file is damaged');
  const durationMs = (dataBytes / 2 / rate) * 1000;
  if (durationMs < 100) return refuse(400, 'Audio file is too short. Minimum audio length is 0.1 seconds.');
  heardMs.push(durationMs);
  const half = JSON.stringify({ text }).length / 2;
  const whole = JSON.stringify({ text });
  return { contentType: 'application/json', pieces: [whole.slice(0, half), whole.slice(half)], malformed: '{"tex' };
}

function fieldsOf(body: Buffer, boundary: string): Map<string, Buffer> {
  const fields = new Map<string, Buffer>();
  const mark = Buffer.from(`--${boundary}\r\n`);
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) {
    const headEnd = body.indexOf('\r\n\r\n', at);
    const end = body.indexOf(`\r\n--${boundary}`, headEnd);
    const name = /name="([^"]+)"/.exec(body.toString('latin1', at, headEnd))?.[1];
    if (name) fields.set(name, body.subarray(headEnd + 4, end));
  }
  return fields;
}
