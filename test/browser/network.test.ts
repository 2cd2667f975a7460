import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, type PageEvent } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';
import type { NetworkHost } from '../support/network-host.ts';
import { BRIEFLY_GREETING } from '../support/talking-server.ts';

describe('a call over a network that', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  let browser: Browser & { host: NetworkHost };
  let call: CallPage;

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({ pods: 1, redis: false, balancer: false, environment: BRIEFLY_GREETING });
  });

  after(() => fleet?.close());

  beforeEach(async () => {
    browser = await fleet.browser({ autoplay: 'allowed' });
    call = await CallPage.open(browser, `${fleet.url}/`, 'spoken');
    await call.startCall();
  });

  afterEach(() => browser?.close());

  const server = () => fleet.pods[0]!;
  const reports = () =>
    server()
      .log()
      .filter(({ code }) => code === 'client_hears_nothing').length;

  /** Has the agent count to twenty, which takes it some 20 s. */
  async function beginCounting(): Promise<PageEvent> {
    const before = (await call.events()).at(-1)!;
    await call.page.fill('#say', 'count');
    await call.page.press('#say', 'Enter');
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: before });
    await call.listen(1500);
    return speaking;
  }

  /** Says something, and cuts the answer short. @returns how long the speech was, and was taken to be, in ms */
  async function sayAndBeHeard(text: string): Promise<{ saidMs: number; heardMs: number }> {
    const before = (await call.events()).at(-1)!;
    const speech = await fixtureSpeech({ text });
    await call.say(speech);
    const turn = await call.event('turn', { after: before });
    const answer = await call.event('agentState', { with: { state: 'speaking' }, after: turn });
    await silenceAgent(answer);
    return { saidMs: speech.length / 48, heardMs: Number(turn.data['speechMs']) };
  }

  /** @param speaking when it began */
  async function silenceAgent(speaking: PageEvent): Promise<void> {
    // On a busy machine it may have come to its end by itself, and then the button cannot be pressed.
    await call.page.click('#interrupt', { timeout: 2_000 }).catch(() => undefined);
    await call.event('agentState', { with: { state: 'listening' }, after: speaking, timeoutMs: 30_000 });
  }

  /** The agent, which was cut off, is heard again and hears. */
  async function expectGoingOn(counting: PageEvent, address: string): Promise<void> {
    const joined = await call.event('joined', { after: counting, timeoutMs: 20_000 });
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: joined });
    await call.hears(800, speaking.heardMs);
    const addresses = (await call.rtcStatistics('local-candidate')).map(({ address: own }) => own);
    expect(addresses).to.include(address);
    await silenceAgent(speaking);
    await sayAndBeHeard('Can you hear me over this other network?');
  }

  it('changes under it goes on over the new one', async () => {
    const counting = await beginCounting();
    const { address } = browser.host;
    const next = await browser.host.addLink();
    await browser.host.removeLink(address);
    await expectGoingOn(counting, next);
  });

  it('goes away, and another one comes, goes on over that', async () => {
    const counting = await beginCounting();
    await browser.host.removeLink(browser.host.address);
    await call.event('audioLost', { after: counting });
    await call.listen(1500);
    await expectGoingOn(counting, await browser.host.addLink());
  });

  it('lets nothing of the agent through tells the server after a second, and the call goes on when it does again', async () => {
    const counting = await beginCounting();
    const had = reports();
    await fleet.network.cut(browser.host, server().host, 'udp');
    const lost = await call.event('audioLost', { after: counting });
    expect(Number(lost.data['forMs'])).to.be.at.least(1000);
    // The next second's report comes after the answer to this one.
    await call.event('audioLost', { after: lost });
    await eventually(() => reports() > had);
    await fleet.network.heal(browser.host, server().host);
    const back = await call.event('audioBack', { after: lost });
    await call.hears(600, back.heardMs);
    await silenceAgent(counting);
    await sayAndBeHeard('And can you hear me again as well?');
  });

  it('loses one packet in twenty, each way, is repaired by retransmissions', async () => {
    await fleet.network.loss(browser.host, 5, 'udp');
    const counting = await beginCounting();
    await call.listen(8000);
    const [received] = await call.rtcStatistics('inbound-rtp');
    expect(received?.['nackCount'], 'times the browser asked for packets again').to.be.above(0);
    const { packetsLost = 0, packetsReceived = 0 } = received as Record<string, number>;
    expect(packetsReceived).to.be.above(400);
    // Unrepaired it would be 5 %, which as many packets bring below 2 % by three standard deviations.
    expect(packetsLost / (packetsLost + packetsReceived), 'part that stayed lost').to.be.below(0.02);
    await silenceAgent(counting);
    for (const text of [
      'This is the first sentence that I am going to say.',
      'And here is the second one, a little longer.',
    ]) {
      const { saidMs, heardMs } = await sayAndBeHeard(text);
      expect(heardMs).to.be.within(saidMs - 400, saidMs + 400);
    }
    const [sent] = await call.rtcStatistics('outbound-rtp');
    expect(sent?.['nackCount'], 'times the server asked for packets again').to.be.above(0);
    expect(sent?.['retransmittedPacketsSent'], 'packets sent again').to.be.above(0);
    await fleet.network.loss(browser.host, 0);
  });
});
