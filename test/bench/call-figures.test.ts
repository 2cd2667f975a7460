import { expect } from 'chai';
import { callFigures, callRows, firstAudibleMs, lastAudibleMs, type CallNotes } from '../../bench/call-figures.ts';
import type { HeardSound } from '../../test/support/browser.ts';

/** Sound that is loud from one time to another, both in ms from `startMs`. */
function sound(startMs: number, lengthMs: number, fromMs = 0, toMs = 0): HeardSound {
  const samples = Float32Array.from({ length: lengthMs * 48 }, (_, index) => {
    const atMs = index / 48;
    return atMs >= fromMs && atMs < toMs ? Math.sin(index / 10) / 4 : 0;
  });
  return { samples, rateHz: 48_000, startMs };
}

const event = (index: number, name: string, heardMs: number, data: Record<string, unknown> = {}) => ({
  index,
  name,
  heardMs,
  data,
});

const notes: CallNotes = {
  clickMs: 1000,
  tokenRequestMs: 8,
  connecting: { helloMs: 30, joinedMs: 45, receiveConnectedMs: 110, sendConnectedMs: 130, firstAudioMs: 220 },
  events: [
    event(0, 'agentState', 1190, { state: 'speaking', output: 'normal', atMs: 150 }),
    event(1, 'agentState', 5000, { state: 'listening', output: 'normal', atMs: 4000 }),
    event(2, 'userStartedSpeaking', 6100, { atMs: 5020 }),
    event(3, 'turn', 8600, { endOfSpeechMs: 7000, endpointingMs: 551, atMs: 7551 }),
    event(4, 'agentState', 8602, { state: 'speaking', output: 'normal', atMs: 7560 }),
    event(5, 'userStartedSpeaking', 10_130, { atMs: 9020 }),
    event(6, 'agentState', 10_130, { state: 'speaking', output: 'ducked', atMs: 9120 }),
    event(7, 'agentState', 10_380, { state: 'speaking', output: 'paused', atMs: 9380 }),
    event(8, 'agentState', 10_530, { state: 'listening', output: 'normal', atMs: 9520 }),
    event(9, 'agentState', 10_530, { state: 'listening', output: 'normal', atMs: 9420, interruptedAfterMs: 400 }),
  ],
  greeting: sound(1000, 500, 215, 500),
  sentence: { startMs: 6000, endMs: 8000 },
  reply: sound(6000, 3500, 2700, 3500),
  cutIn: { startMs: 10_000, endMs: 12_000 },
  cutOff: sound(10_000, 2500, 0, 480),
};

describe('the figures of a call', () => {
  it('time what the server and the page told', () => {
    expect(callFigures(notes)).to.include({
      token: 8,
      connected: 100,
      greetingPacket: 190,
      greetingAudio: 220,
      replyPacket: 560,
      endpointing: 551,
      replyMade: 9,
      ducked: 100,
      paused: 360,
      silent: 400,
    });
  });

  it('time what was heard', () => {
    expect(callFigures(notes)).to.include({ greetingHeard: 215, replyHeard: 700, silentHeard: 480 });
  });

  it('lack what did not happen', () => {
    const figures = callFigures({ ...notes, events: notes.events.slice(0, 6) });
    expect([figures.ducked, figures.paused, figures.silent]).to.deep.equal([NaN, NaN, NaN]);
    expect(callRows([figures]).find(([title]) => title === 'barge-in onset → ducked')).to.deep.equal([
      'barge-in onset → ducked',
      NaN,
      NaN,
      NaN,
      0,
    ]);
  });
});

describe('sound', () => {
  it('that goes on where the recording begins or ends has no known beginning or end', () => {
    expect(firstAudibleMs(sound(0, 300, 0, 200))).to.be.NaN;
    expect(lastAudibleMs(sound(0, 300, 100, 300))).to.be.NaN;
  });

  it('that is silent has neither', () => {
    expect(firstAudibleMs(sound(0, 300))).to.be.NaN;
    expect(lastAudibleMs(sound(0, 300))).to.be.NaN;
  });
});
