import { expect } from 'chai';
import { figuresOf, turnsOf } from '../../bench/turns/turn-figures.ts';
import { utterances, type Utterance } from '../../bench/turns/utterances.ts';
import type { JournalLine, ReadJournal, Timed } from '../../media/journal/journal-line.ts';

const DELAYS = { asrMs: 19, firstTokenMs: 171, firstAudioMs: 108 };
const utterance = (packets: number, lastSpeech: number, pausesMs: number[] = []): Utterance => {
  return { segments: [], pausesMs, packets: Array.from({ length: packets }, () => new Uint8Array(80)), lastSpeech };
};
const packet = (t: number, sequence: number, bytes = 80): Timed<JournalLine> => ({ t, packet: [sequence, 0, bytes] });
const vote = (t: number, ms: number): Timed<JournalLine> => ({ t, part: 'turns', call: 'vote', with: [ms] });
const told = (t: number, event: object): Timed<JournalLine> => {
  return { t, part: 'conversation', call: 'handle', with: [event, t] };
};
const ended = (t: number, endpointingMs: number) => told(t, { type: 'turn-ended', turn: { endpointingMs } });
const audible = (t: number) => told(t, { type: 'reply-audible' });
const journal = (...lines: Timed<JournalLine>[]) => ({ lines }) as unknown as ReadJournal;

describe('the figures of turns', () => {
  it('count from the last packet with speech, over the end of the sequence numbers', () => {
    const lines = [packet(-400, 65_533, 3), packet(0, 65_534), packet(20, 65_535), packet(40, 0), packet(60, 1, 3)];
    lines.push(vote(100, 200), ended(240, 210), audible(560));
    lines.push(packet(2_000, 2), packet(2_020, 3), packet(2_040, 4, 60));
    lines.push(vote(2_100, 300), ended(2_330, 300), audible(2_650));
    const read = journal(...lines);
    const turns = turnsOf(read, [utterance(3, 1), utterance(3, 1)]);
    expect(turns.map(({ voiceToVoiceMs, endpointMs }) => [voiceToVoiceMs, endpointMs])).to.deep.equal([
      [540, 220],
      [630, 310],
    ]);
    expect(turns[0]).to.include({ silenceMs: 200, fromDetectorMs: 530, cutOffs: 0 });
    const { oursMs, voiceToVoiceMs } = figuresOf(turns, DELAYS, false);
    expect([oursMs.p50, oursMs.max, voiceToVoiceMs.p50]).to.deep.equal([32, 42, 540]);
    expect(figuresOf(turns, DELAYS, true).oursMs.p50).to.equal(242);
  });

  it('count turns that were cut off, and not how long those took', () => {
    const lines = [packet(0, 1), ended(300, 250), packet(320, 2), packet(340, 3), ended(640, 300), audible(900)];
    const figures = figuresOf(turnsOf(journal(...lines), [utterance(3, 2, [280])]), DELAYS, false);
    expect(figures).to.include({
      turns: 1,
      measured: 0,
      pauses: 1,
      cutOffPauses: 1,
      cutOffTurns: 1,
      turnsWithPauses: 1,
    });
  });

  it('are of pauses that are brief, medium and long', async () => {
    const pauses = (await utterances()).flatMap(({ pausesMs }) => pausesMs).toSorted((left, right) => left - right);
    expect(pauses.length).to.be.greaterThan(8);
    expect(pauses[0]).to.be.below(200);
    expect(pauses[Math.floor(pauses.length / 2)]).to.be.closeTo(450, 20);
    expect(pauses.at(-1)).to.be.above(1_000);
  });
});
