import * as fc from 'fast-check';
import { isRtcp } from '../../../media/rtp/rtp.ts';
import { readRtcp } from '../../../media/rtp/rtcp.ts';
import type { FuzzTarget } from '../fuzz-target.ts';

/** Packets whose length fits, of the types that are read and of others. */
const compound = fc
  .array(
    fc.record({
      type: fc.constantFrom(200, 201, 202, 203, 205, 206, 207),
      count: fc.nat(31),
      padding: fc.constantFrom(0, 0, 0, 0x20),
      words: fc.array(fc.nat(0xffffffff), { maxLength: 20 }),
      wrong: fc.constantFrom(0, 0, 0, 1, -1),
    }),
    { maxLength: 5 },
  )
  .map((packets) =>
    Buffer.concat(
      packets.map(({ type, count, padding, words, wrong }) => {
        const packet = Buffer.alloc(4 + 4 * words.length);
        packet.writeUInt16BE((words.length + wrong) & 0xffff, 2);
        packet[0] = 0x80 | padding | count;
        packet[1] = type;
        for (const [index, word] of words.entries()) packet.writeUInt32BE(word >>> 0, 4 + 4 * index);
        return packet;
      }),
    ),
  );

export function openRtcp(): FuzzTarget {
  return {
    inputs: compound,
    run: (input) => {
      const told: string[] = [];
      const see = (what: string, ...numbers: number[]) => {
        if (!numbers.every(Number.isFinite)) throw new Error(`${what} with ${numbers.join()}`);
        told.push(what);
      };
      const valid = readRtcp(input, input.length, {
        senderReport: (ssrc, ntpMs, timestamp) => see('sender', ssrc, ntpMs, timestamp),
        receiverReport: (ssrc, fraction, lost, jitter) => see('receiver', ssrc, fraction, lost, jitter),
        bye: (ssrc) => see('bye', ssrc),
      });
      if (!valid && told.length > 0) throw new Error('told of a packet that is malformed');
      return `${isRtcp(input)} ${valid} ${told.slice(0, 6).join()}`;
    },
  };
}
