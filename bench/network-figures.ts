/** What the trials in one network come to, beside those in the clean one. */
import { findSpeech, loudMs } from '../test/support/sound.ts';
import type { NetworkTrial } from './network-trial.ts';
import { median } from './percentiles.ts';
import type { Cell } from './table.ts';

export type NetworkFigures = {
  network: string;
  calls: number;
  utterances: number;
  turns: { missed: number; extra: number };
  /** Beginnings of speech that were found, beyond one for each stretch of it. */
  onsetsBeyondClean: number;
  /** Medians and largest values of how much later than in the clean network turns began and ended, in ms. */
  startShiftMs: { median: number; largest: number };
  endShiftMs: { median: number; largest: number };
  /** Of the caller's voice, at the server. */
  caller: RepairFigures & { jitterMs: number; waitMs: number; waitedMsPerMinute: number };
  /** Of the agent's voice, at the client. */
  agent: RepairFigures & { likeness: { median: number; least: number } };
};

/** Of one direction, summed over the calls. */
type RepairFigures = {
  /** Packets that the receiving end asked for, that the sending end sent again, and that came. */
  asked: number;
  sentAgain: number;
  cameAgain: number;
  /** Of those the ones that came before their place had been filled. At the client: within its 200 ms. */
  inTime: number;
  /** Given up. */
  lost: number;
  packets: number;
  concealedMsPerMinute: number;
};

const HEARD_RATE_HZ = 16_000;
/** 30 dB below full scale's peak: a voice, not its echo in a pause. */
const LOUD = 300;
const MS_PER_MINUTE = 60_000;

export function networkFigures(
  network: string,
  trials: readonly NetworkTrial[],
  clean: readonly NetworkTrial[],
): NetworkFigures {
  const sum = (value: (trial: NetworkTrial) => number) => trials.reduce((all, trial) => all + value(trial), 0);
  const minutes = (value: (trial: NetworkTrial) => number) => sum(value) / MS_PER_MINUTE;
  const onsets = median(clean.map((trial) => trial.onsets));
  return {
    network,
    calls: trials.length,
    utterances: sum(({ utterances }) => utterances),
    turns: { missed: sum(({ turns }) => turns.missed), extra: sum(({ turns }) => turns.extra) },
    onsetsBeyondClean: sum((trial) => trial.onsets - onsets),
    startShiftMs: shift(trials, clean, ({ turns }) => turns.startShiftsMs),
    endShiftMs: shift(trials, clean, ({ turns }) => turns.endShiftsMs),
    caller: {
      asked: sum(({ streams }) => streams.fromCaller.packetsAsked),
      sentAgain: sum(({ client }) => client.sentAgain),
      cameAgain: sum(({ streams }) => streams.fromCaller.cameAgain),
      inTime: sum(({ caller }) => caller.packetsRecovered),
      lost: sum(({ caller }) => caller.packetsLost),
      packets: sum(({ caller }) => caller.packetsReceived),
      concealedMsPerMinute: sum(({ caller }) => caller.concealedMs) / minutes(({ callerMs }) => callerMs),
      jitterMs: median(trials.map(({ caller }) => caller.jitterMs)),
      waitMs: median(trials.map(({ caller }) => caller.waitMs)),
      waitedMsPerMinute: sum(({ caller }) => caller.waitedMs) / minutes(({ callerMs }) => callerMs),
    },
    agent: {
      asked: sum(({ client }) => client.asked),
      sentAgain: sum(({ streams }) => streams.toCaller.sentAgain),
      cameAgain: sum(({ client }) => client.cameAgain),
      inTime: sum(({ agent }) => agent.recovered),
      lost: sum(({ agent }) => agent.lost),
      packets: sum(({ streams }) => streams.toCaller.packets),
      concealedMsPerMinute: sum(({ agent }) => agent.concealedMs) / minutes(({ agentMs }) => agentMs),
      likeness: likeness(trials, clean[0]!),
    },
  };
}

export function networkRows(figures: readonly NetworkFigures[]): Cell[][] {
  const heading = ['network', 'said', 'missed', 'extra', 'begin +ms', 'end +ms', 'voice like clean, least'];
  const rows = figures.map(({ network, utterances, turns, startShiftMs, endShiftMs, agent }) => [
    network,
    utterances,
    turns.missed,
    turns.extra,
    `${round(startShiftMs.median)} (${round(startShiftMs.largest)})`,
    `${round(endShiftMs.median)} (${round(endShiftMs.largest)})`,
    `${agent.likeness.median.toFixed(3)} (${agent.likeness.least.toFixed(3)})`,
  ]);
  return [heading, ...rows];
}

export function repairRows(figures: readonly NetworkFigures[]): Cell[][] {
  const heading = [
    'network, way',
    'packets',
    'asked',
    'sent again',
    'came',
    'in time',
    'lost',
    'made up ms/min',
    'waits ms',
  ];
  const rows = figures.flatMap(({ network, caller, agent }) =>
    [
      { way: `${network}, caller`, ...caller },
      { way: `${network}, agent`, ...agent, waitMs: '' },
    ].map(({ way, packets, asked, sentAgain, cameAgain, inTime, lost, concealedMsPerMinute, waitMs }) => {
      return [way, packets, asked, sentAgain, cameAgain, inTime, lost, concealedMsPerMinute, waitMs];
    }),
  );
  return [heading, ...rows];
}

function shift(
  trials: readonly NetworkTrial[],
  clean: readonly NetworkTrial[],
  of: (trial: NetworkTrial) => number[],
): { median: number; largest: number } {
  // Each utterance with itself: the speech model is sooner with some beginnings and ends than with others.
  const usual = of(clean[0]!).map((_, utterance) => median(clean.map((trial) => of(trial)[utterance]!)));
  const shifts = trials
    .flatMap((trial) => of(trial).map((shiftMs, utterance) => shiftMs - usual[utterance]!))
    .filter((shiftMs) => !Number.isNaN(shiftMs));
  const largest = shifts.reduce((most, shiftMs) => (Math.abs(shiftMs) > Math.abs(most) ? shiftMs : most), 0);
  return { median: median(shifts), largest };
}

/**
 * How like what a client of the clean network heard is what the client heard: the correlation of loudness over time of each
 * second with a voice in it, wherever it is found, on average. Pauses between clauses are left out of it, for their
 * lengths differ from reply to reply.
 */
function likeness(trials: readonly NetworkTrial[], clean: NetworkTrial): { median: number; least: number } {
  const seconds = secondsOf(clean.agent.samples);
  const means = trials.map(({ agent }) => {
    const heard = { samples: agent.samples, rateHz: HEARD_RATE_HZ };
    const found = seconds.map((samples) => findSpeech(heard, { samples, rateHz: HEARD_RATE_HZ }).correlation);
    return found.reduce((sum, correlation) => sum + correlation, 0) / found.length;
  });
  return { median: median(means), least: Math.min(...means) };
}

/** Those in which somebody speaks all the time. */
function secondsOf(samples: Int16Array): Int16Array[] {
  const seconds = Array.from({ length: Math.floor(samples.length / HEARD_RATE_HZ) }, (_, second) =>
    samples.subarray(second * HEARD_RATE_HZ, (second + 1) * HEARD_RATE_HZ),
  );
  return seconds.filter((second) => loudMs({ samples: Float32Array.from(second), rateHz: HEARD_RATE_HZ }, LOUD) > 800);
}

function round(ms: number): string {
  return ms.toFixed(0);
}
