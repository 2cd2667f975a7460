import { expect } from 'chai';
import * as fc from 'fast-check';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppendedFile } from '../../../media/runtime/appended-file.ts';
import { AudioTrack } from '../../../media/journal/audio-track.ts';
import { readJournal } from '../../../media/journal/journal-line.ts';
import { OggOpus } from '../../../media/journal/ogg-opus.ts';
import { OpusDecoder } from '../../../media/audio/opus.ts';
import { eventually } from '../../support/eventually.ts';
import { fixtureSpeech } from '../../support/fixture-speech.ts';
import { MediaPodClient, startMediaPod } from '../../support/media-pod.ts';
import { readOpusFile } from '../../support/ogg-opus-file.ts';
import { opusPackets } from '../../support/opus-speech.ts';
import { sessionRecord } from '../../support/session-record.ts';

/** 20 ms, told apart by their second byte. */
const packet = (number: number, length = 40) => Uint8Array.from({ length }, (_, at) => (at === 0 ? 0xf8 : number));

describe('an Ogg stream of Opus packets', () => {
  it('has them as they came, whatever their size, on pages with the time of their end', () => {
    const lengths = fc.array(fc.constantFrom(1, 3, 254, 255, 256, 600, 1_275), { maxLength: 200 });
    fc.assert(
      fc.property(lengths, (all) => {
        const ogg = new OggOpus(7);
        const packets = all.map((length, number) => packet(number % 256, length));
        const file = Buffer.concat([ogg.head(), ...packets.map((each) => ogg.push(each, 960)), ogg.end()]);
        const read = readOpusFile(file);
        expect(read.packets.map((each) => [...each])).to.deep.equal(packets.map((each) => [...each]));
        expect(read).to.include({ durationMs: 20 * packets.length, ended: true });
      }),
      { numRuns: 30 },
    );
  });
});

describe('the track of one side', () => {
  const track = () => new AudioTrack(1, 1_000);
  const read = (one: AudioTrack, told: Buffer[], endMs: number) =>
    readOpusFile(Buffer.concat([one.head(), ...told, one.end(endMs)]));
  const numbers = ({ packets }: ReturnType<typeof read>) => packets.map((each) => each[1]);

  it('has packets at the times of their timestamps, and silence between them', () => {
    const one = track();
    const told = [
      one.packet(packet(1), 9_600, 1_100),
      one.packet(packet(2), 10_560, 1_190),
      one.packet(packet(3), 9_600 + 48 * 400, 1_500),
    ];
    const file = read(one, told, 1_700);
    expect(file.durationMs).to.equal(700);
    const before = file.packets.findIndex((each) => each[1] === 1);
    expect(file.packets.slice(before, before + 2).map((each) => each[1])).to.deep.equal([1, 2]);
  });

  it('goes by arrival where another stream of packets begins', () => {
    const one = track();
    const told = [one.packet(packet(1), 5, 1_000), one.packet(packet(2), 4_000_000_000, 3_000)];
    expect(read(one, told, 3_020).durationMs).to.equal(2_020);
  });

  it('leaves out what comes when its time has been filled', () => {
    const one = track();
    const told = [
      one.packet(packet(1), 4_800, 1_000),
      one.packet(packet(2), 4_800 + 9_600, 1_200),
      one.packet(packet(3), 4_800 + 960, 1_210),
    ];
    expect(numbers(read(one, told, 1_220))).to.not.include(3);
  });

  it('runs on over the end of the timestamps', () => {
    const one = track();
    const told = [1, 2, 3].map((number) =>
      one.packet(packet(number), (2 ** 32 - 960 + number * 960) % 2 ** 32, 1_000 + number * 20),
    );
    expect(numbers(read(one, told, 1_080)).filter((number) => number! < 4)).to.deep.equal([1, 2, 3]);
  });
});

