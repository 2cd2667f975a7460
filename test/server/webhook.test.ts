import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import { sessionEndedEvent, signatureOf } from '../../server/webhook-event.ts';
import { Webhook } from '../../server/webhook.ts';
import type { WebhookOptions } from '../../server/webhook.ts';
import { createAgentFolder } from '../support/agent-folder.ts';
import { eventually } from '../support/eventually.ts';
import { memoryLog, startTestServer } from '../support/running-server.ts';
import { sessionRecord } from '../support/session-record.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const SECRET = 'a-secret-that-receiver-and-server-share';

const line = (turnId: string, role: 'user' | 'agent', startMs: number, endMs: number): TranscriptEntry => ({
  turnId,
  role,
  text: `${role} of ${turnId}`,
  final: true,
  startMs,
  endMs,
});
const TRANSCRIPT = [
  line('greeting', 'agent', 100, 1_100),
  line('t1', 'user', 2_000, 3_000),
  line('t1', 'agent', 3_600, 5_600),
  line('t2', 'user', 7_000, 7_500),
  line('t2', 'agent', 8_300, 9_300),
  line('t3', 'user', 11_000, 11_200),
];

/** The function that the documentation offers. */
const documentedCheck = async () => {
  const guide = await readFile(new URL('../../docs/webhook.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(guide) ?? [];
  const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    isFromParley: (body: string, header: string, secret: string, nowMs?: number) => boolean;
  };
  return module.isFromParley;
};

describe('the event of a session that has ended', () => {
  const record = sessionRecord({ state: 'ended', createdAt: 1_000, endedAt: 13_000, endReason: 'left' });

  it('has durations, turns, the reason and the times of each turn', () => {
    const event = sessionEndedEvent(record, TRANSCRIPT);
    expect(event).to.deep.include({
      id: `session.ended:${record.id}`,
      summary: {
        durationMs: 12_000,
        conversationMs: 11_200,
        turns: 3,
        userSpeechMs: 1_700,
        agentSpeechMs: 4_000,
        medianResponseMs: 600,
      },
      timings: [
        { turnId: 'greeting', agentSpeechMs: 1_000 },
        { turnId: 't1', userSpeechMs: 1_000, responseMs: 600, agentSpeechMs: 2_000 },
        { turnId: 't2', userSpeechMs: 500, responseMs: 800, agentSpeechMs: 1_000 },
        { turnId: 't3', userSpeechMs: 200 },
      ],
    });
    expect(event).to.have.nested.property('session.endReason', 'left');
  });

  it('has nothing to say of a session in which nobody spoke', () => {
    const { summary } = JSON.parse(JSON.stringify(sessionEndedEvent(record, []))) as { summary: object };
    expect(summary).to.deep.equal({
      durationMs: 12_000,
      conversationMs: 0,
      turns: 0,
      userSpeechMs: 0,
      agentSpeechMs: 0,
    });
  });

  it('is signed so that the check in the documentation takes it, and nothing else', async () => {
    const isFromParley = await documentedCheck();
    const body = '{"text":"Grüße"}';
    const header = signatureOf(body, SECRET, 1_000);
    expect(isFromParley(body, header, SECRET, 1_000_000)).to.equal(true);
    expect(isFromParley(`${body} `, header, SECRET, 1_000_000)).to.equal(false);
    expect(isFromParley(body, header, `${SECRET}x`, 1_000_000)).to.equal(false);
    expect(isFromParley(body, header, SECRET, 1_301_000)).to.equal(false);
    expect(isFromParley(body, header.replace('t=1000', 't=1001'), SECRET, 1_000_000)).to.equal(false);
    expect(isFromParley(body, 'nonsense', SECRET, 1_000_000)).to.equal(false);
  });
});

describe('the webhook', () => {
  let receiver: WebhookReceiver;
  let log: ReturnType<typeof memoryLog>;
  let webhook: Webhook;

  const create = (options: Partial<WebhookOptions> = {}) => {
    log = memoryLog();
    const target = { url: receiver.url, secret: SECRET };
    return new Webhook({
      targetOf: async () => target,
      transcript: async () => TRANSCRIPT,
      log,
      nowMs: Date.now,
      settleMs: 0,
      retryAfterMs: 1,
      ...options,
    });
  };

  beforeEach(async () => {
    receiver = await new WebhookReceiver().start();
    webhook = create();
  });

  afterEach(async () => {
    await webhook.close();
    await receiver.stop();
    const logged = JSON.stringify(log.lines);
    for (const hidden of [SECRET, 'in-the-address', 'user of t1']) expect(logged).to.not.include(hidden);
  });

  const ended = () => sessionRecord({ state: 'ended', endReason: 'left', endedAt: 5_000 });
  const idle = () => eventually(() => webhook.pending === 0, 30_000);

  it('tells a receiver once, signed', async () => {
    const isFromParley = await documentedCheck();
    const record = ended();
    webhook.note(record);
    await idle();
    expect(receiver.told).to.have.lengthOf(1);
    const { headers, body } = receiver.told[0]!;
    expect(isFromParley(body, String(headers['parley-signature']), SECRET)).to.equal(true);
    expect(headers).to.include({
      'content-type': 'application/json',
      'parley-event-id': `session.ended:${record.id}`,
    });
    expect((JSON.parse(body) as { id: string }).id).to.equal(headers['parley-event-id']);
  });

  it('tells it again, under the same id, until it says that it has it', async () => {
    receiver.answers.push(500, 429, 404, 302);
    webhook.note(ended());
    await idle();
    expect(receiver.told).to.have.lengthOf(5);
    expect(new Set(receiver.told.map(({ headers }) => headers['parley-event-id']))).to.have.property('size', 1);
    expect(new Set(receiver.told.map(({ body }) => body))).to.have.property('size', 1);
  });

  it('tells one that was away when it is back', async () => {
    await receiver.stop();
    webhook = create({ retryAfterMs: 50 });
    webhook.note(ended());
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(webhook.pending).to.equal(1);
    await receiver.start();
    await idle();
    expect(receiver.told).to.have.lengthOf(1);
  });

  it('does not wait longer than it must for one that never answers', async () => {
    webhook = create({ timeoutMs: 30 });
    receiver.answers.push(undefined, undefined);
    webhook.note(ended());
    await idle();
    expect(receiver.told).to.have.lengthOf(3);
  });

  it('gives up where the receiver is gone for good, and after nine times', async () => {
    receiver.answers.push(410);
    webhook.note(ended());
    await idle();
    expect(receiver.told).to.have.lengthOf(1);
    receiver.answers.push(...Array.from({ length: 20 }, () => 503));
    webhook = create({ retryAfterMs: 0.001 });
    webhook.note(ended());
    await idle();
    expect(receiver.told).to.have.lengthOf(10);
    expect(log.lines.at(-1)).to.deep.include({ level: 'error' });
    expect(log.lines.at(-1)!.details).to.include({ reason: 'it answered 503' });
  });

  it('has no more than sixteen requests under way, however many sessions end', async () => {
    receiver.answers.push(...Array.from({ length: 16 }, () => undefined));
    // Long enough that none is given up before it is counted, on a busy machine too.
    webhook = create({ timeoutMs: 3000, retryAfterMs: 20 });
    for (let session = 0; session < 40; session += 1) webhook.note(ended());
    await eventually(() => receiver.told.length === 16);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(receiver.told).to.have.lengthOf(16);
    await idle();
    expect(new Set(receiver.told.map(({ headers }) => headers['parley-event-id']))).to.have.property('size', 40);
  });

  it('lets what is under way end when it closes, and says what is lost', async () => {
    webhook = create({ settleMs: 60_000, closingMs: 5_000 });
    webhook.note(ended());
    await webhook.close();
    expect(receiver.told).to.have.lengthOf(1);
    receiver.answers.push(204, ...Array.from({ length: 20 }, () => undefined));
    webhook = create({ closingMs: 20 });
    webhook.note(ended());
    await webhook.close();
    expect(log.lines.at(-1)!.details).to.deep.equal({ sessions: 1 });
  });
});

describe('a server with a webhook', () => {
  it("tells the end of a session, where its agent wants it or where the server's setting says", async () => {
    const [own, general] = [await new WebhookReceiver().start(), await new WebhookReceiver().start()];
    const folder = await createAgentFolder();
    await folder.write('a.yaml', `name: a\nwebhook: { url: "${own.url}", secret: HOOK }`);
    await folder.write('b.yaml', 'name: b');
    const server = await startTestServer({
      AGENTS_DIR: folder.folder,
      AGENT_SECRETS: JSON.stringify({ HOOK: 'the-agents-own' }),
      WEBHOOK_URL: general.url,
      WEBHOOK_SECRET: SECRET,
    });
    try {
      for (const agent of ['a', 'b']) {
        const { id } = await server.open({ agent, metadata: { order: 7 } });
        await server.request('DELETE', `/v2/sessions/${id}`);
      }
      await eventually(() => own.told.length === 1 && general.told.length === 1);
      const { session } = JSON.parse(general.told[0]!.body) as { session: object };
      expect(session).to.deep.include({ agent: 'b', endReason: 'deleted', metadata: { order: 7 } });
      await server.open({ agent: 'b' });
    } finally {
      await server.close();
      await Promise.all([own.stop(), general.stop(), folder.remove()]);
    }
  });
});
