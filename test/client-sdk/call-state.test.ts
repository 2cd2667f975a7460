import { expect } from 'chai';
import { atFirst, stateOf } from '../../client-sdk/src/call-state.ts';
import type { CallFacts } from '../../client-sdk/src/call-state.ts';

const inCall: CallFacts = { ...atFirst, connectedOnce: true, joined: true };

describe('the state of a call', () => {
  it('is connecting until media has stood once, whatever is tried', () => {
    expect(stateOf(atFirst)).to.equal('connecting');
    expect(stateOf({ ...atFirst, joined: true, moving: true })).to.equal('connecting');
    expect(stateOf(inCall)).to.equal('connected');
  });

  it('is queued while the session waits, and reconnecting where the server does not answer meanwhile', () => {
    expect(stateOf({ ...atFirst, joined: true, queued: true })).to.equal('queued');
    expect(stateOf({ ...atFirst, queued: true })).to.equal('reconnecting');
  });

  it('is reconnecting without signalling, and without sound', () => {
    expect(stateOf({ ...inCall, joined: false })).to.equal('reconnecting');
    expect(stateOf({ ...inCall, silent: true })).to.equal('reconnecting');
  });

  it('is moving while new transports are connected, also as the remedy for silence', () => {
    expect(stateOf({ ...inCall, moving: true })).to.equal('moving');
    expect(stateOf({ ...inCall, moving: true, silent: true })).to.equal('moving');
  });

  it('is disconnected at the end, whatever was going on', () => {
    expect(stateOf({ ...inCall, moving: true, closed: true })).to.equal('disconnected');
  });
});
