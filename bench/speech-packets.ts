/** Callers who never stop talking, as Opus packets. */
import type { Voice } from '../media/agent/agent.ts';
import { fixtureSpeech, joinSegments } from '../test/support/fixture-speech.ts';
import { opusPackets } from '../test/support/opus-speech.ts';

const SENTENCES = [
  'I would like to know when the next train to the coast leaves, and whether I have to change on the way.',
  'Could you tell me what the weather will be like tomorrow, because we want to have our lunch in the garden?',
  'My order has not arrived yet, although the letter says that it was sent on Monday morning last week.',
  'Please put me through to somebody who knows about the bill, since two of its lines make no sense to me.',
];
/** flite's better voices. */
const SPEAKERS: readonly Voice[] = ['slt', 'rms', 'awb'];
const RATE_HZ = 48_000;

/**
 * One loop of packets of 20 ms for each voice: sentences without a pause between them, so that no turn ever ends.
 * Encoded as browsers do: 48 kHz, 32 kbit/s.
 */
export async function speechLoops(): Promise<Uint8Array[][]> {
  return Promise.all(SPEAKERS.map(async (voice) => opusPackets(await monologue(voice, RATE_HZ))));
}

/** All sentences in one go. */
export async function monologue(voice: Voice, sampleRateHz: number): Promise<Int16Array> {
  const spoken = await Promise.all(SENTENCES.map((text) => fixtureSpeech({ text, voice, sampleRateHz })));
  return joinSegments(spoken, sampleRateHz);
}
