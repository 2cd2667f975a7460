/**
 * The entry of flite's thread: takes one clause after another, answers each with its audio at the wanted rate, cut to
 * the silence that natural speech has. Between clauses it makes the next instance ready.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Voice } from '../agent/agent.ts';
import { resample } from '../audio/resampler.ts';
import { speechBounds } from '../audio/speech-bounds.ts';
import { yieldToOtherThreads } from '../runtime/thread-priority.ts';
import { FliteSynthesis } from './flite-synthesis.ts';

export type FliteThreadData = { module: WebAssembly.Module; sampleRateHz: number };
export type FliteRequest = { id: number; voice: Voice; text: string };
export type FliteResponse =
  | { type: 'ready' }
  | { type: 'spoken'; id: number; samples: Int16Array<ArrayBuffer> }
  | { type: 'failed'; id: number; message: string };

/**
 * Below the loudest frame. flite's own silence is noise from 40 dB below it (awb, kal16); the soft f of "four" rises above
 * this within its first 20 ms.
 */
const SPEECH_RANGE_DB = 38;
/** Kept before the first frame of speech: the breath of a consonant, and room for fading in. */
const LEAD_MS = 15;
const FADE_IN_MS = 3;
const FADE_OUT_MS = 10;
/** Pauses that a reader makes: after a sentence, after a part of one, and where the text just goes on. */
const PAUSE_MS = { sentence: 250, part: 120, none: 60 };

yieldToOtherThreads();
const { module, sampleRateHz } = workerData as FliteThreadData;
const synthesis = new FliteSynthesis(module);

/** The pause after a clause, by what it ends with; quotes and brackets may follow that. */
function pauseAfterMs(text: string): number {
  const last = /([.!?,;:-])['")\]}]*$/.exec(text)?.[1];
  if (last === undefined) return PAUSE_MS.none;
  return '.!?'.includes(last) ? PAUSE_MS.sentence : PAUSE_MS.part;
}

/** Cuts or pads the silence around speech, and fades where it cuts. */
function withNaturalPauses(samples: Int16Array, rateHz: number, pauseMs: number): Int16Array {
  const bounds = speechBounds(samples, rateHz, SPEECH_RANGE_DB);
  if (!bounds) return samples.subarray(0, 0);
  const perMs = rateHz / 1000;
  const start = Math.max(0, bounds.start - LEAD_MS * perMs);
  const kept = samples.subarray(start, bounds.end + pauseMs * perMs);
  const spoken = new Int16Array(bounds.end - start + pauseMs * perMs);
  spoken.set(kept);
  fade(spoken.subarray(0, FADE_IN_MS * perMs), false);
  fade(spoken.subarray(kept.length - FADE_OUT_MS * perMs, kept.length), true);
  return spoken;
}

function fade(samples: Int16Array, out: boolean): void {
  for (const [index, sample] of samples.entries()) {
    const gain = (index + 0.5) / samples.length;
    samples[index] = Math.round(sample * (out ? 1 - gain : gain));
  }
}

function answer({ id, voice, text }: FliteRequest): FliteResponse {
  try {
    const pcm = synthesis.speak(voice, text);
    const spoken = withNaturalPauses(pcm.samples, pcm.sampleRateHz, pauseAfterMs(text));
    // A copy of its own: what is transferred must not be a part of a larger buffer.
    return { type: 'spoken', id, samples: new Int16Array(resample(spoken, pcm.sampleRateHz, sampleRateHz)) };
  } catch (error) {
    return {
      type: 'failed',
      id,
      message: error instanceof Error ? `${error.message}: ${String(error.cause)}` : String(error),
    };
  }
}

function post(response: FliteResponse): void {
  parentPort!.postMessage(response, response.type === 'spoken' ? [response.samples.buffer] : []);
}

parentPort!.on('message', (request: FliteRequest) => {
  post(answer(request));
  setImmediate(() => synthesis.prepare());
});
synthesis.prepare();
post({ type: 'ready' });
