import { inspect } from 'node:util';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { StoreUnavailable } from '../../signalling/errors.ts';
import { RedisLink } from '../../signalling/redis-link.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { memoryLog } from '../support/running-server.ts';
import { openLink, rejection } from '../support/redis-session-stores.ts';

const PATHS = { redis: '', 'redis+sentinel': '/parley', 'redis+cluster': '' };

describe('RedisLink', function () {
  this.timeout(60_000);
  let server: RedisServer;

  before(async () => {
    server = await RedisServer.start();
  });

  after(async () => server.stop());

  for (const [scheme, path] of Object.entries(PATHS)) {
    it(`opens although ${scheme} cannot be reached or does not answer, and says that it is away`, async () => {
      server.pause();
      try {
        // Nothing listens on the first one.
        for (const address of ['127.0.0.1:1', `127.0.0.1:${server.port}`]) {
          const link = await openLink(`${scheme}://${address}${path}`);
          expect(link.isUp).to.equal(false);
          expect(link.downSince).to.be.a('number');
          expect(link.steadySince).to.equal(undefined);
          expect(await rejection(link.run('ping', (redis) => redis.ping()))).to.be.instanceOf(StoreUnavailable);
          await link.close();
        }
      } finally {
        server.resume();
      }
    });
  }

  it('is away once, not again and again, while Redis is a replica and takes no writes', async () => {
    await using demoted = await RedisServer.start();
    const log = memoryLog();
    const link = await RedisLink.open({ target: parseRedisTarget(demoted.url)!, log });
    const write = () => link.run('write', (redis) => redis.set('key', 'value'));
    const said = (text: string) => log.lines.filter(({ message }) => message.includes(text)).length;
    const admin = new Redis(demoted.port, demoted.host);
    await admin.replicaof('127.0.0.1', 1);
    await eventually(() => !link.isUp);
    const { connections } = link;
    // Each refused write has the connection made anew, which must not pass for a Redis that is back.
    await eventually(async () => (await rejection(write()), link.connections > connections + 3));
    expect([said('away'), said('is there')]).to.deep.equal([1, 1]);
    await admin.replicaof('NO', 'ONE');
    admin.disconnect();
    await eventually(() => link.isUp);
    await write();
    await link.close();
  });

  it('says nothing of what was to be written in the errors of Redis', async () => {
    const link = await openLink(server.url);
    const write = (redis: RedisLink['commands']) => redis.set('list', 'words of a caller');
    await link.run('write', write);
    const refused = await rejection(link.run('write', (redis) => redis.lpush('list', 'words of a caller')));
    expect(refused).to.have.property('message').that.includes('WRONGTYPE');
    expect(inspect(refused)).not.to.include('words');
    await link.close();
  });

  it('tells the operator, not the password, when it does not get in', async () => {
    await using guarded = await RedisServer.start({ args: ['--requirepass', 'the right one'] });
    const log = memoryLog();
    const target = parseRedisTarget(`redis://:mistaken@${guarded.host}:${guarded.port}`)!;
    const link = await RedisLink.open({ target, log });
    await eventually(() => log.lines.some(({ message }) => message.includes('away')));
    expect(inspect(log.lines, { depth: 9 }))
      .to.include('WRONGPASS')
      .and.not.include('mistaken');
    expect(
      log.lines
        .filter(({ level }) => level === 'warn')
        .map(({ details }) => inspect(details))
        .join(),
    ).to.include('WRONGPASS');
    await link.close();
  });

  it('is steady anew when another Redis process answers', async () => {
    const link = await openLink(server.url);
    await eventually(() => link.isUp);
    const before = link.steadySince ?? 0;
    await server.restart({ empty: true });
    await eventually(() => link.isUp && (link.steadySince ?? 0) > before, 20_000);
    expect(link.majorVersion).to.be.at.least(5);
    await link.close();
    await link.close();
    expect(link.isUp).to.equal(false);
  });
});
