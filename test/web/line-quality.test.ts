import { expect } from 'chai';
import { LineQuality } from '../../web/src/line-quality.ts';

const good = { roundTripMs: 40, packetsLost: 0, concealedMs: 0 };

describe('LineQuality', () => {
  it('finds nothing wrong with a good line, and nothing at the first look', () => {
    const line = new LineQuality();
    expect(line.look({ ...good, packetsReceived: 100, packetsLost: 90 }, 0)).to.equal(false);
    expect(line.look({ ...good, packetsReceived: 200, packetsLost: 91 }, 2000)).to.equal(false);
  });

  it('is poor when one packet in twenty is lost', () => {
    const line = new LineQuality();
    line.look({ ...good, packetsReceived: 100 }, 0);
    expect(line.look({ ...good, packetsReceived: 195, packetsLost: 5 }, 2000)).to.equal(true);
  });

  it('makes nothing of one lost packet among the few of a silence', () => {
    const line = new LineQuality();
    line.look({ ...good, packetsReceived: 100 }, 0);
    expect(line.look({ ...good, packetsReceived: 104, packetsLost: 1 }, 2000)).to.equal(false);
  });

  it('is poor when a tenth of what is heard is invented, or when answers take long', () => {
    const invented = new LineQuality();
    invented.look({ ...good, packetsReceived: 100 }, 0);
    expect(invented.look({ ...good, packetsReceived: 200, concealedMs: 200 }, 2000)).to.equal(true);
    const slow = new LineQuality();
    slow.look({ ...good, packetsReceived: 100 }, 0);
    expect(slow.look({ roundTripMs: 600, packetsReceived: 200 }, 2000)).to.equal(true);
  });

  it('is taken for good again after three good looks in a row', () => {
    const line = new LineQuality();
    const looks = [100, 190, 290, 390, 490].map((packetsReceived, index) =>
      line.look({ ...good, packetsReceived, packetsLost: index === 0 ? 0 : 10 }, index * 2000),
    );
    expect(looks).to.deep.equal([false, true, true, true, false]);
  });

  it('begins to count anew on another connection', () => {
    const line = new LineQuality();
    line.look({ ...good, packetsReceived: 5000, packetsLost: 3 }, 0);
    expect(line.look({ ...good, packetsReceived: 40, packetsLost: 30 }, 2000)).to.equal(false);
  });
});
