import { expect } from 'chai';
import { isOtherNetwork, plain } from '../../client-sdk/src/host-addresses.ts';

describe('another network', () => {
  const other = (then: string[], now: string[]) => isOtherNetwork(new Set(then), new Set(now));

  it('shows in an address that has gone or come', () => {
    expect(other(['192.168.1.5'], ['10.0.0.7'])).to.equal(true);
    expect(other(['192.168.1.5', '172.17.0.1'], ['172.17.0.1'])).to.equal(true);
    expect(other(['172.17.0.1'], ['172.17.0.1', '10.0.0.7'])).to.equal(true);
  });

  it('is not concluded from the same addresses, in whichever order', () => {
    expect(other(['192.168.1.5', 'fd00::5'], ['fd00::5', '192.168.1.5'])).to.equal(false);
  });

  it('is not concluded where addresses are not known, or there are none', () => {
    expect(other([], ['10.0.0.7'])).to.equal(false);
    expect(other(['10.0.0.7'], [])).to.equal(false);
  });

  it('knows names that stand for addresses, which are new each time', () => {
    expect([...plain(['0b2c.local', '10.0.0.7'])]).to.deep.equal(['10.0.0.7']);
  });
});
