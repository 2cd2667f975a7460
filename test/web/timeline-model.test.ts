import { expect } from 'chai';
import { TimelineModel } from '../../web/src/timeline-model.ts';
import type { Segment } from '../../web/src/timeline-model.ts';

const short = ({ lane, kind, startMs, endMs }: Segment): unknown[] => [lane, kind, startMs, endMs];

describe('TimelineModel', () => {
  it('draws what the caller says, as the server measured it afterwards', () => {
    const timeline = new TimelineModel();
    timeline.userSpeech({ speaking: true, turnId: 't1', atMs: 1100 });
    expect(timeline.segments.map(short)).to.deep.equal([['user', 'speech', 1100, undefined]]);
    timeline.userSpeech({ speaking: false, turnId: 't1', atMs: 3300 });
    timeline.turn({
      turnId: 't1',
      startMs: 1000,
      speechMs: 2000,
      endOfSpeechMs: 3000,
      endpointingMs: 550,
      atMs: 3550,
    });
    expect(timeline.segments.map(short)).to.deep.equal([
      ['user', 'speech', 1000, 3000],
      ['user', 'waiting', 3000, 3550],
    ]);
  });

  it('keeps the pauses within a turn', () => {
    const timeline = new TimelineModel();
    for (const [speaking, atMs] of [
      [true, 100],
      [false, 500],
      [true, 700],
      [false, 900],
    ] as const) {
      timeline.userSpeech({ speaking, turnId: 't1', atMs });
    }
    timeline.turn({ turnId: 't1', startMs: 50, speechMs: 600, endOfSpeechMs: 850, endpointingMs: 550, atMs: 1400 });
    expect(timeline.segments.map(short)).to.deep.equal([
      ['user', 'speech', 50, 500],
      ['user', 'speech', 700, 850],
      ['user', 'waiting', 850, 1400],
    ]);
  });

  it('shows how a caller cuts in: quieter, paused, silent', () => {
    const timeline = new TimelineModel();
    const speaking = { state: 'speaking', turnId: 't1' } as const;
    timeline.agentState({ state: 'thinking', output: 'normal', turnId: 't1', atMs: 0 });
    timeline.agentState({ ...speaking, output: 'normal', atMs: 60 });
    timeline.agentState({ ...speaking, output: 'ducked', atMs: 2000 });
    timeline.agentState({ ...speaking, output: 'paused', atMs: 2250 });
    timeline.agentState({ state: 'listening', output: 'normal', interruptedAfterMs: 360, atMs: 2400 });
    expect(timeline.segments.map(short)).to.deep.equal([
      ['agent', 'thinking', 0, 60],
      ['agent', 'normal', 60, 2000],
      ['agent', 'ducked', 2000, 2250],
      ['agent', 'paused', 2250, 2400],
    ]);
    expect(timeline.marks).to.deep.equal([{ lane: 'agent', atMs: 2400, label: 'cut in · 360 ms' }]);
  });

  it('does not begin a stretch anew when it is told of it twice', () => {
    const timeline = new TimelineModel();
    timeline.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 10 });
    timeline.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 20 });
    timeline.userSpeech({ speaking: true, turnId: 't2', atMs: 30 });
    timeline.userSpeech({ speaking: true, turnId: 't2', atMs: 40 });
    expect(timeline.segments.map(short)).to.deep.equal([
      ['agent', 'normal', 10, undefined],
      ['user', 'speech', 30, undefined],
    ]);
  });

  it('ends what lasts when the call is over, and forgets what has scrolled away', () => {
    const timeline = new TimelineModel();
    timeline.userSpeech({ speaking: true, turnId: 't1', atMs: 0 });
    timeline.userSpeech({ speaking: false, turnId: 't1', atMs: 100 });
    timeline.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 200 });
    timeline.level({ atMs: 50, user: 1, agent: 0 });
    timeline.level({ atMs: 250, user: 0, agent: 1 });
    timeline.end(900);
    timeline.forgetBefore(150);
    expect(timeline.segments.map(short)).to.deep.equal([['agent', 'normal', 200, 900]]);
    expect(timeline.loudness.map(({ atMs }) => atMs)).to.deep.equal([250]);
    timeline.forgetBefore(1000);
    expect(timeline.segments).to.deep.equal([]);
    expect(timeline.loudness).to.deep.equal([]);
  });

  it('never forgets what still lasts', () => {
    const timeline = new TimelineModel();
    timeline.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 0 });
    timeline.forgetBefore(60_000);
    expect(timeline.segments).to.have.length(1);
  });

  it('does not draw the agent as speaking while nothing of it arrives', () => {
    const timeline = new TimelineModel();
    const speaking = { state: 'speaking', output: 'normal', turnId: 't1' } as const;
    timeline.agentState({ ...speaking, atMs: 0 });
    timeline.agentLost(400);
    timeline.agentLost(1400);
    timeline.agentBack(2000);
    expect(timeline.segments.map(short)).to.deep.equal([
      ['agent', 'normal', 0, 400],
      ['agent', 'normal', 2000, undefined],
    ]);
  });

  it('believes newer word of the agent than what it did when it was lost', () => {
    const timeline = new TimelineModel();
    timeline.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 0 });
    timeline.agentLost(400);
    timeline.agentState({ state: 'listening', output: 'normal', atMs: 900 });
    timeline.agentBack(1000);
    expect(timeline.segments.map(short)).to.deep.equal([['agent', 'normal', 0, 400]]);
  });
});
