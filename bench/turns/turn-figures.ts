/** How the turns of a call went, from its journal: packets in and out as the server had them. Pure. */
import type { ConversationEvent } from '../../media/conversation/conversation-events.ts';
import type { ReadJournal } from '../../media/journal/journal-line.ts';
import type { SpeculationAction } from '../../media/turn/speculation.ts';
import { summarise, type Summary } from '../percentiles.ts';
import type { Utterance } from './utterances.ts';

/** What the vendors take, in ms. */
export type VendorDelays = { asrMs: number; firstTokenMs: number; firstAudioMs: number };

export type Turn = {
  pauses: number;
  /** Pauses in which the turn was taken as ended. */
  cutOffs: number;
  /** From the arrival of the last packet of speech to the first packet of the answer; undefined where it was cut off. */
  voiceToVoiceMs?: number;
  /** From the same to the end of the turn. */
  endpointMs?: number;
  /** From the last window that the detector took for speech to the first packet of the answer. */
  fromDetectorMs?: number;
  /** The silence that was asked for. */
  silenceMs?: number;
  speculations: { begun: number; used: number };
};

export type TurnFigures = {
  turns: number;
  measured: number;
  voiceToVoiceMs: Summary;
  fromDetectorMs: Summary;
  endpointMs: Summary;
  silenceMs: Summary;
  /** What is left of voice to voice without the vendors' delays and the silence. */
  oursMs: Summary;
  /** Its part of the whole, median. */
  oursShare: number;
  pauses: number;
  /** Of the pauses, and of the turns that have any. */
  cutOffPauses: number;
  cutOffTurns: number;
  turnsWithPauses: number;
  speculations: { begun: number; used: number };
};

/** Payloads of a silent caller are shorter. */
const SILENCE_BYTES = 3;

type Line = ReadJournal['lines'][number];

/** @param said what was said in the call, in order */
export function turnsOf({ lines }: ReadJournal, said: readonly Utterance[]): Turn[] {
  const turns: Turn[] = [];
  let begin = lines.findIndex(isSpeech);
  for (const utterance of said) {
    if (begin < 0) break;
    const first = sequenceOf(lines[begin]!)!;
    const since = (line: Line) => {
      const sequence = sequenceOf(line);
      return sequence === undefined ? -1 : (sequence - first) & 0xffff;
    };
    const last = lines.findIndex((line, at) => at >= begin && since(line) === utterance.lastSpeech);
    if (last < 0) break;
    const next = lines.findIndex(
      (line, at) => at > last && isSpeech(line) && since(line) >= utterance.packets.length && since(line) < 0x8000,
    );
    turns.push(turnOf(lines.slice(begin, next < 0 ? lines.length : next), last - begin, utterance));
    begin = next;
  }
  return turns;
}

function turnOf(lines: readonly Line[], last: number, { pausesMs }: Utterance): Turn {
  const speculations = { begun: 0, used: 0 };
  const turn: Turn = { pauses: pausesMs.length, cutOffs: 0, speculations };
  let silenceMs: number | undefined;
  /** The detector's last speech, from the last packet of speech. */
  let detectorMs: number | undefined;
  for (const [index, line] of lines.entries()) {
    if (!('part' in line)) continue;
    if (line.part === 'speculation') {
      const actions = (line.gives ?? []) as SpeculationAction[];
      speculations.begun += actions.filter((action) => action.do === 'begin').length;
      speculations.used += actions.filter((action) => action.do === 'use').length;
    }
    if (line.part === 'turns' && line.call === 'vote') silenceMs = line.with[0] as number;
    if (line.part !== 'conversation' || line.call !== 'handle') continue;
    const event = line.with[0] as ConversationEvent;
    if (event.type === 'turn-ended' && index < last) turn.cutOffs++;
    if (index <= last || turn.cutOffs > 0) continue;
    const sinceMs = line.t - lines[last]!.t;
    if (event.type === 'turn-ended' && turn.endpointMs === undefined) {
      turn.endpointMs = sinceMs;
      if (silenceMs !== undefined) turn.silenceMs = silenceMs;
      detectorMs = sinceMs - event.turn.endpointingMs;
    }
    if (event.type === 'reply-audible' && detectorMs !== undefined && turn.voiceToVoiceMs === undefined) {
      turn.voiceToVoiceMs = sinceMs;
      turn.fromDetectorMs = sinceMs - detectorMs;
    }
  }
  return turn;
}

/** @param ahead replies are begun ahead: the vendors' delays and the silence run side by side, and the longer one counts */
export function figuresOf(turns: readonly Turn[], delays: VendorDelays, ahead: boolean): TurnFigures {
  const vendorsMs = delays.asrMs + delays.firstTokenMs + delays.firstAudioMs;
  const measured = turns.filter(({ voiceToVoiceMs }) => voiceToVoiceMs !== undefined);
  const ours = measured.map(({ voiceToVoiceMs = NaN, silenceMs = NaN }) => {
    return voiceToVoiceMs - (ahead ? Math.max(vendorsMs, silenceMs) : vendorsMs + silenceMs);
  });
  const shares = measured.map(({ voiceToVoiceMs = NaN }, index) => ours[index]! / voiceToVoiceMs);
  const withPauses = turns.filter(({ pauses }) => pauses > 0);
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
  return {
    turns: turns.length,
    measured: measured.length,
    voiceToVoiceMs: summarise(measured.map(({ voiceToVoiceMs = NaN }) => voiceToVoiceMs)),
    fromDetectorMs: summarise(measured.map(({ fromDetectorMs = NaN }) => fromDetectorMs)),
    endpointMs: summarise(measured.map(({ endpointMs = NaN }) => endpointMs)),
    silenceMs: summarise(measured.map(({ silenceMs = NaN }) => silenceMs)),
    oursMs: summarise(ours),
    oursShare: summarise(shares).p50,
    pauses: sum(turns.map(({ pauses }) => pauses)),
    cutOffPauses: sum(turns.map(({ cutOffs }) => cutOffs)),
    cutOffTurns: withPauses.filter(({ cutOffs }) => cutOffs > 0).length,
    turnsWithPauses: withPauses.length,
    speculations: {
      begun: sum(turns.map(({ speculations }) => speculations.begun)),
      used: sum(turns.map(({ speculations }) => speculations.used)),
    },
  };
}

function isSpeech(line: Line): boolean {
  return 'packet' in line && line.packet[2] > SILENCE_BYTES;
}

/** RTP sequence numbers wrap; packets of a caller have them without a gap. */
function sequenceOf(line: Line): number | undefined {
  return 'packet' in line ? line.packet[0] : undefined;
}
