import { expect } from 'chai';
import { StepFailedError } from '../../scripts/setup/steps.mjs';
import {
  installAdvice,
  missingNeeds,
  satisfyNeeds,
  testNeedsWhere,
  workerBuildNeeds,
} from '../../scripts/setup/system-needs.mjs';

type Need = (typeof workerBuildNeeds)[number];

/** A machine that has just these packages of Debian's, and where nothing is ours to install. */
function machineWith(...present: string[]) {
  return { has: (need: Need) => Promise.resolve(present.includes(need.debian)), installsByApt: false };
}

const noReport = () => {};

describe('what the machine needs', () => {
  it('is nothing where all of it is there', async () => {
    const all = workerBuildNeeds.map((need) => need.debian);
    expect(await missingNeeds(workerBuildNeeds, machineWith(...all))).to.be.empty;
    expect(await satisfyNeeds(workerBuildNeeds, '', machineWith(...all), noReport)).to.be.undefined;
  });

  it('is named completely in one message when it cannot be installed', async () => {
    const machine = machineWith('g++', 'pkg-config', 'libssl-dev');
    const failure = await satisfyNeeds(workerBuildNeeds, 'to build', machine, noReport).catch(
      (error: unknown) => error,
    );
    if (!(failure instanceof StepFailedError)) throw new Error('it did not fail');
    expect(failure.message).to.match(/^not on this machine to build: meson, ninja-build, /);
    expect(failure.remedy).to.contain(
      'sudo apt-get install -y meson ninja-build flatbuffers-compiler libflatbuffers-dev libuv1-dev libsrtp2-dev libabsl-dev',
    );
    expect(failure.remedy).to.contain('the programs meson, ninja, flatc');
    expect(failure.remedy).to.contain('flatbuffers, libuv, libsrtp2, absl_flat_hash_map');
  });

  it('for tests is a Chromium, the servers that they start, and shellcheck', async () => {
    const failure = await satisfyNeeds(testNeedsWhere(false), 'for the tests', machineWith('chromium'), noReport).catch(
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(StepFailedError);
    expect(String(failure)).to.contain('redis-server, haproxy, shellcheck');
  });

  it('for tests that make networks, as root on Linux, is what makes them; elsewhere it is mentioned', async () => {
    const machine = machineWith('chromium', 'redis-server', 'haproxy', 'shellcheck');
    const note = await satisfyNeeds(testNeedsWhere(false), 'for the tests', machine, noReport);
    expect(note).to.equal('not found, which nothing fails for: iproute2, nftables');
    const failure = await satisfyNeeds(testNeedsWhere(true), 'for the tests', machine, noReport).catch(String);
    expect(failure).to.contain('iproute2, nftables');
  });

  it('is described without libraries where only programs are missing', () => {
    expect(installAdvice([{ debian: 'haproxy', programs: ['haproxy', '/usr/sbin/haproxy'] }])).to.equal(
      'on Debian or Ubuntu: sudo apt-get install -y haproxy; elsewhere install the programs haproxy',
    );
  });
});
