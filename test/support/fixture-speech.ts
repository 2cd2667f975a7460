/** Speech for tests, made when it is needed: nothing recorded lies in the repository. */
import { readFile, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import wav from 'wav';
import type { Voice } from '../../media/agent/agent.ts';
import { compileFlite } from '../../media/providers/flite-module.ts';
import { FliteSynthesis } from '../../media/providers/flite-synthesis.ts';
import type { Pcm } from '../../media/providers/provider.ts';
import { resample } from '../../media/audio/resampler.ts';
import { speechBounds } from '../../media/audio/speech-bounds.ts';

export type FixtureSpeechOptions = {
  text: string;
  /** Default 'slt', a woman; 'rms' and 'awb' are men. */
  voice?: Voice;
  /** Default 48,000, what Chromium's fake microphone takes. */
  sampleRateHz?: number;
};

/** Speech, or a pause between speech. */
export type FixtureSegment = Int16Array | { silenceMs: number };

const HEADER_BYTES = 44;
/** How far below the loudest frame of speech its softest lies; flite's noise lies lower. */
const SPEECH_RANGE_DB = 38;

let synthesis: Promise<FliteSynthesis> | undefined;
const made = new Map<string, Promise<Int16Array>>();

/**
 * A sentence as samples, without silence around it, so that its times are known exactly. The same sentence is made once
 * in a run; its samples are shared and must not be changed.
 */
export function fixtureSpeech({
  text,
  voice = 'slt',
  sampleRateHz = 48_000,
}: FixtureSpeechOptions): Promise<Int16Array> {
  const key = `${voice}/${sampleRateHz}/${text}`;
  const speech = made.get(key) ?? speak(voice, text, sampleRateHz);
  made.set(key, speech);
  return speech;
}

async function speak(voice: Voice, text: string, sampleRateHz: number): Promise<Int16Array> {
  synthesis ??= compileFlite().then((module) => new FliteSynthesis(module));
  const pcm = (await synthesis).speak(voice, text);
  const bounds = speechBounds(pcm.samples, pcm.sampleRateHz, SPEECH_RANGE_DB);
  if (!bounds) throw new Error(`"${text}" makes no sound`);
  return resample(pcm.samples.subarray(bounds.start, bounds.end), pcm.sampleRateHz, sampleRateHz);
}

/** Segments one after another. */
export function joinSegments(segments: readonly FixtureSegment[], sampleRateHz: number): Int16Array {
  const parts = segments.map((segment) =>
    'silenceMs' in segment ? new Int16Array(Math.round((segment.silenceMs * sampleRateHz) / 1000)) : segment,
  );
  const joined = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Writes a mono 16-bit WAV file, for `--use-file-for-fake-audio-capture`. */
export async function writeFixtureWav(
  path: string,
  segments: readonly FixtureSegment[],
  sampleRateHz = 48_000,
): Promise<void> {
  const samples = joinSegments(segments, sampleRateHz);
  const writer = new wav.Writer({ channels: 1, sampleRate: sampleRateHz, bitDepth: 16 });
  // The header it writes first does not know the length; the one it emits at the end does.
  const header = new Promise<Buffer>((resolve) => writer.on('header', resolve));
  // Its streams are of a kind that cannot be iterated: hence the passing through.
  const written = buffer(writer.pipe(new PassThrough()));
  writer.end(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
  await writeFile(path, Buffer.concat([await header, (await written).subarray(HEADER_BYTES)]));
}

/** Reads a mono 16-bit WAV file. */
export async function readFixtureWav(path: string): Promise<Pcm> {
  const reader = new wav.Reader();
  const format = new Promise<wav.Format>((resolve, reject) => reader.on('format', resolve).on('error', reject));
  const read = buffer(reader.pipe(new PassThrough()));
  reader.end(await readFile(path));
  const { channels, bitDepth, sampleRate } = await format;
  if (channels !== 1 || bitDepth !== 16) throw new Error(`${path} is not mono with 16 bits`);
  return { samples: new Int16Array(new Uint8Array(await read).buffer), sampleRateHz: sampleRate };
}
