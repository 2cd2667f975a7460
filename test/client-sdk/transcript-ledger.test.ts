import { expect } from 'chai';
import { TranscriptLedger } from '../../client-sdk/src/transcript-ledger.ts';
import type { TranscriptEntry } from '../../client-sdk/src/types.ts';

const line = (turnId: string, role: 'user' | 'agent', text: string, final = true): TranscriptEntry => ({
  turnId,
  role,
  text,
  final,
  startMs: 100,
  endMs: 900,
});

describe('TranscriptLedger', () => {
  it('tells the whole conversation to a page that knows nothing of it', () => {
    const transcript = [line('t0', 'agent', 'Hello.'), line('t1', 'user', 'Hi.')];
    expect(new TranscriptLedger().missing(transcript)).to.deep.equal(transcript);
  });

  it('tells after a reconnection what an owner that died did not, once and in order', () => {
    const ledger = new TranscriptLedger();
    ledger.accept(line('t0', 'agent', 'Hello.'));
    const transcript = [line('t0', 'agent', 'Hello.'), line('t1', 'user', 'Hi.'), line('t1', 'agent', 'You spoke.')];
    expect(ledger.missing(transcript)).to.deep.equal(transcript.slice(1));
    expect(ledger.missing(transcript)).to.deep.equal([]);
  });

  it('takes both sides of a turn for two lines', () => {
    const ledger = new TranscriptLedger();
    ledger.accept(line('t1', 'user', 'Hi.'));
    expect(ledger.missing([line('t1', 'user', 'Hi.'), line('t1', 'agent', 'Hi.')])).to.have.length(1);
  });

  it('tells the final words of a line of which only the beginning was told', () => {
    const ledger = new TranscriptLedger();
    expect(ledger.accept(line('t1', 'agent', 'You', false))).to.equal(true);
    expect(ledger.missing([line('t1', 'agent', 'You spoke.')])).to.have.length(1);
  });

  it('drops an event that the answer to the join has told already', () => {
    const ledger = new TranscriptLedger();
    ledger.missing([line('t1', 'agent', 'You spoke.')]);
    expect(ledger.accept(line('t1', 'agent', 'You spoke.'))).to.equal(false);
  });

  it('lets a line through that was said again in other words, and keeps the newer ones', () => {
    const ledger = new TranscriptLedger();
    ledger.accept(line('t1', 'agent', 'You sp'));
    expect(ledger.accept(line('t1', 'agent', 'You spoke.'))).to.equal(true);
    expect(ledger.missing([line('t1', 'agent', 'You sp')])).to.deep.equal([]);
  });
});
