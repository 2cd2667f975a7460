import { expect } from 'chai';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agent } from '../../../media/agent/agent.ts';
import { decodeLine, encodeLine, readJournal, type JournalLine } from '../../../media/journal/journal-line.ts';
import { journaledPart } from '../../../media/journal/journal-parts.ts';
import { Journal, type JournalOptions } from '../../../media/journal/journal.ts';
import { replay } from '../../../media/journal/replay.ts';

const { name, turnHandling } = agent.parse({ name: 'parrot' });
const opening = { startedAtMs: 500, agent: { name, turnHandling } };

describe('a journal', () => {
  let folder: string;
  let nowMs: number;
  let faults: unknown[];
  let journals: Journal[];

  beforeEach(async () => {
    [nowMs, faults, journals] = [1_000, [], []];
    folder = await mkdtemp(join(tmpdir(), 'parley-journal-'));
  });
  afterEach(async () => {
    await Promise.all(journals.map((journal) => journal.close()));
    await rm(folder, { recursive: true });
  });

  function start(options: Partial<JournalOptions> = {}): Journal {
    const onFault = (fault: unknown) => void faults.push(fault);
    const journal = new Journal({ folder, callId: 'a call/1', now: () => nowMs, opening, onFault, ...options });
    journals.push(journal);
    return journal;
  }

  const written = async (journal: Journal) => readJournal(await readFile(journal.path, 'utf8'));

  it('is written behind the thread, each line with its time', async () => {
    const journal = start({ folder: join(folder, 'new', 'ones') });
    journal.note({ packet: [1, 960, 80] });
    nowMs = 1_020.123_456;
    journal.note({ packet: [2, 1920, 81] });
    await journal.close();
    const { opening: first, lines, end } = await written(journal);
    expect(first).to.deep.include({ journal: 1, callId: 'a call/1', ...opening });
    expect(lines).to.deep.equal([
      { t: 1000, packet: [1, 960, 80] },
      { t: 1020.123, packet: [2, 1920, 81] },
    ]);
    expect(end).to.equal('closed');
    expect(journal.path).to.match(/\/a_call_1-[\dTZ-]+\.jsonl$/);
    expect((await stat(journal.path)).mode & 0o777).to.equal(0o600);
  });

  it('takes nothing after its end, which comes once', async () => {
    const journal = start();
    await Promise.all([journal.close(), journal.close()]);
    journal.note({ packet: [1, 1, 1] });
    await journal.close();
    expect((await readFile(journal.path, 'utf8')).trimEnd().split('\n')).to.have.length(2);
  });

  it('stays below its limit, with whole lines, and says that it was full', async () => {
    const journal = start({ maxFileBytes: 4_000 });
    for (let sequence = 0; sequence < 500; sequence++) journal.note({ packet: [sequence, 0, 0] });
    await journal.close();
    const { lines, end } = await written(journal);
    expect(end).to.equal('full');
    expect((await stat(journal.path)).size).to.be.within(3_000, 4_000);
    expect(lines.at(-1)).to.deep.include({ packet: [lines.length - 1, 0, 0] });
  });

  it('ends where the disk does not keep up, instead of filling the memory', async () => {
    const journal = start({ maxWaitingCharacters: 2_000 });
    for (let sequence = 0; sequence < 500; sequence++) journal.note({ packet: [sequence, 0, 0] });
    await journal.close();
    const { lines, end } = await written(journal);
    expect(end).to.equal('slow');
    expect(lines.length).to.be.within(10, 100);
  });

  it('tells once that it cannot be written, and costs nothing from then on', async () => {
    await writeFile(join(folder, 'file'), '');
    const journal = start({ folder: join(folder, 'file', 'below') });
    await journal.close();
    journal.note({ packet: [1, 1, 1] });
    await journal.close();
    expect(faults).to.have.length(1);
  });

  it('is read as far as a process that died had written it', async () => {
    const journal = start();
    journal.note({ packet: [1, 1, 1] });
    await journal.close();
    const text = await readFile(journal.path, 'utf8');
    const { lines, end } = readJournal(text.slice(0, -10));
    expect(lines).to.have.length(1);
    expect(end).to.equal(undefined);
    for (const broken of ['', 'no JSON\n', '{"journal":99}\n', text.replace('"packet"', 'packet')]) {
      expect(() => readJournal(broken))
        .to.throw()
        .with.property('code', 'invalid_journal');
    }
  });

  it('keeps numbers that JSON does not have', () => {
    const value = { a: [Infinity, -Infinity, NaN, 0.1 + 0.2] };
    expect(decodeLine(encodeLine(value))).to.deep.equal(value);
  });
});

describe('a part with a journal', () => {
  let lines: (JournalLine & { t: number })[];
  const journal = { note: (line: JournalLine) => void lines.push({ t: 0, ...line }) };
  const read = () => ({
    opening: { journal: 1 as const, callId: 'c', savedAt: '', ...opening },
    lines,
    end: undefined,
  });

  beforeEach(() => void (lines = []));

  it('is the same part: what it tells of itself, and what it decides', () => {
    const speech = journaledPart(journal, 'speech', turnHandling.endpointing);
    const plain = journaledPart(undefined, 'speech', turnHandling.endpointing);
    for (let window = 1; window <= 40; window++) {
      const probability = window > 5 && window < 20 ? 0.9 : 0.1;
      expect(speech.push(probability, window * 32)).to.equal(plain.push(probability, window * 32));
      expect([speech.speaking, speech.silenceMs, speech.speechMs]).to.deep.equal([
        plain.speaking,
        plain.silenceMs,
        plain.speechMs,
      ]);
    }
    expect(lines).to.have.length(41);
    expect(replay(read())).to.deep.equal({ told: 40, decisions: 2 });
  });

  it('has its own questions answered as they were', () => {
    let heard = 'one';
    const progress = () => ({ heard, unheard: '' });
    const conversation = journaledPart(journal, 'conversation', { recovers: false }, progress);
    const tell = (event: Parameters<typeof conversation.handle>[0], nowMs: number) => conversation.handle(event, nowMs);
    tell({ type: 'client-ready' }, 0);
    tell({ type: 'reply-audible' }, 100);
    conversation.snapshot();
    heard = 'one two';
    tell({ type: 'cut-in' }, 900);
    expect(lines.map((line) => ('part' in line ? line.call : 'new'))).to.deep.equal([
      'new',
      'handle',
      'handle',
      'handle',
    ]);
    expect(lines.at(-1)).to.deep.include({ asked: [{ heard: 'one two', unheard: '' }] });
    heard = 'something else';
    expect(replay(read())).to.deep.equal({ told: 3, decisions: 3 });
  });

  it('decides otherwise where its settings are others, and the first time is told', () => {
    const { endpointing } = turnHandling;
    const turns = journaledPart(journal, 'turns', { endpointing, awaitsWords: false });
    turns.speechStarted(0, 100);
    turns.speechActive(400, 400);
    turns.poll(960);
    const [begun, ...told] = lines as [{ new: string; with: unknown; t: number }, ...typeof lines];
    lines = [{ ...begun, with: { endpointing: { ...endpointing, speechEndMs: 800 }, awaitsWords: false } }, ...told];
    const { difference, told: count } = replay(read());
    expect(difference?.line).to.deep.include({ call: 'poll', with: [960] });
    expect([difference?.now, count]).to.deep.equal([undefined, 3]);
  });
});
