import { expect } from 'chai';
import { becomes } from '../support/becomes.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';
import { parseMetrics } from '../support/prometheus.ts';
import type { Family } from '../support/prometheus.ts';
import { ReadingCall } from '../support/reading-call.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';

type Scrape = ReadonlyMap<string, Family>;

/** What takes a second or two, on a machine that has much else to do. */
const LONG_MS = 30_000;

describe('the metrics of three pods', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  const calls: ReadingCall[] = [];

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({ pods: 3, environment: { MAX_SESSIONS_PER_WORKER: '20' } });
    for (const connectTo of ['owner', 'another', 'balancer'] as const) {
      calls.push(await ReadingCall.begin(fleet, { connectTo }));
    }
  });

  after(async () => {
    for (const { caller } of calls) caller.close();
    await fleet?.close();
    ScriptedCaller.cleanUp();
  });

  const scrapeAll = async (): Promise<Scrape[]> => {
    const running = fleet.pods.filter(({ process }) => process.running);
    return Promise.all(
      running.map(async ({ url }) => {
        const { status, body } = await fleet.request('GET', '/metrics', undefined, url);
        expect(status).to.equal(200);
        return parseMetrics(String(body));
      }),
    );
  };

  /** Of one pod, over all samples with these labels. */
  const valueOf = (scrape: Scrape, name: string, labels: Record<string, string> = {}): number => {
    const family = scrape.get(name.replace(/_(count|sum|bucket)$/, '')) ?? scrape.get(name);
    expect(family, name).not.to.equal(undefined);
    const mine = family!.samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
    return mine.reduce((sum, { value }) => sum + value, 0);
  };

  const total = (scrapes: Scrape[], name: string, labels?: Record<string, string>): number =>
    scrapes.reduce((sum, scrape) => sum + valueOf(scrape, name, labels), 0);

  const tellsOfFleetAndRedis = (scrape: Scrape): void => {
    expect(valueOf(scrape, 'parley_pods')).to.equal(3);
    expect(valueOf(scrape, 'parley_places')).to.equal(20);
    expect(valueOf(scrape, 'parley_queue_length')).to.equal(0);
    expect(valueOf(scrape, 'parley_sessions_unsaved')).to.equal(0);
    expect(valueOf(scrape, 'parley_event_loop_delay_p99_seconds')).to.be.within(0, 10);
    expect(valueOf(scrape, 'redis_connections_total')).to.be.at.least(2);
    const answered = valueOf(scrape, 'redis_operations_total', { outcome: 'ok' });
    expect(answered).to.be.above(10);
    expect(valueOf(scrape, 'redis_latency_seconds_count')).to.be.at.least(answered);
    expect(valueOf(scrape, 'parley_playout_late_packets_total')).to.be.at.least(0);
  };

  it('are well formed, and have the same names everywhere', async () => {
    const [first, ...others] = (await scrapeAll()).map((scrape) => [...scrape.keys()].toSorted());
    for (const other of others) expect(other).to.deep.equal(first);
  });

  it('tell of calls', async () => {
    // Voice workers tell what they measure once a second, and pods what they have with every heartbeat.
    await becomes(async () => {
      const scrapes = await scrapeAll();
      expect(total(scrapes, 'parley_voice_calls')).to.equal(3);
      expect(total(scrapes, 'parley_peer_connections')).to.equal(3);
      expect(total(scrapes, 'parley_connections')).to.equal(3);
      expect(total(scrapes, 'parley_sessions', { state: 'live' })).to.equal(3);
      expect(total(scrapes, 'parley_places_occupied')).to.equal(3);
      expect(total(scrapes, 'parley_rtp_packets_received_total')).to.be.above(0);
    }, LONG_MS);
  });

  it('tell of pods and of Redis', async () => {
    await becomes(async () => {
      const scrapes = await scrapeAll();
      for (const scrape of scrapes) tellsOfFleetAndRedis(scrape);
      expect(total(scrapes, 'sessions_persisted_total')).to.be.at.least(3);
    }, LONG_MS);
  });

  it('count what is written, moved and taken over, and by what cause', async () => {
    const before = await scrapeAll();
    const call = calls[0]!;
    await fleet.request('PATCH', `/v2/sessions/${call.id}`, { metadata: { order: 1 } });
    expect(total(await scrapeAll(), 'sessions_persisted_total')).to.be.above(total(before, 'sessions_persisted_total'));

    const owner = fleet.pods.find(({ id }) => id === call.podId)!;
    const led = calls.filter(({ podId }) => podId === owner.id).length;
    await fleet.request('POST', '/v2/drain', undefined, owner.url);
    await becomes(async () => {
      const scrapes = await scrapeAll();
      expect(total(scrapes, 'parley_session_moves_total', { outcome: 'moved' })).to.equal(led);
      expect(total(scrapes, 'parley_session_claims_total', { cause: 'handover' })).to.equal(led);
    }, LONG_MS);

    const { body } = await fleet.request('GET', `/v2/sessions/${call.id}`);
    const next = fleet.pods.find(({ id }) => id === (body as { pod: string }).pod)!;
    expect(next.id).not.to.equal(owner.id);
    await fleet.request('DELETE', '/v2/drain', undefined, owner.url);
    await next.process.kill();
    const lost = () =>
      scrapeAll().then((scrapes) =>
        ['owner_gone', 'owner_silent'].map((cause) => total(scrapes, 'parley_session_claims_total', { cause })),
      );
    await becomes(async () => expect((await lost()).reduce((sum, count) => sum + count, 0)).to.be.at.least(1), LONG_MS);
    await becomes(async () => expect(total(await scrapeAll(), 'parley_pods')).to.equal(4), LONG_MS);
  });

  it('say which commands Redis did not answer while it is away', async () => {
    await fleet.redis!.freeze();
    try {
      await becomes(async () => {
        for (const scrape of await scrapeAll()) {
          expect(valueOf(scrape, 'redis_operations_total', { outcome: 'unavailable' })).to.be.above(0);
        }
      }, LONG_MS);
    } finally {
      await fleet.redis!.thaw();
    }
  });
});
