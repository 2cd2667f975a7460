import type { Request } from '../../signalling/protocol.ts';

/** Of a server that dies, packets may be on their way for so long. */
const onTheirWayMs = 450;
/** The server sends at least one packet each 400 ms, and they are looked for each 200 ms. */
const quietMs = 700;
/** A server that cannot be reached for so long by anybody else is of no use, though its voice is heard. */
const vouchedMs = 30_000;

/**
 * What a client that has lost its connection, and holds its media still, says of the agent's voice when it joins again. The server
 * that it joins at may be unable to ask the one with the call, which then is either dead or merely cut off from the others: the
 * client alone can tell.
 *
 * @param heardMs when the last packet of the agent was found
 * @param lostMs  when the connection was lost
 * @returns `unsure` where it is too early to tell; `undefined` where nothing is to be concluded from it
 */
export function hearsAgent(
  heardMs: number | undefined,
  lostMs: number | undefined,
  nowMs: number,
): Request<'join'>['hearsAgent'] {
  if (lostMs === undefined || heardMs === undefined || nowMs - lostMs > vouchedMs) return undefined;
  if (nowMs - heardMs > quietMs) return 'no';
  return heardMs - lostMs >= onTheirWayMs ? 'yes' : 'unsure';
}
