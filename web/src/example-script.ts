import type { AgentState, Decision, TranscriptEntry, Turn } from '../../client-sdk/src/types.ts';

/** Something that a server would tell, and when. Times are ms from the start of the example. */
export type ExampleEvent = { atMs: number } & (
  | { name: 'speech'; speaking: boolean; turnId: string }
  | { name: 'agentState'; state: AgentState }
  | { name: 'turn'; turn: Turn }
  | { name: 'decision'; decision: Decision }
  | { name: 'line'; entry: TranscriptEntry }
);

/** Then it begins anew: long enough to look at the last turn. */
export const exampleMs = 21_000;
/** The moment that is shown to those who asked for less motion. */
export const stillMs = 16_000;

type Span = { lane: 'user' | 'agent'; fromMs: number; toMs: number; share: number };

/** Who is to be heard when; `share` of the full voice. */
const spans: readonly Span[] = [
  { lane: 'agent', fromMs: 400, toMs: 2300, share: 1 },
  { lane: 'user', fromMs: 3200, toMs: 5100, share: 1 },
  { lane: 'agent', fromMs: 5720, toMs: 7500, share: 1 },
  { lane: 'user', fromMs: 7400, toMs: 7700, share: 0.6 },
  { lane: 'agent', fromMs: 7500, toMs: 8100, share: 0.3 },
  { lane: 'agent', fromMs: 8100, toMs: 10_600, share: 1 },
  { lane: 'user', fromMs: 10_500, toMs: 12_400, share: 1 },
  { lane: 'agent', fromMs: 10_600, toMs: 10_850, share: 0.3 },
  { lane: 'agent', fromMs: 13_010, toMs: 15_600, share: 1 },
];

/** How loud a side is: syllables of a voice that nobody recorded. 0…1 */
export function exampleLoudness(lane: 'user' | 'agent', atMs: number): number {
  const span = spans.find(({ fromMs, toMs, lane: own }) => own === lane && atMs >= fromMs && atMs < toMs);
  if (!span) return 0;
  const syllable = Math.abs(Math.sin(atMs / 97) + 0.6 * Math.sin(atMs / 41 + (lane === 'user' ? 1 : 2)));
  return span.share * Math.min(0.95, 0.35 + 0.4 * syllable);
}

const state = (atMs: number, turnId: string, more: Partial<AgentState> = {}): ExampleEvent => ({
  atMs,
  name: 'agentState',
  state: { state: 'speaking', output: 'normal', turnId, atMs, ...more },
});
const listening = (atMs: number, more: Partial<AgentState> = {}): ExampleEvent => ({
  atMs,
  name: 'agentState',
  state: { state: 'listening', output: 'normal', atMs, ...more },
});
const speech = (atMs: number, turnId: string, speaking: boolean): ExampleEvent => ({
  atMs,
  name: 'speech',
  speaking,
  turnId,
});
const decided = (
  atMs: number,
  turnId: string,
  decision: string,
  reason: string,
  inputs: Decision['inputs'],
): ExampleEvent => ({ atMs, name: 'decision', decision: { decision, reason, inputs, turnId, atMs } });

/** A turn that a language model answers: over, then thought about, then heard. */
function turn(turnId: string, startMs: number, endOfSpeechMs: number, firstPacketMs: number): ExampleEvent[] {
  const endpointMs = endOfSpeechMs + 310;
  const timings = {
    endOfSpeechMs,
    transcriptMs: endOfSpeechMs + 120,
    endpointMs,
    firstTokenMs: firstPacketMs - 118,
    firstAudioMs: firstPacketMs - 9,
    firstPacketMs,
    heardMs: firstPacketMs + 78,
  };
  const spoken = { turnId, startMs, endOfSpeechMs, speechMs: endOfSpeechMs - startMs, endpointingMs: 310 };
  const line = {
    turnId,
    role: 'agent',
    text: '…',
    final: false,
    startMs: firstPacketMs,
    endMs: firstPacketMs,
  } as const;
  return [
    { atMs: endpointMs, name: 'turn', turn: { ...spoken, atMs: endpointMs } },
    decided(endpointMs, turnId, 'endpoint', 'sentence', { endpointingMs: 310 }),
    state(endpointMs, turnId, { state: 'thinking' }),
    state(firstPacketMs, turnId),
    { atMs: firstPacketMs, name: 'line', entry: { ...line, timings } },
  ];
}

/** A greeting, a question, an "mm-hm" into the answer, and somebody who cuts in. In the order of time. */
export const exampleEvents: readonly ExampleEvent[] = [
  state(400, 'e1'),
  listening(2300),
  speech(3200, 'e2', true),
  speech(5100, 'e2', false),
  ...turn('e2', 3200, 5100, 5640),
  speech(7400, 'e3', true),
  decided(7500, 'e2', 'duck', 'speech', { speechMs: 96 }),
  state(7500, 'e2', { output: 'ducked' }),
  speech(7700, 'e3', false),
  decided(8100, 'e2', 'unduck', 'words', { silenceMs: 400 }),
  state(8100, 'e2'),
  speech(10_500, 'e4', true),
  decided(10_600, 'e2', 'duck', 'speech', { speechMs: 96 }),
  state(10_600, 'e2', { output: 'ducked' }),
  decided(10_800, 'e2', 'interrupt', 'words', { words: 'other' }),
  listening(10_850, { interruptedAfterMs: 330 }),
  speech(12_400, 'e4', false),
  ...turn('e4', 10_500, 12_400, 12_930),
  listening(15_600),
];
