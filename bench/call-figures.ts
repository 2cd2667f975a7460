/** The steps of one call as durations in ms, from what a page noted and heard. NaN: could not be measured. */
import type { HeardSound, PageEvent } from '../test/support/browser.ts';
import { envelope } from '../test/support/sound.ts';
import { summarise } from './percentiles.ts';
import type { Cell } from './table.ts';

/** When things happened, on the page's clock unless said otherwise. */
export type CallNotes = {
  clickMs: number;
  /** How long the request for a session took, until its answer with the token was there. */
  tokenRequestMs: number;
  /** Of the client: since `connect()`, which the click calls. */
  connecting: Partial<
    Record<
      | 'helloMs'
      | 'joinedMs'
      | 'microphoneMs'
      | 'producedMs'
      | 'receiveConnectedMs'
      | 'sendConnectedMs'
      | 'firstPacketMs'
      | 'firstAudioMs',
      number
    >
  >;
  events: readonly PageEvent[];
  /** From the click to the end of the greeting. */
  greeting: HeardSound;
  /** What the caller said in peace, and what came back. */
  sentence: { startMs: number; endMs: number };
  reply: HeardSound;
  /** What the caller said to cut in, and the agent's sound from its beginning to the next turn. */
  cutIn: { startMs: number; endMs: number };
  cutOff: HeardSound;
};

export type CallFigures = Record<(typeof FIGURES)[number]['key'], number>;

/** A voice at its quietest; the noise of an encoded pause is below. */
const AUDIBLE_RMS = 0.003;
const STEP_MS = 5;

const FIGURES = [
  { key: 'token', title: 'POST → token' },
  { key: 'hello', title: 'click → hello' },
  { key: 'joined', title: 'click → join answered' },
  { key: 'microphone', title: 'click → microphone open' },
  { key: 'produced', title: 'click → microphone taken by the server' },
  { key: 'receiving', title: 'click → receiving transport connected' },
  { key: 'sending', title: 'click → sending transport connected' },
  { key: 'connected', title: 'join → both transports connected' },
  { key: 'greetingPacket', title: 'click → greeting under way, as the server tells' },
  { key: 'packet', title: 'click → first packet of the agent' },
  { key: 'greetingAudio', title: 'click → first greeting audio, client statistics' },
  { key: 'greetingHeard', title: 'click → first greeting audio, recorded sound' },
  { key: 'replyPacket', title: 'end of speech → first reply packet' },
  { key: 'endpointing', title: '  of which silence waited for' },
  { key: 'replyMade', title: '  of which from the end of the turn' },
  { key: 'replyHeard', title: 'end of speech → reply heard, in the page' },
  { key: 'ducked', title: 'barge-in onset → ducked' },
  { key: 'paused', title: 'barge-in onset → paused' },
  { key: 'silent', title: 'barge-in onset → silent' },
  { key: 'silentHeard', title: 'barge-in onset → last sound heard, in the page' },
] as const;

export function callFigures(notes: CallNotes): CallFigures {
  const { clickMs, tokenRequestMs, connecting, events, greeting } = notes;
  const { helloMs = NaN, joinedMs = NaN, microphoneMs = NaN, producedMs = NaN } = connecting;
  const { receiveConnectedMs = NaN, sendConnectedMs = NaN, firstPacketMs = NaN, firstAudioMs = NaN } = connecting;
  const speaking = events.find(({ name, data }) => name === 'agentState' && data['state'] === 'speaking');
  return {
    token: tokenRequestMs,
    hello: helloMs,
    joined: joinedMs,
    microphone: microphoneMs,
    produced: producedMs,
    receiving: receiveConnectedMs,
    sending: sendConnectedMs,
    connected: Math.max(receiveConnectedMs, sendConnectedMs) - helloMs,
    greetingPacket: (speaking?.heardMs ?? NaN) - clickMs,
    packet: firstPacketMs,
    greetingAudio: firstAudioMs,
    greetingHeard: firstAudibleMs(greeting) - clickMs,
    ...replyFigures(notes),
    ...cutInFigures(notes),
  };
}

function replyFigures({ events, sentence, reply }: CallNotes) {
  const turn = events.find(({ name }) => name === 'turn');
  const answer = events.find(
    ({ name, data, index }) =>
      name === 'agentState' && data['state'] === 'speaking' && index > (turn?.index ?? Infinity),
  );
  const endMs = numberOf(turn, 'endOfSpeechMs');
  const answeredMs = numberOf(answer, 'atMs');
  return {
    replyPacket: answeredMs - endMs,
    endpointing: numberOf(turn, 'endpointingMs'),
    replyMade: answeredMs - numberOf(turn, 'atMs'),
    replyHeard: firstAudibleMs(reply) - sentence.endMs,
  };
}

function cutInFigures({ events, cutIn, cutOff }: CallNotes) {
  const after = events.filter(({ heardMs }) => heardMs >= cutIn.startMs);
  const onsetMs = numberOf(
    after.find(({ name }) => name === 'userStartedSpeaking'),
    'atMs',
  );
  const output = (value: string) =>
    numberOf(
      after.find(({ name, data }) => name === 'agentState' && data['output'] === value),
      'atMs',
    );
  const over = after.find(({ name, data }) => name === 'agentState' && data['interruptedAfterMs'] !== undefined);
  return {
    ducked: output('ducked') - onsetMs,
    paused: output('paused') - onsetMs,
    silent: numberOf(over, 'interruptedAfterMs'),
    silentHeard: lastAudibleMs(cutOff) - cutIn.startMs,
  };
}

/** When the sound first could be heard; NaN where it can be from its very beginning, since it may have begun before. */
export function firstAudibleMs({ samples, rateHz, startMs }: HeardSound): number {
  const step = envelope(samples, rateHz, STEP_MS).findIndex((loudness) => loudness >= AUDIBLE_RMS);
  return step > 0 ? startMs + step * STEP_MS : NaN;
}

/** When the sound last could be heard; NaN where it can be at its very end, or never. */
export function lastAudibleMs({ samples, rateHz, startMs }: HeardSound): number {
  const steps = envelope(samples, rateHz, STEP_MS);
  const step = steps.findLastIndex((loudness) => loudness >= AUDIBLE_RMS);
  return step >= 0 && step < steps.length - 1 ? startMs + (step + 1) * STEP_MS : NaN;
}

/** One row a figure: how many calls gave it, and its percentiles. */
export function callRows(calls: readonly CallFigures[]): Cell[][] {
  const rows = FIGURES.map(({ key, title }) => {
    const { count, p50, p95, max } = summarise(calls.map((figures) => figures[key]));
    return [title, p50, p95, max, count];
  });
  return [['ms', 'p50', 'p95', 'max', 'calls'], ...rows];
}

function numberOf(event: PageEvent | undefined, field: string): number {
  const value = event?.data[field];
  return typeof value === 'number' ? value : NaN;
}
