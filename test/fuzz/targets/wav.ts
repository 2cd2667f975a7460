import * as fc from 'fast-check';
import { readWav } from '../../../media/providers/wav.ts';
import type { FuzzTarget } from '../fuzz-target.ts';

const files = fc
  .record({
    channels: fc.constantFrom(1, 1, 2, 0),
    bits: fc.constantFrom(16, 16, 8, 0),
    announced: fc.constantFrom(0, 4, 100, 0xffffffff),
    samples: fc.uint8Array({ maxLength: 200 }),
  })
  .map(({ channels, bits, announced, samples }) => {
    const header = Buffer.alloc(44);
    header.write('RIFF', 0, 'latin1');
    header.write('WAVEfmt ', 8, 'latin1');
    header.writeUInt16LE(channels, 22);
    header.writeUInt32LE(16_000, 24);
    header.writeUInt16LE(bits, 34);
    header.write('data', 36, 'latin1');
    header.writeUInt32LE(announced, 40);
    return Buffer.concat([header, samples]);
  });

export function openWav(): FuzzTarget {
  return {
    inputs: files,
    run: (input) => {
      try {
        const { samples } = readWav(input);
        if (samples.length * 2 > input.length - 44) throw new RangeError('more samples than there are bytes');
        return `${Math.min(samples.length, 100)}`;
      } catch (error) {
        if ((error as Error).message === 'no mono 16-bit WAV file') return 'refused';
        throw error;
      }
    },
  };
}
