import { expect } from 'chai';
import { stepsOf, totalOf, WaterfallModel } from '../../web/src/waterfall-model.ts';
import type { TranscriptEntry } from '../../client-sdk/src/types.ts';

const TURN = { turnId: 't2', startMs: 1000, speechMs: 900, endOfSpeechMs: 2000, endpointingMs: 320, atMs: 2320 };
const TIMINGS = {
  endOfSpeechMs: 2000,
  transcriptMs: 2210,
  endpointMs: 2320,
  firstTokenMs: 2500,
  firstAudioMs: 2610,
  firstPacketMs: 2620,
  heardMs: 2710,
};

function line(more: Partial<TranscriptEntry>): TranscriptEntry {
  return { turnId: 't2', role: 'agent', text: 'Yes.', final: false, startMs: 2620, endMs: 2700, ...more };
}

const decided = (decision: string, atMs: number, turnId?: string) => ({
  decision,
  reason: 'speech',
  inputs: {},
  atMs,
  ...(turnId !== undefined && { turnId }),
});

describe('WaterfallModel', () => {
  let model: WaterfallModel;

  beforeEach(() => {
    model = new WaterfallModel();
  });

  it('has a turn from its end on, and its steps as they become known', () => {
    model.turn(TURN);
    expect(model.turns.map(stepsOf)).to.deep.equal([[{ name: 'endpointMs', fromMs: 0, toMs: 320 }]]);
    model.transcript(line({ timings: TIMINGS }));
    expect(stepsOf(model.turns[0]!)).to.deep.equal([
      { name: 'transcriptMs', fromMs: 0, toMs: 210 },
      { name: 'endpointMs', fromMs: 0, toMs: 320 },
      { name: 'firstTokenMs', fromMs: 320, toMs: 500 },
      { name: 'firstAudioMs', fromMs: 500, toMs: 610 },
      { name: 'firstPacketMs', fromMs: 610, toMs: 620 },
      { name: 'heardMs', fromMs: 620, toMs: 710 },
    ]);
    expect(totalOf(model.turns[0]!)).to.deep.equal({ ms: 710, heard: true });
  });

  it('has fewer bars where there is neither recogniser nor language model, nor a report of what is heard', () => {
    model.turn(TURN);
    const { endOfSpeechMs, endpointMs, firstAudioMs, firstPacketMs } = TIMINGS;
    model.transcript(line({ timings: { endOfSpeechMs, endpointMs, firstAudioMs, firstPacketMs } }));
    expect(stepsOf(model.turns[0]!).map(({ name }) => name)).to.deep.equal([
      'endpointMs',
      'firstAudioMs',
      'firstPacketMs',
    ]);
    expect(totalOf(model.turns[0]!)).to.deep.equal({ ms: 620, heard: false });
  });

  it('draws what was begun before the turn was over from where it can have begun', () => {
    model.turn(TURN);
    model.transcript(line({ timings: { ...TIMINGS, firstTokenMs: 2280, firstAudioMs: 2300 } }));
    const steps = new Map(stepsOf(model.turns[0]!).map(({ name, fromMs, toMs }) => [name, [fromMs, toMs]]));
    expect(steps.get('firstTokenMs')).to.deep.equal([210, 280]);
    expect(steps.get('firstAudioMs')).to.deep.equal([280, 300]);
    expect(steps.get('firstPacketMs')).to.deep.equal([320, 620]);
  });

  it('has what was decided in the order of time, each once, though lines of the transcript tell it again', () => {
    const [pause, duck] = [decided('pause', 3500, 't2'), decided('duck', 3300, 't2')];
    model.turn(TURN);
    model.decision(pause);
    model.decision(duck);
    model.transcript(line({ final: true, decisions: [duck, pause] }));
    expect(model.turns[0]!.decisions.map(({ decision }) => decision)).to.deep.equal(['duck', 'pause']);
  });

  it('gives a decision that names no turn to the one that is being answered', () => {
    model.turn(TURN);
    model.agentState({ state: 'speaking', output: 'normal', turnId: 't2', atMs: 2620 });
    model.decision(decided('failover', 2700));
    expect(model.turns[0]!.decisions).to.have.length(1);
  });

  it('knows until when the agent spoke, and that it was cut off', () => {
    model.turn(TURN);
    model.agentState({ state: 'speaking', output: 'normal', turnId: 't2', atMs: 2620 });
    expect(model.turns[0]!.agent).to.deep.equal({ startMs: 2620, endMs: undefined });
    model.agentState({ state: 'listening', output: 'normal', interruptedAfterMs: 300, atMs: 4000 });
    model.transcript(line({ final: true, endMs: 3950, estimated: true }));
    expect(model.turns[0]).to.deep.include({
      agent: { startMs: 2620, endMs: 3950 },
      cutOff: { estimated: true },
    });
  });

  it('tells typed text from speech, and how long its answer took', () => {
    model.transcript(line({ role: 'user', final: true, startMs: 5000, endMs: 5000 }));
    model.agentState({ state: 'speaking', output: 'normal', turnId: 't2', atMs: 5400 });
    expect(model.turns[0]!.user).to.deep.equal({ startMs: 5000, endMs: 5000, typed: true });
    expect(totalOf(model.turns[0]!)).to.deep.equal({ ms: 400, heard: false });
  });

  it('leaves out noises, and greetings that nobody disturbed', () => {
    model.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 100 });
    model.decision(decided('endpoint', 3000, 't9'));
    expect(model.turns).to.deep.equal([]);
    model.decision(decided('duck', 900, 't1'));
    expect(model.turns.map(({ turnId }) => turnId)).to.deep.equal(['t1']);
  });

  it('has the turns of a conversation that is told again after a reload', () => {
    const endpoint = decided('endpoint', 2320, 't2');
    model.transcript(line({ role: 'user', final: true, startMs: 1000, endMs: 2000, decisions: [endpoint] }));
    model.transcript(line({ final: true, endMs: 4000, timings: TIMINGS }));
    const [turn] = model.turns;
    expect(turn!.user).to.deep.equal({ startMs: 1000, endMs: 2000, typed: false });
    expect(stepsOf(turn!)).to.have.length(6);
    expect(turn!.decisions).to.deep.equal([endpoint]);
  });
});
