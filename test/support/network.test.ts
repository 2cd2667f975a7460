import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Network } from './network.ts';
import { ip, type NetworkHost } from './network-host.ts';
import type { ProbeResult } from './network-probe.ts';
import { NetworkRules, type NetworkEnd } from './network-rules.ts';

const PROBE = fileURLToPath(new URL('network-probe.ts', import.meta.url));
const PORT = 7000;

const end = (name: string): NetworkEnd => ({ name, ports: [`${name}.0`] });

describe('the rules of a network', () => {
  it('cut both ways, and are healed whichever end is named first', () => {
    const rules = new NetworkRules();
    const whole = rules.toString();
    rules.cut(end('a'), end('b'));
    expect(rules.toString()).to.include('iifname { "a.0" } oifname { "b.0" } drop');
    expect(rules.toString()).to.include('iifname { "b.0" } oifname { "a.0" } drop');
    rules.heal(end('b'), end('a'));
    expect(rules.toString()).to.equal(whole);
  });

  it('lose a part of all packets of an end, to the tenth of a percent, until told to lose none', () => {
    const rules = new NetworkRules();
    const whole = rules.toString();
    rules.lose(end('a'), 2.5, 'udp');
    expect(rules.toString()).to.include('oifname { "a.0" } meta l4proto udp numgen random mod 1000 < 25 drop');
    rules.lose(end('a'), 0);
    expect(rules.toString()).to.equal(whole);
    expect(() => rules.lose(end('a'), 101)).to.throw(RangeError);
  });
});

describe('a network of its own', function () {
  this.timeout(60_000);
  let network: Network;
  let near: NetworkHost;
  let far: NetworkHost;

  before(async function () {
    Network.skipWithout(this);
    network = await Network.create();
    near = await network.host('near');
    far = await network.host('far');
    const probe = far.spawn(process.execPath, [PROBE, 'answer', String(PORT)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(probe.stdout!, 'data');
  });

  after(() => network?.close());

  const ask = async (count = 20): Promise<ProbeResult> =>
    JSON.parse(
      await near.exec(process.execPath, [PROBE, 'ask', far.address, String(PORT), String(count)]),
    ) as ProbeResult;

  it('joins its hosts, and this process to them', async () => {
    expect(await ask()).to.deep.equal({ udpAnswers: 20, tcp: true });
    const { stdout } = spawnSync(process.execPath, [PROBE, 'ask', far.address, String(PORT), '5'], {
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).to.deep.equal({ udpAnswers: 5, tcp: true });
  });

  it('cuts two hosts from one another and from nobody else, and heals them', async () => {
    await network.cut(near, far);
    expect(await ask()).to.deep.equal({ udpAnswers: 0, tcp: false });
    await network.heal(near, far);
    expect(await ask()).to.deep.equal({ udpAnswers: 20, tcp: true });
    await network.cut(near, network.outside);
    expect(await ask()).to.deep.equal({ udpAnswers: 20, tcp: true });
    await network.heal(near, network.outside);
  });

  it('cuts one protocol alone', async () => {
    await network.cut(near, far, 'udp');
    expect(await ask()).to.deep.equal({ udpAnswers: 0, tcp: true });
    await network.heal(near, far);
  });

  it('loses about as many packets as asked, each way', async () => {
    await network.loss(near, 20, 'udp');
    // Both ways pass: 0.8². Of 1,500 trials, five standard deviations are 93.
    const { udpAnswers } = await ask(1500);
    expect(udpAnswers).to.be.within(960 - 93, 960 + 93);
    await network.loss(near, 0);
    expect((await ask(200)).udpAnswers).to.equal(200);
  });

  it('gives a host a second way, and takes the first away', async () => {
    const first = near.address;
    const second = await near.addLink();
    expect(near.ports).to.have.lengthOf(2);
    await near.removeLink(first);
    expect(near.address).to.equal(second);
    expect(await ask()).to.deep.equal({ udpAnswers: 20, tcp: true });
  });

  it('cuts ways that are added later, too', async () => {
    await network.cut(near, far);
    const first = near.address;
    await near.addLink();
    await near.removeLink(first);
    expect(await ask()).to.deep.equal({ udpAnswers: 0, tcp: false });
    await network.heal(near, far);
  });

  it('leaves nothing behind, and ends what ran there', async () => {
    const other = await Network.create();
    const host = await other.host('short');
    const program = host.spawn('sleep', ['100']);
    const exited = once(program, 'exit');
    await other.close();
    await exited;
    expect(await ip('netns', 'list')).to.not.include(host.namespace);
    await other.close();
  });
});
