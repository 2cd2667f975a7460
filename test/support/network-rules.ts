/** What a test's network drops, as rules for nftables in the bridge that joins its hosts. */

/** A place on the network: the ports of the bridge behind which it is. */
export type NetworkEnd = { readonly name: string; readonly ports: readonly string[] };

/** What a rule is about; absent: everything, down to the ARP by which hosts find one another. */
export type Protocol = 'udp' | 'tcp';

type Cut = { ends: readonly [NetworkEnd, NetworkEnd]; protocol: Protocol | undefined };
type Loss = { end: NetworkEnd; percent: number; protocol: Protocol | undefined };

/** `numgen` gives whole numbers; of a thousand, so that tenths of a percent can be told apart. */
const PARTS = 1000;

export class NetworkRules {
  readonly #cuts = new Map<string, Cut>();
  readonly #losses = new Map<string, Loss>();

  /** Nothing gets from one to the other, in either direction, until `heal`. */
  cut(one: NetworkEnd, other: NetworkEnd, protocol?: Protocol): void {
    this.#cuts.set(`${pairOf(one, other)} ${protocol ?? ''}`, { ends: [one, other], protocol });
  }

  /** Undoes every cut between the two. */
  heal(one: NetworkEnd, other: NetworkEnd): void {
    const pair = pairOf(one, other);
    for (const key of this.#cuts.keys()) if (key.startsWith(`${pair} `)) this.#cuts.delete(key);
  }

  /** Drops packets at random, each for itself, to and from this end. @param percent of 0 to 100; 0: none */
  lose(end: NetworkEnd, percent: number, protocol?: Protocol): void {
    if (!(percent >= 0 && percent <= 100)) throw new RangeError(`a loss of ${percent} % is not from 0 to 100`);
    if (percent === 0) this.#losses.delete(end.name);
    else this.#losses.set(end.name, { end, percent, protocol });
  }

  /** The whole table, for `nft -f`, which puts it in the place of the last one at once. */
  toString(): string {
    const rules = [...this.#cuts.values()].flatMap(cutRules).concat([...this.#losses.values()].flatMap(lossRules));
    return [
      'table bridge parley {}',
      'delete table bridge parley',
      'table bridge parley {',
      '  chain forward {',
      '    type filter hook forward priority 0;',
      ...rules.map((rule) => `    ${rule} drop`),
      '  }',
      '}',
      '',
    ].join('\n');
  }
}

function pairOf(one: NetworkEnd, other: NetworkEnd): string {
  if (one.name === other.name) throw new Error(`${one.name} cannot be cut from itself`);
  return [one.name, other.name].toSorted().join('~');
}

function cutRules({ ends: [one, other], protocol }: Cut): string[] {
  if (one.ports.length === 0 || other.ports.length === 0) return [];
  const [here, there] = [setOf(one), setOf(other)];
  const what = matchOf(protocol);
  return [`iifname ${here} oifname ${there}${what}`, `iifname ${there} oifname ${here}${what}`];
}

function lossRules({ end, percent, protocol }: Loss): string[] {
  if (end.ports.length === 0) return [];
  const what = `${matchOf(protocol)} numgen random mod ${PARTS} < ${Math.round((percent / 100) * PARTS)}`;
  return [`iifname ${setOf(end)}${what}`, `oifname ${setOf(end)}${what}`];
}

function setOf({ ports }: NetworkEnd): string {
  return `{ ${ports.map((port) => `"${port}"`).join(', ')} }`;
}

function matchOf(protocol: Protocol | undefined): string {
  return protocol ? ` meta l4proto ${protocol}` : '';
}
