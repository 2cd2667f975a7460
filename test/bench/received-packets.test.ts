import { expect } from 'chai';
import { assert, property, shuffledSubarray } from 'fast-check';
import { ReceivedPackets } from '../../bench/callers/received-packets.ts';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../media/rtp/rtp.ts';

const SSRC = 4711;
const PAYLOAD_TYPE = 100;

/** The packet of frame `n` of a call's voice. */
const packet = (n: number, { ssrc = SSRC, bytes = 60, firstTimestamp = 2 ** 32 - 9600 } = {}) => {
  const buffer = new Uint8Array(RTP_HEADER_BYTES + bytes);
  writeRtpHeader(buffer, PAYLOAD_TYPE, n === 0, (65_500 + n) & 0xffff, (firstTimestamp + n * 960) >>> 0, ssrc);
  return buffer;
};

const line = () => {
  const lateness: number[] = [];
  const received = new ReceivedPackets(SSRC, (ms) => lateness.push(ms));
  return { received, lateness, note: (n: number, atMs = n * 20) => received.note(packet(n), atMs) };
};

describe('the packets that a caller receives', () => {
  it('are all counted, across the wraps of sequence and timestamp', () => {
    const { received, note, lateness } = line();
    for (let n = 0; n < 200; n++) note(n);
    expect(received.counts).to.include({ packets: 200, voice: 200, lost: 0, outOfOrder: 0, duplicates: 0, late5Ms: 0 });
    expect(Math.max(...lateness)).to.be.closeTo(0, 1e-6);
  });

  it('are late by what they come later than the soonest of the call would have', () => {
    const { received, note, lateness } = line();
    note(0, 10);
    note(1, 25);
    note(2, 45);
    note(3, 65 + 22);
    expect(lateness.map(Math.round)).to.deep.equal([0, 0, 0, 22]);
    expect(received.counts).to.include({ late5Ms: 1, late20Ms: 1 });
  });

  it('are lost when their number never comes, and out of order when it comes after a later one', () => {
    const { received, note } = line();
    for (const n of [0, 1, 4, 3, 5]) note(n);
    expect(received.counts).to.include({ packets: 5, lost: 1, outOfOrder: 1, duplicates: 0 });
    note(3);
    expect(received.counts).to.include({ lost: 1, duplicates: 1 });
  });

  it("are another call's by their SSRC, or by a time that this call cannot have", () => {
    const { received, note } = line();
    for (let n = 0; n < 5; n++) note(n);
    received.note(packet(5, { ssrc: SSRC + 1 }), 100);
    received.note(packet(5, { firstTimestamp: 77_000_000 }), 100);
    note(5);
    expect(received.counts).to.include({ packets: 6, wrongCall: 2 });
  });

  it('go on in another line where a whole other line of times comes', () => {
    const { received, note } = line();
    for (let n = 0; n < 5; n++) note(n);
    for (let n = 205; n < 215; n++) received.note(packet(n, { firstTimestamp: 77_000_000 }), n * 20);
    expect(received.counts).to.include({ wrongCall: 2, packets: 13, lost: 0 });
  });

  it('tell voice from silence, and no RTP from both', () => {
    const { received } = line();
    received.note(packet(0, { bytes: 3 }), 5);
    received.note(packet(1), 25);
    received.note(Uint8Array.of(1, 2, 3), 30);
    expect(received.counts).to.include({ packets: 2, voice: 1, malformed: 1 });
    expect([received.firstMs, received.firstVoiceMs]).to.deep.equal([5, 25]);
  });

  it('are each counted once, however they are shuffled within a few', () => {
    const order = shuffledSubarray(
      Array.from({ length: 60 }, (_, n) => n),
      { minLength: 60 },
    );
    assert(
      property(order, (numbers) => {
        const { received, note } = line();
        note(0, 0);
        numbers.forEach((n, at) => note(n + 1, (at + 1) * 20));
        expect(received.counts.packets).to.equal(61);
        expect(received.counts.lost + received.counts.duplicates).to.be.lessThan(61);
        expect(received.counts.lost).to.equal(0);
      }),
    );
  });
});
