import { expect } from 'chai';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';

type Heard = { state: string; said: string[] };

describe('signalling without WebSockets', function () {
  this.timeout(120_000);
  let fleet: Fleet;

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({
      pods: 2,
      balancer: { pollingOnly: true },
      environment: { SIGNALLING_TRANSPORTS: 'websocket,polling' },
    });
  });

  after(() => fleet?.close());

  it('goes through a balancer that keeps each client to one server', async () => {
    const browser = await fleet.browser({ autoplay: 'allowed' });
    const page = await browser.newPage();
    await page.goto(fleet.url);
    const { token } = await fleet.open({ overrides: { greeting: '' } });
    const heard = await page.evaluate(async (given): Promise<Heard> => {
      const address = '/sdk/parley.js';
      const { ParleyClient } = (await import(address)) as {
        ParleyClient: new (options: object) => {
          state: string;
          connect(): Promise<void>;
          sendText(text: string): Promise<object>;
          on(name: string, listener: (event: { role: string; text: string; final: boolean }) => void): void;
        };
      };
      const client = new ParleyClient({ token: given, microphone: false, longPolling: true });
      const said: string[] = [];
      await client.connect();
      const answered = new Promise<void>((resolve) => {
        client.on('transcript', ({ role, text, final }) => {
          if (role !== 'agent' || !final) return;
          said.push(text);
          resolve();
        });
      });
      await client.sendText('Hello there.');
      await answered;
      return { state: client.state, said };
    }, token);
    expect(heard).to.deep.equal({ state: 'connected', said: ['Hello there.'] });
  });
});
