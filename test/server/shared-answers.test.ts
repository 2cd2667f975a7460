import { expect } from 'chai';
import { RedisLink } from '../../signalling/redis-link.ts';
import { RedisSharedCache } from '../../signalling/redis-shared-cache.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { AgentBackendClient } from '../../server/agent-backend-client.ts';
import { AgentBackend } from '../../server/agent-backend.ts';
import { SharedAnswers } from '../../server/shared-answers.ts';
import { BACKEND_SECRET, ConfigBackend, json } from '../support/config-backend.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { rejection } from '../support/rejection.ts';
import { memoryLog } from '../support/running-server.ts';

const FRESH_MS = 300_000;
const SHARED_MS = 3_600_000;
const greets = (greeting: string) => json(200, { agent: { greeting } });

describe('what the backend of agents answered one pod', () => {
  let redis: RedisServer;
  let link: RedisLink;
  let backend: ConfigBackend;
  let nowMs: number;
  const log = memoryLog();

  beforeEach(async () => {
    redis = await RedisServer.start();
    link = await RedisLink.open({ target: parseRedisTarget(redis.url)!, log });
    backend = await new ConfigBackend().start();
    backend.answer = greets('hello');
    nowMs = Date.now();
  });

  afterEach(async () => {
    await link.close();
    await Promise.all([redis.stop(), backend.stop()]);
  });

  const pod = ({ secret = BACKEND_SECRET, aheadMs = 0 } = {}) => {
    const clock = { nowMs: () => nowMs + aheadMs };
    const client = new AgentBackendClient({
      url: backend.url,
      secret: BACKEND_SECRET,
      podId: 'a',
      secrets: {},
      ...clock,
    });
    const shared = new SharedAnswers({ cache: new RedisSharedCache(link), secret, ttlMs: SHARED_MS, log });
    return new AgentBackend({ client, shared, ttlMs: FRESH_MS, log, ...clock, patienceMs: 20 });
  };

  const greeting = async (agents: AgentBackend, campaign?: string) =>
    (await agents.find('anna', campaign))?.definition.greeting;

  const answered = async (greetingOfIt: string) => {
    backend.answer = greets(greetingOfIt);
    expect(await greeting(pod())).to.equal(greetingOfIt);
    await eventually(async () => (await link.commands.exists('cache:anna:')) === 1);
  };

  it('is known to the others: they need not ask', async () => {
    await answered('hello');
    expect(await greeting(pod())).to.equal('hello');
    expect(backend.asked).to.have.lengthOf(1);
    expect(await greeting(pod(), 'spring')).to.equal('hello');
    expect(backend.asked).to.have.lengthOf(2);
  });

  it('is there for a pod that starts while the backend is away, though it is old', async () => {
    await answered('hello');
    await backend.stop();
    nowMs += FRESH_MS;
    expect(await greeting(pod())).to.equal('hello');
  });

  it('is asked for again once it is five minutes old, by whatever clock it was written', async () => {
    const ahead = pod({ aheadMs: 7 * 24 * 3_600_000 });
    expect(await greeting(ahead)).to.equal('hello');
    await eventually(async () => (await link.commands.exists('cache:anna:')) === 1);
    const agents = pod();
    expect(await greeting(agents)).to.equal('hello');
    backend.answer = greets('news');
    nowMs += FRESH_MS;
    await eventually(async () => (await greeting(agents)) === 'news');
  });

  it('is kept for an hour, and no longer once the backend says that there is no such agent', async () => {
    await answered('hello');
    expect(await link.commands.pttl('cache:anna:')).to.be.within(SHARED_MS - 20_000, SHARED_MS);
    backend.answer = json(404, {});
    nowMs += FRESH_MS;
    const agents = pod();
    await eventually(async () => (await greeting(agents)) === undefined);
    await eventually(async () => (await link.commands.exists('cache:anna:')) === 0);
  });

  it('cannot be read in Redis, nor put in another one’s place, nor made up', async () => {
    await answered('sk-live-0123456789');
    const sealed = (await link.commands.get('cache:anna:'))!;
    expect(sealed + Buffer.from(sealed, 'base64').toString('latin1')).to.not.include('sk-live');
    await backend.stop();
    await link.commands.set('cache:anna:spring', sealed);
    await rejection(greeting(pod(), 'spring'));
    await rejection(greeting(pod({ secret: 'another secret of thirty-two letters' })));
    await link.commands.set('cache:anna:', 'nonsense');
    await rejection(greeting(pod()));
    expect(JSON.stringify(log.lines)).to.not.include('sk-live');
  });

  it('is done without where Redis is away', async () => {
    await redis.stop();
    expect(await greeting(pod())).to.equal('hello');
  });
});
