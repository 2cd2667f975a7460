import { expect } from 'chai';
import { stateOf } from '../../client-sdk/src/call-state.ts';
import type { CallFacts } from '../../client-sdk/src/call-state.ts';

const nothing: CallFacts = {
  connectedOnce: false,
  joined: false,
  queued: false,
  moving: false,
  silent: false,
  closed: false,
};
const inCall: CallFacts = { ...nothing, connectedOnce: true, joined: true };

describe('the state of a call', () => {
  it('is connecting until media has stood once, whatever is tried', () => {
    expect(stateOf(nothing)).to.equal('connecting');
    expect(stateOf({ ...nothing, joined: true, moving: true })).to.equal('connecting');
    expect(stateOf(inCall)).to.equal('connected');
  });

  it('is queued while the session waits, and reconnecting where the server does not answer meanwhile', () => {
    expect(stateOf({ ...nothing, joined: true, queued: true })).to.equal('queued');
    expect(stateOf({ ...nothing, queued: true })).to.equal('reconnecting');
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
