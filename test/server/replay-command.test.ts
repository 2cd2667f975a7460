import { expect } from 'chai';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeLine, readJournal } from '../../media/journal/journal-line.ts';
import { replayCommand } from '../../server/replay-command.ts';
import { eventually } from '../support/eventually.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { MediaPodClient, startMediaPod } from '../support/media-pod.ts';
import { opusPackets } from '../support/opus-speech.ts';
import { sessionRecord } from '../support/session-record.ts';
import { startVendors, VendorCaller } from '../support/vendor-pod.ts';

/** Longer than the silence that ends a turn, and shorter than a pause that nobody makes. */
const PAUSE_MS = 900;
const RATE_HZ = 48_000;

describe('the replay of a real call', function () {
  this.timeout(90_000);
  let folder: string;
  let file: string;
  const session = sessionRecord({ overrides: { journal: true, greeting: 'Hello.' } });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-journal-'));
    const pod = await startMediaPod(undefined, { JOURNAL_DIR: join(folder, 'journals') });
    const client = new MediaPodClient();
    try {
      await converse(pod, client);
    } finally {
      client.close();
      await pod.close();
    }
    const [name = ''] = await readdir(join(folder, 'journals'));
    file = join(folder, 'journals', name);
  });

  after(async () => {
    MediaPodClient.cleanUp();
    await rm(folder, { recursive: true, force: true });
  });

  /** The caller stops to think in the middle of a sentence, and is taken to have ended. */
  async function converse(pod: Awaited<ReturnType<typeof startMediaPod>>, client: MediaPodClient): Promise<void> {
    const request = { rtpCapabilities: pod.calls.rtpCapabilities, playback: 'running' as const };
    const joined = await pod.calls.join(session, request, new AbortController().signal);
    if (joined.kept) throw new Error('There was nothing to keep.');
    await client.connect(pod.calls, session.id, joined.media);
    const spoke = () => pod.transcript().filter(({ role }) => role === 'agent').length;
    await eventually(() => spoke() === 1, 20_000);
    const turns = () => pod.told.filter(({ name }) => name === 'turn').length;
    const sounds = [
      await fixtureSpeech({ text: 'I would like two pizzas with', sampleRateHz: RATE_HZ }),
      new Int16Array((RATE_HZ * PAUSE_MS) / 1000),
      await fixtureSpeech({ text: 'mushrooms and a lot of cheese, please.', sampleRateHz: RATE_HZ }),
    ];
    await client.voice.say(sounds.flatMap(opusPackets));
    await eventually(() => turns() === 2 && pod.state() === 'speaking', 20_000);
    await pod.calls.end(session.id);
  }

  it('has a journal that only its owner reads, from the first line to the last', async () => {
    const { opening, lines, end } = readJournal(await readFile(file, 'utf8'));
    expect(opening).to.deep.include({ journal: 1, callId: session.id });
    expect(end).to.equal('closed');
    expect((await stat(file)).mode & 0o077).to.equal(0);
    const parts = new Set(lines.flatMap((line) => ('part' in line ? [line.part] : [])));
    expect([...parts].toSorted()).to.deep.equal(['bargeIn', 'conversation', 'speech', 'turns']);
    expect(lines.some((line) => 'packet' in line)).to.equal(true);
  });

  it('decides everything again exactly as it was', async () => {
    const { text, exitCode } = await replayCommand([file]);
    expect(text).to.match(/^Equal: \d{3,} inputs, \d{2,} decisions\.$/);
    expect(exitCode).to.equal(0);
  });

  it('finds the first decision that would be another one today', async () => {
    const changed = join(folder, 'changed.jsonl');
    await writeFile(changed, (await readFile(file, 'utf8')).replace('"gives":"start"', '"gives":"end"'));
    const { text, exitCode } = await replayCommand([changed]);
    expect(text).to.match(
      /^Different after \d+ inputs, at [\d.]+ s:\n {2}speech\.push\(.*\n {2}then: "end"\n {2}now: {2}"start"$/s,
    );
    expect(exitCode).to.equal(1);
  });

  it('shows that a longer delay would not have cut the caller off, and what it would have cost', async () => {
    const { text } = await replayCommand([file, '--set', 'turnHandling.endpointing.minimumDelayMs=1200']);
    const [summary, ...found] = text.split('\n');
    expect(summary).to.match(
      /^\d+ decisions? changes? of \d+\. Modelled .* \d+ of its \d+ decisions come out as they were\.$/,
    );
    const [, same, all] = /, (\d+) of its (\d+)/.exec(summary!)!;
    expect(Number(same) / Number(all), summary).to.be.greaterThan(0.7);
    expect(found.join('\n')).to.match(/end of turn, 5\d\d ms after the last speech: no longer; the turn goes on until/);
    expect(found.join('\n')).to.match(/interrupt of the reply to t\d: no longer/);
    const delays = found.flatMap((line) => /end of turn.*: (\d+) ms later/.exec(line)?.[1] ?? []).map(Number);
    for (const delay of delays) expect(delay).to.be.closeTo(650, 60);
  });

  it('changes nothing with the settings that there were', async () => {
    const { text } = await replayCommand([file, '--set', 'turnHandling.endpointing.minimumDelayMs=300']);
    expect(text).to.match(/^0 decisions change/);
  });

  for (const [args, reason] of [
    [[], 'Usage'],
    [['--set', 'turnHandling.endpointing.patience=1'], 'There is no setting'],
    [['--set', 'turnHandling.endpointing.minimumDelayMs=-5'], 'minimumDelayMs'],
    [['--set', 'turnHandling.__proto__.x=1'], 'There is no setting'],
    [['--get'], '--get'],
  ] as const) {
    it(`says what is wrong with "${args.join(' ')}"`, async () => {
      const { text, exitCode } = await replayCommand(args.length === 0 ? [] : [file, ...args]);
      expect(text).to.include(reason);
      expect(exitCode).to.equal(2);
    });
  }

  it('says what is no journal', async () => {
    const other = join(folder, 'other');
    await writeFile(other, '{"level":"info"}\n');
    expect((await replayCommand([other])).text).to.include('no journal');
    expect((await replayCommand([join(folder, 'missing')])).exitCode).to.equal(2);
  });
});

