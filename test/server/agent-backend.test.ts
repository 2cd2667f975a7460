import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { AgentBackendClient, AgentBackendError } from '../../server/agent-backend-client.ts';
import { AgentBackend } from '../../server/agent-backend.ts';
import { BACKEND_SECRET, ConfigBackend, held, json, text } from '../support/config-backend.ts';
import { eventually } from '../support/eventually.ts';
import { rejection } from '../support/rejection.ts';
import { memoryLog } from '../support/running-server.ts';

const TTL_MS = 300_000;
const greets = (greeting: string) => json(200, { agent: { greeting } });

describe('the backend of agents', () => {
  let backend: ConfigBackend;
  let log: ReturnType<typeof memoryLog>;
  let agents: AgentBackend;
  let nowMs: number;

  beforeEach(async () => {
    backend = await new ConfigBackend().start();
    log = memoryLog();
    nowMs = Date.now();
    agents = create();
  });

  afterEach(async () => {
    await backend.stop();
    expect(backend.complaints).to.deep.equal([]);
  });

  const create = (options: { timeoutMs?: number; patienceMs?: number } = {}) => {
    const { timeoutMs = 5_000, patienceMs = 20 } = options;
    const clock = { nowMs: () => nowMs };
    const access = { url: backend.url, secret: BACKEND_SECRET, podId: 'pod-a', secrets: {} };
    const client = new AgentBackendClient({ ...access, ...clock, timeoutMs });
    return new AgentBackend({ client, ttlMs: TTL_MS, log, ...clock, patienceMs });
  };

  const greeting = async (agent = 'anna', campaign?: string) =>
    (await agents.find(agent, campaign))?.definition.greeting;

  const failure = async (): Promise<AgentBackendError> => {
    const error = await rejection(agents.find('anna', undefined));
    expect(error).to.be.instanceOf(AgentBackendError);
    return error as AgentBackendError;
  };

  it('is asked for an agent and a campaign, with a token of a minute, and remembers both apart', async () => {
    backend.answer = greets('hello');
    expect(await greeting()).to.equal('hello');
    expect(await greeting('anna', 'spring sale&x')).to.equal('hello');
    expect(await greeting('anna', 'spring sale&x')).to.equal('hello');
    expect(backend.asked).to.deep.equal([
      '/api/v1/agents/anna/runtime-config',
      '/api/v1/agents/anna/runtime-config?campaignId=spring%20sale%26x',
    ]);
    expect(agents.size).to.equal(2);
  });

  it("lays a campaign's overrides over the agent, field by field", async () => {
    const agent = { greeting: 'hello', turnHandling: { endpointing: { speechEndMs: 700 } } };
    const campaignOverrides = { turnHandling: { endpointing: { speechStartMs: 64 } }, voice: 'rms' };
    backend.answer = json(200, { agent, campaignOverrides });
    const { definition } = (await agents.find('anna', 'spring'))!;
    expect(definition).to.include({ name: 'anna', greeting: 'hello', voice: 'rms' });
    expect(definition.turnHandling.endpointing).to.include({ speechEndMs: 700, speechStartMs: 64 });
  });

  it('is asked once by many at the same time', async () => {
    const slow = held(greets('hello'));
    backend.answer = slow.answer;
    const all = Promise.all(Array.from({ length: 50 }, () => greeting()));
    await eventually(() => backend.asked.length === 1);
    slow.release();
    expect(new Set(await all)).to.deep.equal(new Set(['hello']));
    expect(backend.asked).to.have.lengthOf(1);
  });

  it('is asked again after five minutes, and what is new is used', async () => {
    backend.answer = greets('one');
    await greeting();
    backend.answer = greets('two');
    nowMs += TTL_MS - 1;
    expect(await greeting()).to.equal('one');
    nowMs += 1;
    await eventually(async () => (await greeting()) === 'two');
    expect(backend.asked).to.have.lengthOf(2);
  });

  it('is not waited for where it is slow and an older answer is there; the news come behind', async () => {
    backend.answer = greets('one');
    await greeting();
    const slow = held(greets('two'));
    backend.answer = slow.answer;
    nowMs += TTL_MS;
    expect(await greeting()).to.equal('one');
    expect(await greeting()).to.equal('one');
    slow.release();
    await eventually(async () => (await greeting()) === 'two');
    expect(backend.asked).to.have.lengthOf(2);
  });

  it('is not needed for what it answered before, however long ago; it is asked again when it is back', async () => {
    backend.answer = greets('one');
    await greeting();
    await backend.stop();
    nowMs += 30 * 24 * 3_600_000;
    expect(await greeting()).to.equal('one');
    await eventually(() => log.lines.some(({ level }) => level === 'warn'));
    backend.answer = greets('two');
    await backend.start();
    nowMs += 5_000;
    await eventually(async () => (await greeting()) === 'two');
  });

  it('is left alone for a moment after it failed five times, and nobody waits for it', async () => {
    backend.answer = json(503, {});
    for (let tries = 0; tries < 3; tries += 1) await failure();
    expect(agents.away).to.equal(true);
    const asked = backend.asked.length;
    expect((await failure()).code).to.equal('circuit_open');
    expect(backend.asked).to.have.lengthOf(asked);
  });

  it('fails in time where it never answers', async () => {
    agents = create({ timeoutMs: 500 });
    backend.answer = held(json(200, {})).answer;
    expect((await failure()).code).to.equal('timed_out');
    await eventually(() => backend.asked.length === 2);
  });

  it('knows no agent where it says so itself, but not where a balancer does', async () => {
    backend.answer = json(404, { error: 'none' });
    expect(await greeting()).to.equal(undefined);
    backend.answer = text(404, '<html>default backend</html>');
    expect((await failure()).code).to.equal('failed');
  });

  it('is not asked for what cannot be an id', async () => {
    for (const id of ['..', '../x', 'a/b', 'a:b', '', 'ä']) expect(await greeting(id)).to.equal(undefined);
    expect(backend.asked).to.deep.equal([]);
  });

  it('is not listened to for ever, also where a little unpacks to a lot', async () => {
    const endless = (encoding: string, piece: Buffer): ConfigBackend['answer'] => {
      return (response) => {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': encoding });
        const more = (): void => {
          while (!response.destroyed && response.write(piece));
        };
        response.on('drain', more);
        more();
      };
    };
    for (const [encoding, piece] of [
      ['identity', Buffer.alloc(65_536, ' ')],
      ['gzip', gzipSync(Buffer.alloc(16_777_216, ' '))],
    ] as const) {
      agents = create({ timeoutMs: 60_000 });
      backend.answer = endless(encoding, piece);
      expect((await failure()).code, encoding).to.equal('invalid_answer');
    }
  });

  const invalid: [what: string, answer: ConfigBackend['answer']][] = [
    ['no JSON', text(200, '{"agent": {"secrets": {"KEY": "sk-live-0123456789"')],
    ['no object', json(200, 'sk-live-0123456789')],
    ['an agent with a mistake', json(200, { agent: { voice: 'sk-live-0123456789', turnHandling: 7 } })],
    ['a secret that is none', json(200, { agent: { webhook: { url: 'http://x/', secret: 'sk-live-0123456789' } } })],
    ['overrides that are no object', json(200, { agent: {}, campaignOverrides: 'sk-live-0123456789' })],
  ];
  for (const [what, answer] of invalid) {
    it(`is taken no agent from that is ${what}, and nothing of it is told`, async () => {
      backend.answer = answer;
      const error = await failure();
      expect(error.code).to.equal('invalid_answer');
      expect(JSON.stringify(log.lines) + error.stack).to.not.include('sk-live');
      expect(backend.asked).to.have.lengthOf(1);
    });
  }
});
