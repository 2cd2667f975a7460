import { expect } from 'chai';
import { ConversationModel } from '../../web/src/conversation-model.ts';
import { forgetTurns, keepTurns, readTurns } from '../../web/src/stored-turns.ts';
import type { StoredTurns } from '../../web/src/stored-turns.ts';
import { TimelineModel } from '../../web/src/timeline-model.ts';

function storage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

const turn = { turnId: 't1', startMs: 1000, speechMs: 2100, endOfSpeechMs: 3100, endpointingMs: 550, atMs: 3650 };
const line = { turnId: 't1', role: 'agent', text: 'You spoke.', final: true, startMs: 3711, endMs: 4000 } as const;
const empty: StoredTurns = { rows: [], segments: [], marks: [], savedAtMs: 0 };

describe('what a tab keeps of its turns', () => {
  it('shows the figures again after a reload, with the words that the server tells again', () => {
    const kept = storage();
    const before = new ConversationModel();
    before.turn(turn);
    before.agentState({ state: 'speaking', output: 'normal', turnId: 't1', atMs: 3711 });
    before.transcript(line);
    before.agentState({ state: 'listening', output: 'normal', interruptedAfterMs: 412, atMs: 3900 });
    keepTurns(kept, { ...empty, rows: before.rows });

    const after = new ConversationModel();
    after.restore(readTurns(kept)!.rows);
    after.transcript(line);
    expect(after.rows).to.deep.equal(before.rows);
  });

  it('keeps the words of nobody', () => {
    const kept = storage();
    const conversation = new ConversationModel();
    conversation.transcript({ ...line, text: 'My number is 1234.' });
    keepTurns(kept, { ...empty, rows: conversation.rows });
    expect(JSON.stringify(readTurns(kept))).not.to.include('1234');
  });

  it('shows the timeline as it was, with nothing that goes on for ever', () => {
    const kept = storage();
    const before = new TimelineModel();
    before.userSpeech({ speaking: true, turnId: 't1', atMs: 1000 });
    before.agentState({ state: 'speaking', output: 'normal', turnId: 't0', atMs: 500 });
    keepTurns(kept, { ...empty, segments: before.segments, marks: before.marks, savedAtMs: 1800 });

    const after = new TimelineModel();
    after.restore(readTurns(kept)!);
    expect(after.segments.map(({ lane, startMs, endMs }) => [lane, startMs, endMs])).to.deep.equal([
      ['user', 1000, 1800],
      ['agent', 500, 1800],
    ]);
  });

  it('keeps no more than a tab can hold', () => {
    const kept = storage();
    const conversation = new ConversationModel();
    for (let index = 0; index < 3000; index++) conversation.turn({ ...turn, turnId: `t${index}`, startMs: index });
    keepTurns(kept, { ...empty, rows: conversation.rows });
    const { rows } = readTurns(kept)!;
    expect(rows).to.have.length(400);
    expect(rows.at(-1)!.key).to.equal('user:t2999');
  });

  it('is content with a storage that is full', () => {
    const full = {
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    };
    expect(() => keepTurns(full, empty)).not.to.throw();
  });

  it('is nothing where it was forgotten, or something else was stored', () => {
    const kept = storage();
    keepTurns(kept, empty);
    forgetTurns(kept);
    expect(readTurns(kept)).to.equal(undefined);
    const rows = '[{"key":"k","role":"user","startMs":1,"measures":{}}]';
    for (const value of [
      '',
      '{',
      '[]',
      'null',
      '{"rows":1}',
      `{"rows":${rows},"segments":[],"marks":[],"savedAtMs":1}`,
    ]) {
      expect(readTurns({ getItem: () => value }), value).to.equal(undefined);
    }
  });
});