describe('the replay of a real call with a recogniser and a language model', function () {
  this.timeout(90_000);

  after(() => MediaPodClient.cleanUp());

  it('decides everything again, and shows what the words would do with other delays', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-journal-'));
    const vendors = await startVendors();
    const caller = await VendorCaller.join(vendors, { JOURNAL_DIR: folder }, { journal: true });
    try {
      await caller.listening();
      vendors.model.say({ text: ['It is ', 'three o’clock.'] });
      await caller.says('What time is it now?');
      await caller.hears('three');
    } finally {
      await caller.close();
      await vendors.close();
    }
    const file = join(folder, (await readdir(folder))[0]!);
    expect((await replayCommand([file])).text).to.match(/^Equal: /);
    const { lines } = readJournal(await readFile(file, 'utf8'));
    const told = lines.flatMap((line) => ('reply' in line ? [line.reply.text] : []));
    // Once more where what was begun ahead came to nothing.
    expect(told.join('')).to.match(/^(It is three o’clock\.)+$/);
    const { text } = await replayCommand([file, '--set', 'turnHandling.endpointing.minimumDelayMs=900']);
    const [, same, all] = /, (\d+) of its (\d+)/.exec(text)!;
    // The turn of a worker that was late with it is modelled sooner.
    expect(Number(same), text).to.be.within(Number(all) - 1, Number(all));
    expect(Number(/end of turn.*: (\d+) ms later/.exec(text)?.[1]), text).to.be.within(300, 700);
    const off = await replayCommand([file, '--set', 'turnHandling.preemptiveGeneration.enabled=false']);
    // On a machine that is busy the words may come with the end of the turn, and nothing is begun before.
    const used = lines.some((line) => 'part' in line && encodeLine(line.gives ?? []).includes('"do":"use"'));
    if (used) {
      expect(off.text).to.match(/the reply to t2 is begun ahead: no longer/);
      expect(off.text).to.match(/the reply to t2 is used, begun ahead: no longer/);
      expect(off.text).to.match(/the reply to t2 is heard: \d+ ms later/);
    }
    await rm(folder, { recursive: true });
  });
});
