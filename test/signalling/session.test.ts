import { expect } from 'chai';
import * as fc from 'fast-check';
import { InvalidTransition } from '../../signalling/errors.ts';
import { transition } from '../../signalling/session.ts';
import type { SessionRecord, SessionTransition } from '../../signalling/session.ts';
import { sessionRecord } from '../support/session-record.ts';

const after = (record: SessionRecord, ...events: SessionTransition['type'][]): SessionRecord =>
  events.reduce(
    (before, type) => transition(before, type === 'end' ? { type, reason: 'left' } : { type }, 5_000),
    record,
  );

describe('session states', () => {
  it('lead from the queue to a place, to media, and to the end', () => {
    const queued = sessionRecord({ state: 'queued' });
    expect(after(queued, 'placed').state).to.equal('ready');
    expect(after(queued, 'placed', 'flowing').state).to.equal('live');
    expect(after(queued, 'placed', 'flowing', 'end').state).to.equal('ended');
  });

  it('go from live to interrupted and back, by media or by the client', () => {
    const live = sessionRecord({ state: 'live' });
    expect(after(live, 'gone').state).to.equal('interrupted');
    expect(after(live, 'gone', 'flowing').state).to.equal('live');
    expect(after(live, 'gone', 'rejoined').state).to.equal('live');
  });

  it('stay ready when a client leaves before its media came', () => {
    expect(after(sessionRecord(), 'gone').state).to.equal('ready');
    expect(after(sessionRecord(), 'rejoined').state).to.equal('ready');
  });

  it('note when something changed, and return the same record when nothing did', () => {
    const ready = sessionRecord();
    expect(after(ready, 'flowing').updatedAt).to.equal(5_000);
    expect(after(ready, 'gone')).to.equal(ready);
  });

  it('keep the first reason and the time of the end', () => {
    const ended = transition(sessionRecord({ state: 'live' }), { type: 'end', reason: 'agent' }, 7_000);
    expect(ended).to.include({ state: 'ended', endReason: 'agent', endedAt: 7_000 });
    expect(transition(ended, { type: 'end', reason: 'expired' }, 9_000)).to.equal(ended);
  });

  it('refuse with a typed error what the state does not know', () => {
    const refused: [SessionRecord['state'], SessionTransition['type']][] = [
      ['queued', 'flowing'],
      ['queued', 'rejoined'],
      ['live', 'placed'],
      ['interrupted', 'placed'],
      ['ended', 'flowing'],
      ['ended', 'rejoined'],
      ['ended', 'gone'],
    ];
    for (const [state, type] of refused) {
      expect(() => after(sessionRecord({ state }), type), `${state} + ${type}`).to.throw(InvalidTransition);
    }
  });

  it('never leave the end, whatever comes', () => {
    const anyEvents = fc.array(
      fc.constantFrom<SessionTransition['type']>('placed', 'flowing', 'rejoined', 'gone', 'end'),
    );
    fc.assert(
      fc.property(anyEvents, (types) => {
        let record = sessionRecord({ state: 'queued' });
        let endedAt: number | undefined;
        for (const [step, type] of types.entries()) {
          try {
            record = transition(record, type === 'end' ? { type, reason: 'left' } : { type }, step);
          } catch (error) {
            expect(error).to.be.instanceOf(InvalidTransition);
          }
          if (record.state === 'ended') endedAt ??= record.endedAt;
          expect(record.endedAt).to.equal(endedAt);
        }
      }),
    );
  });
});
