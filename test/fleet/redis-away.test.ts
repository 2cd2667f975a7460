import { expect } from 'chai';
import { Redis } from 'ioredis';
import { becomes } from '../support/becomes.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';
import type { Pod } from '../support/pod.ts';
import { ReadingCall } from '../support/reading-call.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';

/** Longer than any pod, client or call waits for a sign of life; `REDIS_AWAY_MS=420000` for the seven minutes of an update. */
const AWAY_MS = Number(process.env['REDIS_AWAY_MS'] ?? 25_000);
/** All that is held is back in Redis so long after its return. */
const WRITTEN_BACK_MS = 10_000;
/** A busy machine's hiccups are shorter; whatever waits for Redis in the way of a call would take its time again and again. */
const UNNOTICED_MS = 1_000;

type Health = { status: string; degraded_since?: string };
type Line = { turnId: string; role: string };

describe('Redis away from three pods', function () {
  this.timeout(180_000 + 2 * AWAY_MS);
  let fleet: Fleet;
  let calls: ReadingCall[] = [];
  let callers: ScriptedCaller[] = [];
  let awaySinceMs: number;
  let coursesBefore: unknown[];

  before(function () {
    Network.skipWithout(this);
  });

  afterEach(async () => {
    for (const caller of callers) caller.close();
    for (const call of calls) call.caller.close();
    [calls, callers] = [[], []];
    await fleet?.close();
  });

  after(() => ScriptedCaller.cleanUp());

  /** Calls with the client's connection on the pod that leads it, on another one, and wherever the balancer puts it. */
  const start = async (redis: 'single' | 'sentinel' = 'single'): Promise<void> => {
    fleet = await Fleet.start({ pods: 3, redis });
    const [first, second] = fleet.pods;
    calls = [
      await ReadingCall.begin(fleet, { connectTo: 'owner' }),
      await ReadingCall.begin(fleet, { connectTo: 'another' }),
      await ReadingCall.begin(fleet, { connectTo: 'balancer' }),
    ];
    for (const [index, call] of calls.entries()) await amend(call.id, { order: index }, first!);
    await amend(calls[1]!.id, { order: 'again' }, second!);
    coursesBefore = calls.map(({ course }) => course);
  };

  const amend = async (id: string, metadata: object, at: Pod): Promise<void> => {
    const { status } = await fleet.request('PATCH', `/v2/sessions/${id}`, { metadata }, at.url);
    expect(status).to.equal(200);
  };

  const healthOf = async (pod: Pod): Promise<Health> =>
    (await fleet.request('GET', '/health', undefined, pod.url)).body as Health;

  const becomesDegraded = async (): Promise<void> => {
    for (const pod of fleet.pods) {
      // A write that was not answered degrades it before Redis is known to be away.
      await becomes(async () => expect(await healthOf(pod)).to.have.property('degraded_since'), 10_000);
      const { status, degraded_since: since } = await healthOf(pod);
      expect(status).to.equal('degraded');
      expect(Date.parse(since!), 'since when').to.be.within(awaySinceMs - 500, awaySinceMs + 5_000);
      expect((await fleet.request('GET', '/health/ready', undefined, pod.url)).status).to.equal(200);
    }
  };

  /** A session on each pod, from memory; its client gets in by way of the balancer. */
  const openFromMemory = async (): Promise<string[]> => {
    const opened: string[] = [];
    for (const pod of fleet.pods) {
      const { status, body } = await fleet.request('POST', '/v2/sessions', { metadata: { from: pod.id } }, pod.url);
      const session = body as { id: string; token: string; pod: string; unsaved?: boolean };
      expect([status, session.pod, session.unsaved]).to.deep.equal([201, pod.id, true]);
      const bindAddress = fleet.network.outside.address;
      const caller = new ScriptedCaller({ url: fleet.url, token: session.token, bindAddress });
      callers.push(caller);
      await caller.whenConnected(10_000);
      opened.push(session.id);
    }
    return opened;
  };

  const nothingHappenedToCalls = async (): Promise<void> => {
    const nowMs = performance.now();
    expect(calls.map(({ course }) => course)).to.deep.equal(coursesBefore);
    for (const call of calls) {
      expect(call.longestDelayMs(nowMs - (Date.now() - awaySinceMs), nowMs), 'a voice that was kept').to.be.below(
        UNNOTICED_MS,
      );
      expect(call.caller.heard.fromFormerOwners).to.deep.equal([]);
    }
    for (const pod of fleet.pods) {
      expect(pod.process.running).to.equal(true);
      const { body } = await fleet.request('GET', '/metrics', undefined, pod.url);
      expect(body).not.to.match(/^parley_session_claims_total\{/m);
    }
  };

  /** What callers and askers were told is in Redis, under the epoch that it had. */
  const everythingIsBack = async (host: { address: string }, opened: readonly string[], returnedMs: number) => {
    const redis = new Redis(6379, host.address);
    redis.on('error', () => undefined);
    const leftMs = () => Math.max(0, WRITTEN_BACK_MS - (performance.now() - returnedMs));
    const readRecord = async (id: string) => redis.hgetall(`session:{${id}}`);
    try {
      for (const pod of fleet.pods) {
        await becomes(async () => expect(await healthOf(pod)).to.include({ status: 'healthy' }), leftMs());
      }
      for (const [index, { id, podId, caller }] of calls.entries()) {
        await becomes(async () => expect(await readRecord(id)).to.include({ owner: podId, state: 'live' }), leftMs());
        const { epoch, details, continuation } = await readRecord(id);
        expect(Number(epoch)).to.equal(caller.epoch);
        const { metadata } = JSON.parse(details!) as { metadata: { order: unknown } };
        expect(metadata.order).to.equal(index === 1 ? 'again' : index);
        expect(continuation, 'how it goes on').to.be.a('string');
        const lines = (await redis.lrange(`session:{${id}}:turns`, 0, -1)).map((text) => JSON.parse(text) as Line);
        const keyOf = ({ role, turnId }: Line) => `${role} ${turnId}`;
        expect(lines.map(keyOf)).to.include.members(calls[index]!.told.map(keyOf));
      }
      for (const id of opened) {
        await becomes(async () => expect(await readRecord(id)).to.include({ state: 'live' }), leftMs());
        expect((await fleet.request('GET', `/v2/sessions/${id}`)).body).not.to.have.property('unsaved');
      }
    } finally {
      redis.disconnect();
    }
  };

  const awayFor = async (ms: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, awaySinceMs + ms - Date.now())));
  };

  it('killed and started again empty: calls go on, and all of it is written back', async () => {
    await start();
    awaySinceMs = Date.now();
    await fleet.redis!.kill();
    await becomesDegraded();
    const opened = await openFromMemory();
    await awayFor(AWAY_MS);
    await nothingHappenedToCalls();
    await fleet.restartRedis();
    await everythingIsBack(fleet.redis!.host, opened, performance.now());
    await nothingHappenedToCalls();
  });

  it('stopped and continued, with all that it held: nobody waits for it', async () => {
    await start();
    awaySinceMs = Date.now();
    await fleet.redis!.freeze();
    await becomesDegraded();
    const opened = await openFromMemory();
    await awayFor(AWAY_MS);
    await nothingHappenedToCalls();
    await fleet.redis!.thaw();
    await everythingIsBack(fleet.redis!.host, opened, performance.now());
    await nothingHappenedToCalls();
  });

  it('started again empty at once: what it lost is written back', async () => {
    await start();
    awaySinceMs = Date.now();
    await fleet.redis!.kill();
    await fleet.restartRedis();
    await everythingIsBack(fleet.redis!.host, [], performance.now());
    await nothingHappenedToCalls();
  });

  it('replaced by a replica that lagged: what that one had not heard of is written back', async () => {
    await start('sentinel');
    const [first] = fleet.pods;
    const { network, redis, replica } = fleet;
    await network.cut(redis!.host, replica!.host);
    const { id: unheardOf } = await fleet.open({}, first!.url);
    await amend(calls[0]!.id, { order: 'unheard of' }, first!);
    await amend(calls[0]!.id, { order: 0 }, first!);
    awaySinceMs = Date.now();
    await redis!.kill();
    await replica!.said(/MASTER MODE enabled/);
    await everythingIsBack(replica!.host, [], performance.now());
    await nothingHappenedToCalls();
    const { status } = await fleet.request('GET', `/v2/sessions/${unheardOf}`, undefined, fleet.pods[2]!.url);
    expect(status).to.equal(200);
  });
});
