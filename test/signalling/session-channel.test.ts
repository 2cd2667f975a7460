import { expect } from 'chai';
import type { CallEvent } from '../../signalling/call-control.ts';
import type { LoggedEvent } from '../../signalling/event-log.ts';
import { SessionChannel } from '../../signalling/session-channel.ts';
import type { ChannelClient } from '../../signalling/session-channel.ts';

class Listener implements ChannelClient {
  readonly seen: number[] = [];
  readonly joined = true;
  readonly signal = new AbortController().signal;

  deliver({ seq }: LoggedEvent): void {
    this.seen.push(seq);
  }

  becomeJoined(): void {}
  refuse(): void {}
  end(): void {}
  drop(): void {}
}

const problem: CallEvent = { name: 'problem', data: { code: 'x', message: '' } };
const agentState: CallEvent = { name: 'agent-state', data: { state: 'listening', output: 'normal', atMs: 0 } };

describe('SessionChannel', () => {
  let channel: SessionChannel;
  let client: Listener;

  beforeEach(() => {
    channel = new SessionChannel('session-1');
    client = new Listener();
    channel.open(9);
  });

  const join = (listener: Listener, lastSeen?: { epoch: number; seq: number }): void => {
    channel.takeOver(listener);
    for (const event of channel.startFrom(lastSeen, channel.position, 0)) listener.deliver(event);
  };

  it('keeps no events before the first join, for there is nobody to miss them', () => {
    const fresh = new SessionChannel('session-2');
    fresh.publish(problem, 0);
    expect(fresh.isOpen).to.equal(false);
    fresh.open(9);
    expect(fresh.position).to.deep.equal({ epoch: 9, seq: 0 });
  });

  it('delivers what happens to whoever has joined', () => {
    join(client);
    channel.publish(problem, 0);
    channel.publish(problem, 0);
    expect(client.seen).to.deep.equal([1, 2]);
  });

  it('holds back what happens during a join until the join is answered', () => {
    const joinedAt = channel.position;
    channel.takeOver(client);
    channel.publish(problem, 0);
    expect(client.seen).to.deep.equal([]);
    for (const event of channel.startFrom(undefined, joinedAt, 0)) client.deliver(event);
    expect(client.seen).to.deep.equal([1]);
  });

  it('sends a client that is back what it missed, each once and in order', () => {
    join(client);
    channel.publish(problem, 0);
    channel.letGo();
    channel.publish(problem, 0);
    channel.publish(problem, 0);
    const back = new Listener();
    join(back, { epoch: 9, seq: 1 });
    channel.publish(problem, 0);
    expect(back.seen).to.deep.equal([2, 3, 4]);
    expect(client.seen).to.deep.equal([1]);
  });

  it("tells a client that starts in the middle the agent's state and no old events", () => {
    join(client);
    for (const event of [problem, agentState, problem]) channel.publish(event, 0);
    const reloaded = new Listener();
    join(reloaded);
    expect(reloaded.seen).to.deep.equal([2]);
    const lost = new Listener();
    join(lost, { epoch: 8, seq: 700 });
    expect(lost.seen).to.deep.equal([2]);
  });

  it('takes the session over from an earlier client and names it', () => {
    join(client);
    const second = new Listener();
    expect(channel.takeOver(second)).to.equal(client);
    expect(channel.takeOver(second)).to.equal(undefined);
    channel.publish(problem, 0);
    expect(client.seen).to.deep.equal([]);
  });

  it('runs tasks one after the other, also past one that fails', async () => {
    const order: string[] = [];
    const task =
      (name: string, fails = false) =>
      async () => {
        order.push(`${name} starts`);
        await Promise.resolve();
        order.push(`${name} ends`);
        if (fails) throw new Error(name);
      };
    const first = channel.enqueue(task('a', true));
    const second = channel.enqueue(task('b'));
    const outcomes = await Promise.allSettled([first, second]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled']);
    expect(order).to.deep.equal(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  it('lets 64 tasks wait, refuses more, and takes them again when there is room', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const waiting = Array.from({ length: 64 }, () => channel.enqueue(() => opened));
    expect(channel.enqueue(() => opened)).to.equal(undefined);
    const certain = channel.enqueueAlways(async () => undefined);
    open();
    await Promise.all([...waiting, certain]);
    expect(channel.enqueue(async () => undefined)).to.not.equal(undefined);
  });
});
