import { expect } from 'chai';
import { StoreUnavailable } from '../../signalling/errors.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
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
