/**
 * Whether the machine has other addresses than when the connection was made.
 *
 * @returns false where either is not known: a page without a microphone is shown no addresses
 */
export function isOtherNetwork(then: ReadonlySet<string>, now: ReadonlySet<string>): boolean {
  if (then.size === 0 || now.size === 0) return false;
  return [...now].some((address) => !then.has(address)) || [...then].some((address) => !now.has(address));
}

/** Without names that stand for addresses (mDNS). */
export function plain(addresses: Iterable<string>): Set<string> {
  return new Set([...addresses].filter((address) => !address.endsWith('.local')));
}