describe('a file that grows behind the thread', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-audio-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (over: object, faults: unknown[] = []) =>
    new AppendedFile({
      path: join(folder, 'below', 'file'),
      maxFileBytes: 100,
      maxWaitingBytes: 50,
      onFault: (fault) => void faults.push(fault),
      ...over,
    });

  it('is read by its owner alone, and ends where it would grow beyond its limits', async () => {
    const file = open({});
    for (let number = 0; number < 10; number++) file.append(Buffer.alloc(20, number));
    await file.close();
    await file.close();
    const { size, mode } = await stat(join(folder, 'below', 'file'));
    expect([size, mode & 0o777]).to.deep.equal([40, 0o600]);
  });

  it('tells once that it cannot be written', async () => {
    await writeFile(join(folder, 'below'), '');
    const faults: unknown[] = [];
    const file = open({}, faults);
    file.append(Buffer.alloc(20));
    await file.close();
    expect(faults).to.have.length(1);
  });
});

describe('the audio of a journal', function () {
  this.timeout(60_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-audio-'));
  });
  after(async () => {
    MediaPodClient.cleanUp();
    await rm(folder, { recursive: true, force: true });
  });

  /** The loudest sample of each 20 ms. */
  function peaksOf(packets: readonly Buffer[]): number[] {
    const decoder = new OpusDecoder(16_000);
    return packets.flatMap((each) => {
      const samples = decoder.decode(each) ?? new Int16Array();
      const frames = Math.max(1, Math.round(samples.length / 320));
      return Array.from({ length: frames }, (_, frame) =>
        samples.subarray(frame * 320, (frame + 1) * 320).reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0),
      );
    });
  }

  it('has what both sides said, each at its time, and only where it is asked for', async () => {
    const pod = await startMediaPod(undefined, { JOURNAL_DIR: folder });
    const client = new MediaPodClient();
    const session = sessionRecord({ overrides: { journal: { audio: true }, greeting: 'Hello, I am your parrot.' } });
    try {
      const request = { rtpCapabilities: pod.calls.rtpCapabilities, playback: 'running' as const };
      const joined = await pod.calls.join(session, request, new AbortController().signal);
      if (joined.kept) throw new Error('There was nothing to keep.');
      await client.connect(pod.calls, session.id, joined.media);
      await eventually(() => pod.transcript().length === 1, 20_000);
      const speech = await fixtureSpeech({ text: 'Two pizzas with mushrooms, please.', sampleRateHz: 48_000 });
      await client.voice.say(opusPackets(speech));
      await eventually(() => pod.told.some(({ name }) => name === 'turn'), 20_000);
      await pod.calls.end(session.id);
      await eventually(async () => (await readdir(folder)).length === 3, 20_000);
    } finally {
      client.close();
      await pod.close();
    }
    const names = (await readdir(folder)).toSorted();
    const name = (ending: string) =>
      join(
        folder,
        names.find((each) => each.endsWith(ending))!,
      );
    const { opening } = readJournal(await readFile(name('.jsonl'), 'utf8'));
    const [caller, agent] = await Promise.all(
      ['-caller.opus', '-agent.opus'].map(async (ending) => readOpusFile(await readFile(name(ending)))),
    );
    expect([caller!.ended, agent!.ended]).to.deep.equal([true, true]);
    expect(caller!.durationMs).to.be.closeTo(agent!.durationMs, 200);
    const turn = pod.told.flatMap((event) => (event.name === 'turn' ? [event.data] : []))[0]!;
    const offsetMs = opening.startedAtMs - opening.audio!.startMs;
    const loud = (peaks: number[]) => peaks.flatMap((peak, index) => (peak > 2_000 ? [index * 20] : []));
    const spoken = loud(peaksOf(caller!.packets));
    expect(spoken[0]).to.be.closeTo(turn.startMs + offsetMs, 1_000);
    expect(spoken.at(-1)).to.be.closeTo(turn.endOfSpeechMs + offsetMs, 1_000);
    const said = loud(peaksOf(agent!.packets));
    const [greeting] = pod.transcript();
    expect(said[0]).to.be.closeTo(greeting!.startMs + offsetMs, 1_000);
    expect(said.filter((ms) => ms < spoken[0]!).at(-1)).to.be.closeTo(greeting!.endMs + offsetMs, 1_000);
  });
});
