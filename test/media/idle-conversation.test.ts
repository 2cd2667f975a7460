import { expect } from 'chai';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayCommand } from '../../server/replay-command.ts';
import type { Restored } from '../../signalling/call-control.ts';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient, startMediaPod, type MediaPod } from '../support/media-pod.ts';
import { sessionRecord } from '../support/session-record.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';

const PATIENCE_MS = 30_000;
const idle = { askAfterSeconds: 3, times: 2, endAfterSeconds: 3 };

/** Real voice workers and real packets of a caller who says nothing. */
describe('A caller who says nothing', function () {
  this.timeout(90_000);
  const signal = new AbortController().signal;
  const closing: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  after(() => MediaPodClient.cleanUp());

  async function pod(environment = {}): Promise<MediaPod> {
    const started = await startMediaPod(undefined, environment);
    closing.push(() => started.close());
    return started;
  }

  function newClient(): MediaPodClient {
    const client = new MediaPodClient();
    closing.push(async () => client.close());
    return client;
  }

  async function joined(on: MediaPod, limits: object, client: MediaPodClient, restored?: Restored) {
    const session = sessionRecord({ overrides: { greeting: 'Hello.', limits, journal: true } });
    const request = { rtpCapabilities: on.calls.rtpCapabilities, playback: 'running' as const };
    const media = await on.calls.join(session, request, signal, restored);
    if (media.kept) throw new Error('There was nothing to keep.');
    await client.connect(on.calls, session.id, media.media);
    return session;
  }

  const said = (on: MediaPod) =>
    on
      .transcript()
      .filter(({ role }) => role === 'agent')
      .map(({ text }) => text);

  it('is asked twice and hung up on, with a goodbye; the journal decides the same again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-idle-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const on = await pod({ JOURNAL_DIR: folder });
    const { id } = await joined(on, { idle }, newClient());
    await eventually(() => on.ends.length > 0, PATIENCE_MS);
    expect(on.ends).to.deep.equal(['idle']);
    expect(said(on)).to.deep.equal([
      'Hello.',
      'Are you still there?',
      'Hello? Can you hear me?',
      'I cannot hear anybody, so I am going to hang up. Goodbye.',
    ]);
    await on.calls.end(id);
    const [journal = ''] = await readdir(folder);
    await eventually(async () => (await replayCommand([join(folder, journal)])).text.startsWith('Equal'), PATIENCE_MS);
  });

  it('is asked for the second time by the pod that took the call over', async () => {
    const [former, next] = await Promise.all([pod(), pod()]);
    const client = newClient();
    const session = await joined(former, { idle }, client);
    await eventually(() => said(former).includes('Are you still there?'), PATIENCE_MS);
    const saved = { transcript: former.transcript(), continuation: former.continuations.at(-1)! };
    const request = { rtpCapabilities: former.calls.rtpCapabilities, playback: 'running' as const, microphone: true };
    const media = await next.calls.standBy(session, request, saved, signal);
    await Promise.all([next.calls.standsBy(session.id, signal), client.connect(next.calls, session.id, media)]);
    const { continuation } = await former.calls.handOver(session.id, 5_000, signal);
    next.calls.takeOver(session.id, { transcript: former.transcript(), continuation: continuation! });
    await eventually(() => next.ends.length > 0, PATIENCE_MS);
    const asked = [...said(former), ...said(next)].filter((text) => text.includes('?'));
    expect(asked).to.deep.equal(['Are you still there?', 'Hello? Can you hear me?']);
    expect(former.ends).to.deep.equal([]);
  });

  it('is told when the time is up, before the session ends', async () => {
    const on = await pod();
    const conversation = { greeted: true, turnIndex: 0, turnNumber: 0 };
    const continuation = { version: 1, conversation, elapsedMs: 40_000, savedAt: Date.now() };
    await joined(on, { sessionMinutes: 1, warningSeconds: 20 }, newClient(), { transcript: [], continuation });
    await eventually(() => on.ends.length > 0, PATIENCE_MS);
    expect(on.ends).to.deep.equal(['expired']);
    expect(said(on)[0]).to.equal('By the way, our time is almost up.');
    expect(said(on).at(-1)).to.include('Goodbye.');
  });

  it('is asked by the language model, in its own words', async () => {
    const vendors: VendorSet = await startVendors();
    closing.push(() => vendors.close());
    const limits = { idle: { ...idle, askBy: 'model', times: 1 } };
    const caller = await VendorCaller.join(vendors, {}, { limits });
    closing.push(() => caller.close());
    vendors.model.say({ text: ['Shall I tell you what we have?'] });
    await caller.hears('Shall I tell you what we have?');
    expect(vendors.model.server.requests.at(-1)!.body.toString()).to.include('has said nothing for 3 seconds');
    expect(caller.decisions().map(({ decision, reason }) => `${decision} ${reason}`)).to.include('idle ask');
    await eventually(() => caller.pod.ends.includes('idle'), PATIENCE_MS);
  });
});
