import { expect } from 'chai';
import { becomes } from '../support/becomes.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';
import { parseMetrics } from '../support/prometheus.ts';
import type { Family } from '../support/prometheus.ts';
import { ReadingCall } from '../support/reading-call.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';

type Scrape = ReadonlyMap<string, Family>;

describe('the metrics of three pods', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  const calls: ReadingCall[] = [];

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({ pods: 3, environment: { MAX_SESSIONS_PER_WORKER: '20' } });
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

  it('are well formed, the same names everywhere, and tell of calls and of Redis', async () => {
    for (const connectTo of ['owner', 'another', 'balancer'] as const) {
      calls.push(await ReadingCall.begin(fleet, { connectTo }));
    }
    // Voice workers tell how many they have once a second.
    await becomes(async () => expect(total(await scrapeAll(), 'parley_voice_calls')).to.equal(3));
    const scrapes = await scrapeAll();
    const [first, ...others] = scrapes.map((scrape) => [...scrape.keys()].toSorted());
    for (const other of others) expect(other).to.deep.equal(first);
    expect(total(scrapes, 'parley_peer_connections')).to.equal(3);
    expect(total(scrapes, 'parley_connections')).to.equal(3);
    expect(total(scrapes, 'parley_sessions', { state: 'live' })).to.equal(3);
    expect(total(scrapes, 'parley_places_occupied')).to.equal(3);
    for (const scrape of scrapes) {
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
    }
    expect(total(scrapes, 'sessions_persisted_total')).to.be.at.least(3);
    expect(total(scrapes, 'parley_rtp_packets_received_total')).to.be.above(0);
  });

  it('count what is written, moved and taken over, and by what cause', async () => {
    const before = await scrapeAll();
    const call = calls[0]!;
    await fleet.request('PATCH', `/v2/sessions/${call.id}`, { metadata: { order: 1 } });
    expect(total(await scrapeAll(), 'sessions_persisted_total')).to.be.above(total(before, 'sessions_persisted_total'));

    const owner = fleet.pods.find(({ id }) => id === call.podId)!;
    const led = calls.filter(({ podId }) => podId === owner.id).length;
    await fleet.request('POST', '/v2/drain', undefined, owner.url);
    await becomes(
      async () => expect(total(await scrapeAll(), 'parley_session_moves_total', { outcome: 'moved' })).to.equal(led),
      20_000,
    );
    expect(total(await scrapeAll(), 'parley_session_claims_total', { cause: 'handover' })).to.equal(led);

    const { body } = await fleet.request('GET', `/v2/sessions/${call.id}`);
    const next = fleet.pods.find(({ id }) => id === (body as { pod: string }).pod)!;
    await fleet.request('DELETE', '/v2/drain', undefined, owner.url);
    await next.process.kill();
    const lost = () =>
      scrapeAll().then((scrapes) =>
        ['owner_gone', 'owner_silent'].map((cause) => total(scrapes, 'parley_session_claims_total', { cause })),
      );
    await becomes(async () => expect((await lost()).reduce((sum, count) => sum + count, 0)).to.be.at.least(1), 20_000);
    await becomes(async () => expect(total(await scrapeAll(), 'parley_pods')).to.equal(4), 20_000);
  });

  it('say which commands Redis did not answer while it is away', async () => {
    await fleet.redis!.freeze();
    await becomes(async () => {
      for (const scrape of await scrapeAll()) {
        expect(valueOf(scrape, 'redis_operations_total', { outcome: 'unavailable' })).to.be.above(0);
      }
    }, 20_000);
    await fleet.redis!.thaw();
  });
});
