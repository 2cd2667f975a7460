import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixtureSpeech, readFixtureWav, writeFixtureWav } from './fixture-speech.ts';

describe('speech fixtures', () => {
  it('are speech from the first sample to the last', async () => {
    const speech = await fixtureSpeech({ text: 'Can you hear me?' });
    expect(speech.length / 48_000).to.be.within(0.5, 2);
    for (const edge of [speech.subarray(0, 960), speech.subarray(-960)]) {
      expect(Math.max(...edge.map(Math.abs))).to.be.above(50);
    }
  });

  it('come back from a WAV file as they were written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-test-'));
    try {
      const speech = await fixtureSpeech({ text: 'Four,', voice: 'rms', sampleRateHz: 16_000 });
      const path = join(folder, 'speech.wav');
      await writeFixtureWav(path, [{ silenceMs: 100 }, speech, { silenceMs: 50 }], 16_000);
      const { samples, sampleRateHz } = await readFixtureWav(path);
      expect(sampleRateHz).to.equal(16_000);
      expect([...samples]).to.deep.equal([...new Int16Array(1600), ...speech, ...new Int16Array(800)]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are made once', async () => {
    const text = 'Once is enough.';
    expect(await fixtureSpeech({ text })).to.equal(await fixtureSpeech({ text }));
  });
});
