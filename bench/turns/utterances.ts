/**
 * What callers say in turn after turn: sentences of flite's voices, half of them with pauses.
 *
 * Lengths of pauses follow a log-normal distribution with a median of 450 ms and σ = 0.6: 9 % are shorter than 200 ms, 9 %
 * longer than a second. Campione and Véronis (Speech Prosody 2002, 6,000 pauses in five languages) found them log-normal in
 * such classes: brief below 200 ms, most from 200 to 1,000 ms, and longer ones in spontaneous speech alone; Lundholm Fors
 * (Gothenburg 2015) calls a quarter to half a second typical. Median and σ are chosen to agree with both, not taken from a
 * table. Taken are the quantiles in the midst of equal shares, so that every run has the same pauses.
 */
import type { Voice } from '../../media/agent/agent.ts';
import { fixtureSpeech, joinSegments } from '../../test/support/fixture-speech.ts';
import { opusPackets } from '../../test/support/opus-speech.ts';

export type Segment = { words: string[]; speechMs: number };

export type Utterance = {
  segments: Segment[];
  pausesMs: number[];
  packets: Uint8Array[];
  /** Index of the packet with the last speech. */
  lastSpeech: number;
};

const RATE_HZ = 48_000;
const FRAME_MS = 20;
const MEDIAN_MS = 450;
const SIGMA = 0.6;
/** A browser with DTX goes on sending for about so long after speech. */
const HANGOVER_MS = 200;

/** As a recogniser writes them that puts a full stop where a sentence ends. A dash is a pause. */
const TEXTS: readonly { text: string; voice: Voice }[] = [
  { text: 'What time do you open on Sunday?', voice: 'slt' },
  { text: 'I would like — to book a table for four people.', voice: 'rms' },
  { text: 'Can you tell me where my parcel is?', voice: 'awb' },
  { text: 'I need a taxi to the station — at half past nine tomorrow.', voice: 'slt' },
  { text: 'two large pizzas with olives', voice: 'rms' },
  { text: 'Yes please — and a bottle of water.', voice: 'awb' },
  { text: 'My name is Miller.', voice: 'slt' },
  { text: 'Well — my order has not arrived yet — although it was sent on Monday.', voice: 'rms' },
  { text: 'That is all, thank you.', voice: 'awb' },
  { text: 'I am calling about my bill — because two of its lines — make no sense to me.', voice: 'slt' },
  { text: 'tomorrow in the afternoon', voice: 'rms' },
  { text: 'Hello. — I have a question — about the train to the coast.', voice: 'awb' },
];

export async function utterances(): Promise<Utterance[]> {
  const count = TEXTS.reduce((sum, { text }) => sum + text.split('—').length - 1, 0);
  // In an order of its own, lest the lengths go by the texts.
  const lengths = Array.from({ length: count }, (_, index) => pauseMs((((index * 7) % count) + 0.5) / count));
  return Promise.all(
    TEXTS.map(({ text, voice }) => {
      const parts = text.split('—').map((part) => part.trim());
      return utterance(parts, voice, lengths.splice(0, parts.length - 1));
    }),
  );
}

async function utterance(parts: string[], voice: Voice, pausesMs: number[]): Promise<Utterance> {
  const spoken = await Promise.all(parts.map((text) => fixtureSpeech({ text, voice, sampleRateHz: RATE_HZ })));
  const pieces = spoken.flatMap((samples, index) => {
    const silenceMs = pausesMs[index];
    return silenceMs === undefined ? [samples] : [samples, { silenceMs }];
  });
  const speech = joinSegments(pieces, RATE_HZ);
  const packets = opusPackets(joinSegments([speech, { silenceMs: HANGOVER_MS }], RATE_HZ));
  const lastSpeech = Math.ceil((1000 * speech.length) / RATE_HZ / FRAME_MS) - 1;
  const segments = parts.map((text, index) => {
    return { words: text.split(' '), speechMs: (1000 * spoken[index]!.length) / RATE_HZ };
  });
  return { segments, pausesMs, packets, lastSpeech };
}

function pauseMs(quantile: number): number {
  return Math.round(MEDIAN_MS * Math.exp(SIGMA * standardNormal(quantile)));
}

/** The quantile of the standard normal distribution, by bisection of its distribution function. */
function standardNormal(quantile: number): number {
  let [low, high] = [-6, 6];
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (cumulative(middle) < quantile) low = middle;
    else high = middle;
  }
  return low;
}

/** Abramowitz and Stegun 26.2.17, right to 7 digits. */
function cumulative(x: number): number {
  if (x < 0) return 1 - cumulative(-x);
  const t = 1 / (1 + 0.2316419 * x);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
