import * as fc from 'fast-check';
import { TokenRejected } from '../../../signalling/errors.ts';
import { SessionTokens } from '../../../signalling/tokens.ts';
import { asText, type FuzzTarget } from '../fuzz-target.ts';

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const NOW_MS = 1_700_000_000_000;

const forged = fc
  .record({
    alg: fc.constantFrom('HS256', 'none', 'None', 'HS512', 'RS256', '', 'dir'),
    header: fc.constantFrom(
      {},
      { typ: 'JWT' },
      { crit: ['exp'] },
      { kid: '../../secret' },
      { b64: false, crit: ['b64'] },
    ),
    claims: fc.constantFrom<object>(
      { sub: 'a', exp: 2_000_000_000, iss: 'parley', aud: 'parley:join' },
      { sub: 'a', exp: 'never' },
      { exp: -1 },
      [],
    ),
    signature: fc.oneof(fc.constant(''), fc.base64String({ maxLength: 50 })),
  })
  .map(({ alg, header, claims, signature }) => `${base64({ alg, ...header })}.${base64(claims)}.${signature}`);

/** None of them was issued, so none may be taken. */
export function openToken(): FuzzTarget {
  const tokens = new SessionTokens({ secret: 'x'.repeat(32), nowMs: () => NOW_MS });
  return {
    inputs: asText(
      fc.oneof(
        forged,
        fc.string(),
        fc.string().map((text) => `${text}.${text}.${text}`),
      ),
    ),
    words: ['.', '..', 'eyJ', 'e30', '=', '%2e', '\u0000'],
    run: async (input) => {
      const taken = await tokens.verify(input.toString('utf8')).catch((error: unknown) => {
        if (error instanceof TokenRejected) return error;
        throw error;
      });
      if (!(taken instanceof TokenRejected)) throw new Error('a token was taken that was never issued');
      return taken.problem;
    },
  };
}
