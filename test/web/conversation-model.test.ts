import { expect } from 'chai';
import { ConversationModel } from '../../web/src/conversation-model.ts';

const turn = { turnId: 't1', startMs: 1000, speechMs: 2100, endOfSpeechMs: 3100, endpointingMs: 550, atMs: 3650 };
const line = { turnId: 't1', role: 'agent', text: 'You spoke.', final: true, startMs: 3711, endMs: 4000 } as const;

describe('ConversationModel', () => {
  it('shows a spoken turn with its measurements, though nobody knows its words', () => {
    const conversation = new ConversationModel();
    conversation.turn(turn);
    conversation.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 3711 });
    expect(conversation.rows).to.deep.equal([
      {
        key: 'user:t1',
        role: 'user',
        startMs: 1000,
        text: '',
        final: true,
        measures: ['spoke 2.1 s', 'waited 550 ms', 'answered after 61 ms'],
      },
    ]);
  });

  it('shows a text of the agent beside what it says, and tells of a cut at what it said', () => {
    const conversation = new ConversationModel();
    conversation.transcript(line);
    conversation.shown({ turnId: 't1', text: 'Gate 7', atMs: 3800 });
    conversation.silenced();
    expect(conversation.rows.map(({ text, measures }) => [text, measures])).to.deep.equal([
      ['You spoke.', ['you silenced it']],
      ['[shows] Gate 7', []],
    ]);
  });

  it('shows a text once, and again after a reload by the line that tells of it', () => {
    const use = { callId: 'c1', turnId: 't1', kind: 'built-in', startedMs: 3790, endedMs: 3800 } as const;
    const sent = { ...use, name: 'send_text', arguments: { text: 'Gate 7' } };
    const refused = { ...use, name: 'send_text', error: 'not_recorded', arguments: { text: 'Gate 8' } };
    const ended = { ...use, name: 'end_call', arguments: {} };
    const texts = (conversation: ConversationModel) => conversation.rows.map(({ text }) => text);
    const before = new ConversationModel();
    before.shown({ turnId: 't1', text: 'Gate 7', atMs: 3800 });
    for (const conversation of [before, new ConversationModel()]) {
      conversation.transcript({ ...line, tools: [sent, refused, ended] });
      expect(texts(conversation)).to.deep.equal(['You spoke.', '[shows] Gate 7']);
    }
  });

  it('measures the answer once, however often the agent’s state changes', () => {
    const conversation = new ConversationModel();
    conversation.turn(turn);
    for (const atMs of [3711, 3800]) {
      conversation.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs });
    }
    expect(conversation.rows[0]?.measures).to.have.length(3);
  });

  it('replaces what was not final, in its place', () => {
    const conversation = new ConversationModel();
    conversation.transcript({ ...line, text: 'You', final: false });
    conversation.transcript({ ...line, startMs: 3900 });
    expect(conversation.rows).to.have.length(1);
    expect(conversation.rows[0]).to.include({ text: 'You spoke.', final: true, startMs: 3711 });
  });

  it('drops words that were not final once they are those of a later turn, and no others', () => {
    const conversation = new ConversationModel();
    const user = { ...line, role: 'user', text: 'Tell me.', startMs: 1000 } as const;
    conversation.transcript({ ...user, final: false });
    conversation.transcript({ ...user, turnId: 't2', startMs: 1000 });
    conversation.transcript({ ...user, turnId: 't3', startMs: 5000, final: false });
    conversation.transcript({ ...line, turnId: 't2', startMs: 3000 });
    expect(conversation.rows.map(({ key }) => key)).to.deep.equal(['user:t2', 'agent:t2', 'user:t3']);
  });

  it('keeps the order of time, whatever is told first', () => {
    const conversation = new ConversationModel();
    conversation.transcript(line);
    conversation.turn(turn);
    conversation.transcript({ ...line, turnId: 't0', text: 'Hello.', startMs: 0 });
    expect(conversation.rows.map(({ key }) => key)).to.deep.equal(['agent:t0', 'user:t1', 'agent:t1']);
  });

  it('notes an interruption where the agent was cut short', () => {
    const conversation = new ConversationModel();
    conversation.transcript({ ...line, turnId: 't0', startMs: 0 });
    conversation.transcript(line);
    conversation.agentState({ state: 'listening', output: 'normal', interruptedAfterMs: 412, atMs: 4000 });
    expect(conversation.rows.map(({ measures }) => measures)).to.deep.equal([[], ['you cut in · silent after 412 ms']]);
  });

  it('notes once where the caller silenced the agent with the button', () => {
    const conversation = new ConversationModel();
    conversation.transcript({ ...line, turnId: 't0', startMs: 0 });
    conversation.transcript(line);
    conversation.silenced();
    conversation.silenced();
    expect(conversation.rows.map(({ measures }) => measures)).to.deep.equal([[], ['you silenced it']]);
  });

  it('says that where words were cut off is a guess, behind how it came about', () => {
    const model = new ConversationModel();
    const cut = { turnId: 't1', role: 'agent', startMs: 100, endMs: 900 } as const;
    model.transcript({ ...cut, text: 'One, two,', final: true, estimated: true });
    model.agentState({ state: 'listening', output: 'normal', interruptedAfterMs: 300, atMs: 950 });
    expect(model.rows[0]!.measures).to.deep.equal(['you cut in · silent after 300 ms', 'heard about so far']);
  });
});
