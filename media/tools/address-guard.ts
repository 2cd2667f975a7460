/**
 * Which addresses tools may reach. A host is looked up once for each connection and connected to by the address that was
 * checked, so that no name can mean another address a moment later.
 */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ToolError } from './tool-error.ts';

export type AddressGuardOptions = {
  /** Networks to be reached although they are barred by default, as `169.254.169.254/32`. */
  allow?: readonly string[];
  /** Networks to be barred besides, as `10.0.0.0/8`: agents whose authors are not to be trusted with them. */
  deny?: readonly string[];
};

/**
 * Where clouds hand out the machine's own credentials, and what is no host at all. Private networks and loopback are not
 * among them: a tool's host is what the agent's author wrote, and what it reaches mostly stands beside this server.
 */
const BARRED = [
  '169.254.0.0/16',
  'fe80::/10',
  /** The same service over IPv6 (Amazon), and those of Alibaba, Oracle and Azure. */
  'fd00:ec2::/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
  /** "This host", multicast, broadcast. */
  '0.0.0.0/8',
  '224.0.0.0/3',
  '::/128',
  'ff00::/8',
];
/** Names of the same services. */
const BARRED_HOSTS = new Set(['metadata.google.internal', 'metadata']);
/** IPv6 prefixes that carry an IPv4 address at their end (NAT64, also a network's own; none), or after 16 bits (6to4). */
const NAT64 = /^64:ff9b(?::1)?::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/;
const COMPATIBLE = /^::([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const SIX_TO_FOUR = /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):/;

export class AddressGuard {
  readonly #allowed: BlockList;
  readonly #barred: BlockList;
  readonly #anyAllowed: boolean;

  /** @throws {RangeError} where a network is none */
  constructor({ allow = [], deny = [] }: AddressGuardOptions = {}) {
    this.#allowed = networks(allow);
    this.#anyAllowed = allow.length > 0;
    this.#barred = networks([...BARRED, ...deny]);
  }

  allows(address: string): boolean {
    const bare = address.split('%')[0] ?? '';
    const family = isIP(bare);
    if (family === 0) return false;
    const carried = family === 6 ? carriedIpv4(bare) : undefined;
    if (carried !== undefined && !this.allows(carried)) return false;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    return this.#allowed.check(bare, type) || !this.#barred.check(bare, type);
  }

  /**
   * A literal address is connected to without being looked up.
   * @throws {ToolError} `forbidden_address`
   */
  check({ hostname }: URL): void {
    const host = hostname.replace(/^\[|\]$/g, '');
    const barred =
      isIP(host) === 0 ? !this.#anyAllowed && BARRED_HOSTS.has(host.replace(/\.$/, '')) : !this.allows(host);
    if (barred) throw forbidden();
  }

  /** For `http.request`: the addresses of a host, those that are barred left out. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '');
      const allowed = addresses.filter(({ address }) => this.allows(address));
      const [first] = allowed;
      if (!first) return callback(forbidden(), '');
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function forbidden(): ToolError {
  return new ToolError('forbidden_address', 'The tool is not allowed to reach this address.');
}

function networks(list: readonly string[]): BlockList {
  const found = new BlockList();
  for (const network of list) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address);
    if (family === 0) throw new RangeError(`${network} is no network, as 10.0.0.0/8 is one`);
    found.addSubnet(address, Number(bits ?? (family === 4 ? 32 : 128)), family === 4 ? 'ipv4' : 'ipv6');
  }
  return found;
}

/** @param address in any form; `URL` brings it into the short one */
function carriedIpv4(address: string): string | undefined {
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const match = NAT64.exec(short) ?? COMPATIBLE.exec(short) ?? SIX_TO_FOUR.exec(`${short}:`);
  if (!match) return undefined;
  const [high, low] = [match[1] ?? '0', match[2] ?? '0'].map((part) => parseInt(part, 16)) as [number, number];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
