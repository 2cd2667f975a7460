import { expect } from 'chai';
import { FRAME, Line, opus, START_MS } from '../../support/rtp-line.ts';

const TARGET_MS = 60;
const MINUTE = 60_000 * 48;

describe('JitterBuffer', () => {
  describe('packets in order', () => {
    it('pass at once, as the very bytes that came', () => {
      const { listener, buffer } = new Line();
      const payload = opus(7);
      buffer.push(9, 123, payload, START_MS);
      expect(listener.payloads[0]).to.equal(payload);
      expect(listener.timestamps).to.deep.equal([123]);
      expect(listener.samples).to.equal(FRAME);
      expect(buffer.nextDeadlineMs).to.equal(Infinity);
    });

    it('pass over the wraps of sequence and timestamp as if there were none', () => {
      const line = new Line(65_534, 2 ** 32 - FRAME - 100);
      expect(line.arrive([0, 1, 2, 3]).told).to.deep.equal(['p0', 'p1', 'p2', 'p3']);
      expect(line.listener.timestamps.at(-1)).to.equal(2 * FRAME - 100);
    });

    it('may be of any length, up to 120 ms', () => {
      const { listener, buffer } = new Line();
      const lengths = [0x00, 0x18, 0x0b];
      let timestamp = 0;
      for (const [index, toc] of lengths.entries()) {
        buffer.push(index, timestamp, Uint8Array.of(toc, 6, index), START_MS);
        timestamp = listener.samples;
      }
      expect(listener.samples).to.equal(480 + 2880 + 5760);
      expect(listener.told.filter((word) => !word.startsWith('p'))).to.deep.equal([]);
    });
  });

  describe('behind a gap', () => {
    it('wait for what is missing, and follow it', () => {
      const line = new Line().arrive([0, 2, 3]);
      expect(line.told).to.deep.equal(['p0']);
      expect(line.buffer.heldPackets).to.equal(2);
      expect(line.arrive(1).told).to.deep.equal(['p0', 'p1', 'p2', 'p3']);
      expect(line.buffer).to.include({ heldPackets: 0, nextDeadlineMs: Infinity });
      expect(line.buffer.statistics).to.include({ reordered: 1, lost: 0 });
    });

    it('wait 60 ms from the arrival of the first of them, no longer', () => {
      const line = new Line().arrive([0, 2]).wait(20).arrive(3).wait(20).arrive(4);
      expect(line.buffer.nextDeadlineMs).to.equal(START_MS + TARGET_MS);
      expect(line.wait(15).told).to.deep.equal(['p0']);
      expect(line.wait(5).told).to.deep.equal(['p0', 'l960', 'p2', 'p3', 'p4']);
      expect(line.listener.timestamps.slice(0, 3)).to.deep.equal([50_000, 50_960, 51_920]);
      expect(line.buffer.statistics).to.include({ lost: 1, concealedSamples48k: FRAME });
    });

    it('are let through by the next packet too, where nobody polls', () => {
      const line = new Line().arrive([0, 2]);
      line.nowMs += TARGET_MS;
      expect(line.arrive(3).told).to.deep.equal(['p0', 'l960', 'p2', 'p3']);
    });

    it('wait for each gap on its own', () => {
      const line = new Line().arrive([0, 2]).wait(30).arrive(4);
      expect(line.wait(30).told).to.deep.equal(['p0', 'l960', 'p2']);
      expect(line.buffer.nextDeadlineMs).to.equal(START_MS + 30 + TARGET_MS);
      expect(line.arrive(3).told.slice(3)).to.deep.equal(['p3', 'p4']);
    });

    it('wait as long as they are told to', () => {
      const line = new Line(1, 1, { targetMs: 200 }).arrive([0, 2]).wait(195);
      expect(line.told).to.deep.equal(['p0']);
      expect(line.wait(5).told).to.have.lengthOf(3);
    });
  });

  describe('loss', () => {
    it('is concealed for 120 ms at most; the rest is a gap', () => {
      expect(new Line().arrive([0, 7]).wait(60).told).to.deep.equal(['p0', 'l5760', 'p7']);
      expect(new Line().arrive([0, 11]).wait(60).told).to.deep.equal(['p0', 'l5760', 'g3840', 'p11']);
      const short = new Line(1, 1, { maximumConcealmentMs: 20 }).arrive([0, 4]).wait(60);
      expect(short.told).to.deep.equal(['p0', 'l960', 'g1920', 'p4']);
    });

    it('that is too long to wait for is given up at once', () => {
      const line = new Line().arrive([0, 100]);
      expect(line.told).to.deep.equal(['p0', 'l5760', `g${99 * FRAME - 5760}`, 'p100']);
      expect(line.buffer.statistics.lost).to.equal(99);
    });

    it('makes what comes after it too late', () => {
      const line = new Line().arrive([0, 2]).wait(60).arrive(1);
      expect(line.told).to.deep.equal(['p0', 'l960', 'p2']);
      expect(line.buffer.statistics).to.include({ late: 1, duplicates: 0 });
    });

    it('is over with the next packet: silence after it is silence', () => {
      const line = new Line().arrive([0, 2]).wait(60).arrive(3, 4800);
      expect(line.told).to.deep.equal(['p0', 'l960', 'p2', 'g4800', 'p3']);
    });

    it('is told from duplicates however long the stream is', () => {
      const line = new Line().arrive(Array.from({ length: 300 }, (_, number) => number));
      expect(line.arrive(301).wait(120).arrive(300).buffer.statistics).to.include({ late: 1, duplicates: 0 });
    });

    it('of one packet in the silence of DTX is 20 ms, and silence', () => {
      const line = new Line()
        .arrive(0)
        .arrive(2, 40 * FRAME)
        .wait(60);
      expect(line.told).to.deep.equal(['p0', 'l960', `g${40 * FRAME}`, 'p2']);
    });

    it('is what a packet that is no Opus counts as', () => {
      const line = new Line().arrive(0);
      line.buffer.push(1001, 50_960, new Uint8Array(0), START_MS);
      expect(line.arrive(2).told).to.deep.equal(['p0', 'l960', 'p2']);
      expect(line.buffer.statistics).to.include({ invalid: 1, lost: 0 });
    });
  });

  describe('duplicates', () => {
    it('are dropped, before and after they are delivered', () => {
      const line = new Line().arrive([0, 0, 2, 2, 1, 1, 2, 0, 3]);
      expect(line.told).to.deep.equal(['p0', 'p1', 'p2', 'p3']);
      expect(line.buffer.statistics).to.include({ received: 9, duplicates: 5, late: 0 });
    });

    it('of late packets are duplicates', () => {
      expect(new Line().arrive([0, 2]).wait(60).arrive([1, 1]).buffer.statistics).to.include({
        late: 1,
        duplicates: 1,
      });
    });
  });

  describe('silence that is not sent', () => {
    it('is a gap as long as the timestamps say, with the next sequence number', () => {
      const line = new Line()
        .arrive([0, 1])
        .wait(400)
        .arrive(2, 19 * FRAME);
      expect(line.told).to.deep.equal(['p0', 'p1', 'g18240', 'p2']);
      expect(line.buffer.statistics).to.include({ lost: 0, concealedSamples48k: 0 });
    });

    it('goes over the wrap of the timestamp', () => {
      expect(new Line(0, 2 ** 32 - FRAME).arrive(0).arrive(1, 4800).told).to.deep.equal(['p0', 'g4800', 'p1']);
    });

    it('lasts 60 s at most; what is longer begins anew', () => {
      expect(new Line().arrive(0).arrive(1, MINUTE).told).to.deep.equal(['p0', `g${MINUTE}`, 'p1']);
      expect(new Line().arrive(0).arrive(1, MINUTE + 1).told).to.deep.equal(['p0', 'restart', 'p1']);
    });
  });

  describe('a sender that restarts', () => {
    it('is followed with its second packet, and nothing of it is lost', () => {
      const line = new Line().arrive([0, 1]);
      line.buffer.push(30_000, 9, opus(500), START_MS);
      expect(line.told).to.deep.equal(['p0', 'p1']);
      line.buffer.push(30_001, 969, opus(501), START_MS);
      line.buffer.push(30_002, 1929, opus(502), START_MS);
      expect(line.told.slice(2)).to.deep.equal(['restart', 'p500', 'p501', 'p502']);
      expect(line.buffer.statistics).to.include({ restarts: 1, lost: 0 });
    });

    it('is followed when it starts a little further back, too', () => {
      const line = new Line().arrive([0, 1]);
      for (const sequence of [800, 801]) line.buffer.push(sequence, sequence * FRAME, opus(sequence), START_MS);
      expect(line.told.slice(2)).to.deep.equal(['restart', 'p800', 'p801']);
    });

    it('is not believed for one stray packet', () => {
      const line = new Line().arrive([0, 1]);
      for (const stray of [30_000, 20_000, 30_001]) line.buffer.push(stray, 0, opus(9), START_MS);
      expect(line.arrive(2).told).to.deep.equal(['p0', 'p1', 'p2']);
      line.buffer.push(30_002, 0, opus(9), START_MS);
      expect(line.arrive(3).told).to.deep.equal(['p0', 'p1', 'p2', 'p3']);
    });

    it('gets what was waiting before it out first', () => {
      const line = new Line().arrive([0, 2]);
      for (const sequence of [30_000, 30_001]) line.buffer.push(sequence, sequence * FRAME, opus(sequence), START_MS);
      expect(line.told).to.deep.equal(['p0', 'l960', 'p2', 'restart', 'p30000', 'p30001']);
      expect(line.buffer).to.include({ heldPackets: 0, nextDeadlineMs: Infinity });
    });

    it('shows in timestamps that go back while the sequence goes on', () => {
      const line = new Line().arrive([0, 1]);
      line.buffer.push(1002, 48_000, opus(2), START_MS);
      line.buffer.push(1003, 48_960, opus(3), START_MS);
      expect(line.told).to.deep.equal(['p0', 'p1', 'restart', 'p2', 'p3']);
    });
  });

  it('begins with whatever comes first after a reset, and counts on', () => {
    const line = new Line().arrive([0, 2]);
    line.buffer.reset();
    expect(line.buffer).to.include({ heldPackets: 0, nextDeadlineMs: Infinity });
    line.buffer.push(40_000, 77, opus(9), START_MS);
    line.buffer.push(40_002, 77 + 2 * FRAME, opus(11), START_MS);
    expect(line.wait(60).told).to.deep.equal(['p0', 'p9', 'l960', 'p11']);
    expect(line.buffer.statistics).to.include({ received: 4, restarts: 0 });
  });
});
