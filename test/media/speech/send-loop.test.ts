import { expect } from 'chai';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { monotonicMs } from '../../../media/runtime/clock.ts';
import { SendLoop, type LoopedCall } from '../../../media/speech/send-loop.ts';
import { eventually } from '../../support/eventually.ts';

describe('SendLoop', () => {
  let calls: Map<string, LoopedCall>;
  let loop: SendLoop;
  let faults: string[];
  let sent: number[];

  beforeEach(() => {
    calls = new Map();
    faults = [];
    sent = [];
    loop = new SendLoop({
      calls,
      now: monotonicMs,
      onTick: () => undefined,
      onSent: (latenessMs) => sent.push(latenessMs),
      onFault: (callId, code) => faults.push(`${callId} ${code}`),
    });
  });

  afterEach(() => loop.close());

  it('sends what is due of all calls before it works for any of them', async () => {
    const steps: string[] = [];
    const call = (name: string): LoopedCall => ({
      send: () => (steps.push(`send ${name}`), 1.5),
      work: () => void steps.push(`work ${name}`),
    });
    for (const name of ['a', 'b']) calls.set(name, call(name));
    loop.start();
    await eventually(() => steps.length >= 4);
    expect(steps.slice(0, 4)).to.deep.equal(['send a', 'send b', 'work a', 'work b']);
    expect(sent.slice(0, 2)).to.deep.equal([1.5, 1.5]);
  });

  it('goes on after a call that fails', async () => {
    let works = 0;
    calls.set('bad', {
      send: () => {
        throw new Error('no');
      },
      work: () => {
        throw new Error('no');
      },
    });
    calls.set('good', { send: () => -1, work: () => void works++ });
    loop.start();
    await eventually(() => works > 2);
    expect(new Set(faults)).to.deep.equal(new Set(['bad send_failed', 'bad call_failed']));
    expect(sent).to.deep.equal([]);
  });

  it('has packets read while there is more work than there is time', async () => {
    // One round of this work lasts 100 ms, and a turn of the event loop reads 32 packets. Read once a round, they would
    // take as many rounds as there are 32s of them.
    const packets = 160;
    let works = 0;
    const work = () => {
      works++;
      const endMs = monotonicMs() + 2;
      while (monotonicMs() < endMs) Math.sqrt(endMs);
    };
    for (let index = 0; index < 50; index++) calls.set(`call ${index}`, { send: () => -1, work });
    const socket = createSocket('udp4');
    let received = 0;
    socket.on('message', () => received++);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const sender = createSocket('udp4');
    const { port } = socket.address();
    loop.start();
    await eventually(() => works > 0);
    const before = works;
    for (let index = 0; index < packets; index++) sender.send(Uint8Array.of(index & 0xff), port, '127.0.0.1');
    try {
      await eventually(() => received === packets);
      expect((works - before) / calls.size).to.be.lessThan(packets / 32);
    } finally {
      socket.close();
      sender.close();
    }
  });

  it('works for a call that is in a hurry before its next tick, and only for that', async () => {
    const steps: string[] = [];
    for (const name of ['a', 'b']) calls.set(name, { send: () => -1, work: () => void steps.push(name) });
    for (const name of ['b', 'b', 'gone']) loop.hurry(name);
    await eventually(() => steps.length > 0);
    expect(steps, 'nothing has been started, so there is no tick').to.deep.equal(['b']);
    expect(faults).to.deep.equal([]);
  });

  it('rests while there are no calls', async () => {
    let ticks = 0;
    calls.set('only', { send: () => (ticks++, -1), work: () => calls.clear() });
    loop.start();
    await eventually(() => calls.size === 0);
    const before = ticks;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(ticks - before).to.be.lessThan(2);
  });
});
