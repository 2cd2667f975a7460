/** What is said in calls over bad networks, each time the same. */
import type { Utterance } from './impaired-call.ts';
import { opusPackets, opusSpeech } from './opus-speech.ts';
import { fixtureSpeech, joinSegments } from './fixture-speech.ts';

const RATE_HZ = 48_000;
/** Longer than the silence that ends a turn, and time for the answer to begin and be cut short. */
const PAUSE_MS = 1600;
/** Shorter than the silence that ends a turn. */
const THINKING_MS = 300;

const SENTENCES = [
  'I would like to book a table for two, please.',
  'The train that I wanted to take was late again this morning.',
  'Could you tell me whether the shop by the river is open?',
  'My daughter has lost her umbrella, and it was not a cheap one.',
] as const;

/** Sentences by themselves. */
export function sentences(count: number): Promise<Utterance[]> {
  return Promise.all(
    SENTENCES.slice(0, count).map(async (text) => ({ packets: await opusSpeech(text), pauseMs: PAUSE_MS })),
  );
}

/** Sentences in which the caller stops to think, without being at an end. */
export async function thoughtfulSentences(): Promise<Utterance[]> {
  const [first, second, third, fourth] = await Promise.all(
    SENTENCES.map((text) => fixtureSpeech({ text, sampleRateHz: RATE_HZ })),
  );
  const pairs = [
    [first!, second!],
    [third!, fourth!],
  ];
  return pairs.map(([before, after]) => {
    const samples = joinSegments([before!, { silenceMs: THINKING_MS }, after!], RATE_HZ);
    return { packets: opusPackets(samples), pauseMs: PAUSE_MS };
  });
}
