import { expect } from 'chai';
import { HeldSessions } from '../../signalling/held-sessions.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import { Places } from '../../signalling/places.ts';
import type { Request } from '../../signalling/protocol.ts';
import type { ChannelClient } from '../../signalling/session-channel.ts';
import { SessionHost } from '../../signalling/session-host.ts';
import { Sessions } from '../../signalling/sessions.ts';
import { FakeCalls, RTP_CAPABILITIES } from '../support/fake-calls.ts';
import { rejection } from '../support/rejection.ts';
import { memoryLog } from '../support/running-server.ts';

const JOIN: Request<'join'> = { protocol: 1, sdk: '0', rtpCapabilities: RTP_CAPABILITIES, playback: 'running' };

class Client implements ChannelClient {
  joined = false;
  readonly told: string[] = [];
  readonly signal = new AbortController().signal;

  deliver(): void {}
  becomeJoined(): void {
    this.joined = true;
  }
  refuse(code: string): void {
    this.told.push(code);
  }
  end(): void {}
  drop(): void {}
}

describe('joining a session', () => {
  const start = async () => {
    const [log, podId, nowMs] = [memoryLog(), 'pod-a', Date.now];
    const store = new HeldSessions({ local: new MemorySessionStore({ podId }), log });
    const places = new Places({ capacity: 9 });
    const sessions = new Sessions({ store, places, podId, hasTime: () => true, timeoutMs: 60_000, nowMs });
    const nothing = { toStandby: async () => ({}), toSuccessor: () => undefined, publish: () => {} };
    const host = new SessionHost({ calls: new FakeCalls(), sessions, ...nothing, log, nowMs });
    const { id } = await sessions.open({ agent: 'parrot' });
    return { host, id };
  };

  it('takes the place of an earlier connection, which is told', async () => {
    const { host, id } = await start();
    const [first, second] = [new Client(), new Client()];
    await host.join(first, id, JOIN);
    await host.join(second, id, JOIN);
    expect(host.find(id)?.current).to.equal(second);
    expect(first.told).to.deep.equal(['superseded']);
  });

  it('leaves the present connection in place where a pod brings another by itself, which its client may have left', async () => {
    const { host, id } = await start();
    const [present, left] = [new Client(), new Client()];
    await host.join(present, id, JOIN);
    expect(await rejection(host.moveIn(left, id, JOIN, 'pod'))).to.include({ code: 'superseded' });
    expect(host.find(id)?.current).to.equal(present);
    expect(present.told).to.deep.equal([]);
  });
});
