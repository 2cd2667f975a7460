import { expect } from 'chai';
import { observer } from 'mediasoup';
import type { types } from 'mediasoup';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser } from '../support/browser.ts';
import { BRIEFLY_GREETING, startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

/** Everything that mediasoup makes while the test runs, as its own observers tell. */
class Witness {
  readonly producers: types.Producer[] = [];
  readonly consumers: types.Consumer[] = [];
  readonly #onWorker = (worker: types.Worker) => {
    worker.observer.on('newrouter', (router) => {
      router.observer.on('newtransport', (transport) => {
        transport.observer.on('newproducer', (producer) => this.producers.push(producer));
        transport.observer.on('newconsumer', (consumer) => this.consumers.push(consumer));
      });
    });
  };

  constructor() {
    observer.on('newworker', this.#onWorker);
  }

  close(): void {
    observer.off('newworker', this.#onWorker);
  }
}

describe('what browser and server agree on', function () {
  this.timeout(40_000);
  let witness: Witness;
  let server: TalkingServer;
  let browser: Browser;
  let caller: types.RtpCodecParameters;
  let agent: types.RtpCodecParameters;

  before(async () => {
    witness = new Witness();
    server = await startTalkingServer(BRIEFLY_GREETING);
    browser = await launchBrowser({ autoplay: 'allowed' });
    const call = await CallPage.connectBare(browser, server.url);
    await call.greeted();
    // The browser's producer is the one with a MID; the agent's consumer the one with retransmission.
    caller = witness.producers.find(({ rtpParameters }) => rtpParameters.mid !== undefined)!.rtpParameters.codecs[0]!;
    agent = witness.consumers.find(({ rtpParameters }) => rtpParameters.mid !== undefined)!.rtpParameters.codecs[0]!;
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    witness.close();
  });

  it('is NACK for the caller’s voice and for the agent’s', () => {
    expect(caller.rtcpFeedback).to.deep.include({ type: 'nack', parameter: '' });
    expect(agent.rtcpFeedback).to.deep.include({ type: 'nack', parameter: '' });
  });

  it('is DTX for the caller’s voice', () => {
    expect(caller.parameters).to.include({ usedtx: 1 });
  });

  it('is no in-band FEC, which nobody here decodes', () => {
    expect(caller.parameters?.['useinbandfec'] ?? 0).to.equal(0);
    expect(agent.parameters?.['useinbandfec'] ?? 0).to.equal(0);
  });

  it('is DTX in effect: silence costs a few packets a second', async () => {
    const producer = witness.producers.find(({ rtpParameters }) => rtpParameters.mid !== undefined)!;
    const packets = async () => (await producer.getStats())[0]!.packetCount;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = await packets();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect((await packets()) - before).to.be.below(30);
  });
});
