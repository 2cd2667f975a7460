import { expect } from 'chai';
import { CallPage } from './browser.ts';
import { eventually } from './eventually.ts';
import { Fleet } from './fleet.ts';
import { Network } from './network.ts';

describe('a fleet for tests', function () {
  this.timeout(120_000);
  let fleet: Fleet;

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({ pods: 2 });
  });

  after(() => fleet?.close());

  it('answers under one address, and each server under its own', async () => {
    const urls = [fleet.url, ...fleet.pods.map(({ url }) => url)];
    const answers = await Promise.all(urls.map((url) => fleet.request('GET', '/health', undefined, url)));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
  });

  it('is heard by a browser on a host of its own', async () => {
    const browser = await fleet.browser({ autoplay: 'allowed' });
    // Sessions do not outlive servers here: the page stays with one.
    const call = await CallPage.open(browser, `${fleet.pods[0]!.url}/`);
    await call.startCall();
    await call.hears(500, 0);
    await browser.close();
  });

  it('goes on under its one address when a server is killed, and takes it back', async () => {
    const [, second] = fleet.pods;
    await second!.process.kill();
    const asked = await Promise.all(Array.from({ length: 6 }, () => fleet.request('GET', '/health/live')));
    expect(asked.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200, 200]);
    const again = await fleet.restart(1);
    expect(again.url).to.equal(second!.url);
    expect((await fleet.request('GET', '/health/live', undefined, again.url)).status).to.equal(200);
  });

  it('has servers that hang, and go on', async () => {
    const [first] = fleet.pods;
    const alive = async () =>
      fetch(`${first!.url}/health/live`, { signal: AbortSignal.timeout(500) }).then(
        ({ ok }) => ok,
        () => false,
      );
    await first!.process.freeze();
    expect(await alive()).to.equal(false);
    await first!.process.thaw();
    await eventually(alive);
  });

  it('has servers that end in good order, and say so', async () => {
    const [first] = fleet.pods;
    expect(await first!.process.stop()).to.deep.equal({ code: 0, signal: null });
    expect(first!.log().at(-1)?.['msg']).to.equal('closed');
  });
});
