/** Speech as Opus packets of 20 ms, encoded as browsers do: 48 kHz, 32 kbit/s. */
import type { Voice } from '../../media/agent/agent.ts';
import { frameSamples } from '../../media/audio/opus.ts';
import { BrowserOpus } from './browser-opus.ts';
import { fixtureSpeech } from './fixture-speech.ts';

const RATE_HZ = 48_000;

export async function opusSpeech(text: string, voice: Voice = 'slt'): Promise<Uint8Array[]> {
  return opusPackets(await fixtureSpeech({ text, voice, sampleRateHz: RATE_HZ }));
}

/** @param samples at 48 kHz; what is left after the last whole frame is left out */
export function opusPackets(samples: Int16Array): Uint8Array[] {
  const encoder = new BrowserOpus(RATE_HZ);
  const frame = frameSamples(RATE_HZ);
  const frames = Math.floor(samples.length / frame);
  return Array.from({ length: frames }, (_, index) =>
    encoder.encode(samples.slice(index * frame, (index + 1) * frame)),
  );
}
