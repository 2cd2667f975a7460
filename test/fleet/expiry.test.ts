import { expect } from 'chai';
import { Redis } from 'ioredis';
import { becomes } from '../support/becomes.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';

/** Longer than others leave sessions alone after they have found Redis, so that it is this session's time that counts. */
const SESSION_TIMEOUT_S = 15;
const SESSION_TTL_S = 60;
const LATEST_MS = 2_000;
/** So long before its time this test looks, and a busy machine takes less to answer. */
const SLACK_MS = 3_000;

type View = { state: string; endReason?: string; endedAt?: number; timeoutAt: number };

describe('a session whose pod died and whose client never comes back', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  let redis: Redis;

  before(async function () {
    Network.skipWithout(this);
    const environment = { SESSION_TIMEOUT: String(SESSION_TIMEOUT_S), REDIS_SESSION_TTL: String(SESSION_TTL_S) };
    fleet = await Fleet.start({ pods: 2, environment });
    redis = new Redis(6379, fleet.redis!.host.address);
  });

  after(async () => {
    redis?.disconnect();
    await fleet?.close();
  });

  it('is ended by another pod, two seconds late at most, and kept for as long as is set', async () => {
    const { id, pod } = await fleet.open();
    const owner = fleet.pods.find((each) => each.id === pod);
    const survivor = fleet.pods.find((each) => each !== owner);
    const key = `session:{${id}}`;
    const longestMs = (SESSION_TIMEOUT_S + SESSION_TTL_S) * 1000;
    expect(await redis.pttl(key)).to.be.within(longestMs - 10_000, longestMs);

    await owner!.process.kill();
    const read = async () => (await fleet.request('GET', `/v2/sessions/${id}`, undefined, survivor!.url)).body as View;
    const { state, timeoutAt } = await read();
    expect(state).to.equal('ready');
    await new Promise((resolve) => setTimeout(resolve, timeoutAt - SLACK_MS - Date.now()));
    expect((await read()).state, 'before its time').to.equal('ready');
    await becomes(async () => expect(await read()).to.include({ state: 'ended', endReason: 'expired' }), 20_000);
    expect((await redis.hget(key, 'owner')) === survivor!.id, 'who ended it').to.equal(true);
    expect(Number(await redis.hget(key, 'updatedAt')) - timeoutAt, 'late').to.be.within(0, LATEST_MS);
    expect(await redis.pttl(key)).to.be.within(SESSION_TTL_S * 1000 - 20_000, SESSION_TTL_S * 1000);
    expect(await redis.zscore('sessions:active', id)).to.equal(null);
  });
});
