import { expect } from 'chai';
import * as fc from 'fast-check';
import { requestSchemas } from '../../signalling/protocol.ts';
import { eventually } from '../support/eventually.ts';
import { startLoneGateway } from '../support/lone-gateway.ts';
import { JOIN, SocketClient } from '../support/socket-client.ts';

type Message = { name: string; payloads: unknown[] };

/** Names and fields that exist, with values that do not fit, find more than pure noise. */
const messages: fc.Arbitrary<Message> = fc.record({
  name: fc.oneof(fc.constantFrom(...Object.keys(requestSchemas)), fc.string({ minLength: 1 })),
  payloads: fc.array(
    fc.oneof(
      fc.jsonValue(),
      fc.constant(JOIN),
      fc.record(
        { transportId: fc.jsonValue(), text: fc.jsonValue(), dtlsParameters: fc.jsonValue(), protocol: fc.jsonValue() },
        { requiredKeys: [] },
      ),
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 3 },
  ),
});

/** Socket.IO keeps these for itself: its client refuses to send them, its server to take them. */
const RESERVED = new Set(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']);

describe('a hostile client', () => {
  let parts: Awaited<ReturnType<typeof startLoneGateway>>;

  before(async () => {
    parts = await startLoneGateway();
  });

  after(async () => parts.close());

  const isUnharmed = async (): Promise<void> => {
    const { id, token } = await parts.open();
    using client = await new SocketClient(parts.url, token).connected();
    await client.join();
    await client.succeed('leave');
    await eventually(() => parts.calls.asked.includes(`end ${id}`));
    expect(parts.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
  };

  it('gets an answer to each message or is disconnected, and nothing breaks', async () => {
    const sequence = fc.array(messages, { minLength: 1, maxLength: 25 });
    const answered = fc.asyncProperty(sequence, fc.boolean(), async (sent, joins) => {
      const { id, token } = await parts.open();
      using client = await new SocketClient(parts.url, token).connected();
      const closed = new Promise((resolve) => client.socket.once('disconnect', () => resolve('closed')));
      if (joins) await client.join();
      for (const { name, payloads } of sent.filter((message) => !RESERVED.has(message.name))) {
        const answer: unknown = await Promise.race([client.socket.emitWithAck(name, ...payloads), closed]);
        if (answer === 'closed' || !client.socket.connected) break;
        expect(answer).to.have.property('ok').that.is.a('boolean');
      }
      await parts.sessions.end(id, 'deleted');
    });
    await fc.assert(answered, { numRuns: 60, endOnFailure: true });
    await isUnharmed();
  });

  it('brings nothing down with frames that are no Socket.IO', async () => {
    const { token } = await parts.open();
    const url = `${parts.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
    const frames = fc.array(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => `42${json}`),
        fc.json().map((json) => `4${json}`),
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(
          '40{}',
          `40${JSON.stringify({ token })}`,
          '450-["say",{"_placeholder":true,"num":9}]',
          '42["a"',
          '3',
        ),
      ),
      { maxLength: 12 },
    );
    const sendAll = fc.asyncProperty(frames, async (sent) => {
      const socket = new WebSocket(url);
      const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
      await new Promise((resolve) => socket.addEventListener('open', resolve));
      for (const frame of sent) socket.send(typeof frame === 'string' ? frame : new Uint8Array(frame));
      socket.close();
      await closed;
    });
    await fc.assert(sendAll, { numRuns: 60, endOnFailure: true });
    await isUnharmed();
  });

  it('learns nothing from names of the language or of the server', async () => {
    const { token } = await parts.open();
    using client = await new SocketClient(parts.url, token).connected();
    await client.join();
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'hello', 'ended', 'token']) {
      const ack = await client.ask(name, {});
      expect(ack).to.deep.equal({ ok: false, error: { code: 'unknown_event', message: 'There is no such request.' } });
    }
  });

  it('is disconnected where it shows no token, though it answers every ping', async () => {
    const impatient = await startLoneGateway({ connectTimeoutMs: 200 });
    try {
      const url = `${impatient.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
      const socket = new WebSocket(url);
      const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
      socket.addEventListener('message', ({ data }) => String(data) === '2' && socket.send('3'));
      await closed;
      expect(impatient.gateway.connections).to.equal(0);
    } finally {
      await impatient.close();
    }
  });
});
