import { expect } from 'chai';
import { IceRecovery } from '../../client-sdk/src/ice-recovery.ts';

describe('IceRecovery', () => {
  it('tolerates 500 ms without answers', () => {
    const recovery = new IceRecovery();
    expect(recovery.change('disconnected', 1000)).to.equal(undefined);
    expect(recovery.deadlineMs).to.equal(1500);
    expect(recovery.tick(1499)).to.equal(undefined);
    expect(recovery.change('connected', 1499)).to.equal(undefined);
    expect(recovery.deadlineMs).to.equal(undefined);
    expect(recovery.tick(9000)).to.equal(undefined);
  });

  it('restarts after 500 ms, and at once on failure', () => {
    const recovery = new IceRecovery();
    recovery.change('disconnected', 0);
    expect(recovery.tick(500)).to.equal('restart');
    expect(new IceRecovery().change('failed', 0)).to.equal('restart');
  });

  it('asks for new transports after three restarts in vain', () => {
    const recovery = new IceRecovery();
    recovery.change('disconnected', 0);
    const actions: unknown[] = [];
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 100) {
      const action = recovery.tick(nowMs);
      if (action) actions.push([action, nowMs]);
    }
    expect(actions).to.deep.equal([
      ['restart', 500],
      ['restart', 3500],
      ['restart', 6500],
      ['rejoin', 9500],
    ]);
    expect(recovery.deadlineMs).to.equal(undefined);
  });

  it('begins to count anew once it was connected', () => {
    const recovery = new IceRecovery();
    recovery.change('failed', 0);
    recovery.change('failed', 1000);
    recovery.change('connected', 1500);
    expect([2000, 3000, 4000, 5000].map((nowMs) => recovery.change('failed', nowMs))).to.deep.equal([
      'restart',
      'restart',
      'restart',
      'rejoin',
    ]);
  });

  it('restarts once on another network, without waiting for the old path to be given up', () => {
    const recovery = new IceRecovery();
    expect(recovery.networkChanged(0)).to.equal('restart');
    expect(recovery.networkChanged(10)).to.equal(undefined);
    recovery.settled();
    expect(recovery.tick(60_000)).to.equal(undefined);
    expect(recovery.networkChanged(60_000)).to.equal('restart');
  });
});
