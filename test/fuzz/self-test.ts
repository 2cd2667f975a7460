/** A target with faults, to see that they are found. */
import * as fc from 'fast-check';
import type { FuzzTarget } from './fuzz-target.ts';

export function openSelfTest(): FuzzTarget {
  return {
    inputs: fc.constant(Buffer.from('nothing')),
    run: (input) => {
      if (String(input) === 'exit') process.exit(7);
      while (String(input) === 'hang');
      return 'taken';
    },
  };
}
