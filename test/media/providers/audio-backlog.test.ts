import { expect } from 'chai';
import { AudioBacklog } from '../../../media/providers/audio-backlog.ts';

const loud = (ms: number) => new Int16Array(ms * 16).fill(4_000);
const quiet = (ms: number) => new Int16Array(ms * 16);
const keptMs = (backlog: AudioBacklog) => backlog.chunks().reduce((sum, { length }) => sum + length, 0) / 16;

describe('the audio that no transcript covers yet', () => {
  it('is kept while it is spoken', () => {
    const backlog = new AudioBacklog();
    for (let n = 0; n < 50; n++) backlog.write(loud(100));
    expect(keptMs(backlog)).to.equal(5_000);
    expect(backlog).to.include({ fromMs: 0, toMs: 5_000 });
  });

  it('is let go up to where a transcript covers it, also within a chunk', () => {
    const backlog = new AudioBacklog();
    for (let n = 0; n < 10; n++) backlog.write(loud(100));
    backlog.settle(250);
    expect(backlog).to.include({ fromMs: 250, toMs: 1_000 });
    expect(keptMs(backlog)).to.equal(750);
    backlog.settle(100);
    expect(backlog.fromMs).to.equal(250);
    backlog.settle(9_000);
    expect(keptMs(backlog)).to.equal(0);
    expect(backlog.fromMs).to.equal(1_000);
  });

  it('is no more than its end where it is quiet for long', () => {
    const backlog = new AudioBacklog();
    backlog.write(loud(100));
    for (let n = 0; n < 20; n++) backlog.write(quiet(100));
    expect(keptMs(backlog)).to.equal(2_100);
    backlog.write(quiet(100));
    expect(keptMs(backlog)).to.equal(500);
    for (let n = 0; n < 1_000; n++) backlog.write(quiet(100));
    expect(keptMs(backlog)).to.equal(500);
  });

  it('is never more than 30 s', () => {
    const backlog = new AudioBacklog();
    for (let n = 0; n < 1_000; n++) backlog.write(loud(100));
    expect(keptMs(backlog)).to.equal(30_000);
    expect(backlog.toMs).to.equal(100_000);
  });

  it("does not change with the writer's buffer", () => {
    const backlog = new AudioBacklog();
    const buffer = loud(10);
    backlog.write(buffer);
    buffer.fill(0);
    expect(backlog.chunks()[0]![0]).to.equal(4_000);
  });
});
