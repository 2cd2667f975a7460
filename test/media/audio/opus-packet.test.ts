import { Encoder } from '@evan/opus';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { MAX_PACKET_SAMPLES_48K, opusFrameSamples48k, opusSamples48k } from '../../../media/audio/opus-packet.ts';

/** A packet of `bytes` zero bytes behind its TOC. */
function packet(config: number, code: number, ...rest: number[]): Uint8Array {
  return Uint8Array.of((config << 3) | code, ...rest);
}

const milliseconds = (payload: Uint8Array) => opusSamples48k(payload) / 48;

describe('Opus packets', () => {
  it('last as long as RFC 6716 table 2 says', () => {
    const silk = [10, 20, 40, 60];
    const celt = [2.5, 5, 10, 20];
    const table = [...silk, ...silk, ...silk, 10, 20, 10, 20, ...celt, ...celt, ...celt, ...celt];
    for (const [config, ms] of table.entries()) {
      expect(milliseconds(packet(config, 0, 0)), `configuration ${config}`).to.equal(ms);
      expect(opusFrameSamples48k(packet(config, 0, 0))).to.equal(ms * 48);
    }
  });

  it('hold one, two, or a counted number of frames', () => {
    expect(milliseconds(packet(1, 0))).to.equal(20);
    expect(milliseconds(packet(1, 1, 0, 0))).to.equal(40);
    expect(milliseconds(packet(1, 2, 1, 0))).to.equal(40);
    expect(milliseconds(packet(1, 3, 3))).to.equal(60);
    expect(milliseconds(packet(1, 3, 0xc0 | 6, 0))).to.equal(120);
    expect(milliseconds(packet(16, 3, 48))).to.equal(120);
  });

  it('last for nothing where they are not valid', () => {
    expect(opusSamples48k(new Uint8Array(0))).to.equal(0);
    expect(opusFrameSamples48k(new Uint8Array(0))).to.equal(0);
    expect(opusSamples48k(packet(1, 1, 0)), 'two equal frames of half a byte').to.equal(0);
    expect(opusSamples48k(packet(1, 2)), 'no length').to.equal(0);
    expect(opusSamples48k(packet(1, 3)), 'no count').to.equal(0);
    expect(opusSamples48k(packet(1, 3, 0)), 'no frame').to.equal(0);
    expect(opusSamples48k(packet(1, 3, 7)), '140 ms').to.equal(0);
    expect(opusSamples48k(packet(16, 3, 49)), '122.5 ms').to.equal(0);
  });

  it('last as long as what was encoded', () => {
    const encoder = new Encoder({ channels: 1, sample_rate: 48_000, application: 'voip' });
    for (const ms of [2.5, 5, 10, 20, 40, 60]) {
      expect(milliseconds(encoder.encode(new Int16Array(ms * 48))), `${ms} ms`).to.equal(ms);
    }
  });

  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        expect(opusSamples48k(bytes)).to.be.within(0, MAX_PACKET_SAMPLES_48K);
      }),
    );
  });
});
