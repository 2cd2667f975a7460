import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage } from '../support/browser.ts';
import { Fleet } from '../support/fleet.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { Network } from '../support/network.ts';

const TEXT = ['one', 'two', 'three', 'four', 'five', 'six'].map((n) => `This is line number ${n}.`).join(' ');
const PATIENCE_MS = 30_000;

describe('the page, when the server that has its call is killed', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  let browser: Browser;

  before(async function () {
    Network.skipWithout(this);
    fleet = await Fleet.start({ pods: 3 });
    browser = await fleet.browser({ autoplay: 'allowed' });
  });

  after(() => fleet?.close());

  it('shows it for as long as it lasts, and the agent goes on in another server', async () => {
    const call = await CallPage.open(browser, `${fleet.url}/`, 'spoken');
    await noteWordsShown(call);
    await call.startCall();
    const listening = (await call.events()).at(-1)!;
    await call.page.fill('#say', TEXT);
    await call.page.press('#say', 'Enter');
    await call.event('agentState', { with: { state: 'speaking' }, after: listening });
    await call.listen(2500);
    const podOf = () => call.page.evaluate('parley.statistics().then(({ pod }) => pod)') as Promise<string>;
    const former = await podOf();
    const before = (await call.events()).at(-1)!;
    await fleet.pods.find(({ id }) => id === former)!.process.kill();

    const later = { timeoutMs: PATIENCE_MS };
    // `reconnecting` where its socket was on that server, `moving` where another one passed its signalling on.
    const lost = await call.event('stateChanged', { after: before, ...later });
    expect(lost.data['state']).to.be.oneOf(['reconnecting', 'moving']);
    await call.event('stateChanged', { with: { state: 'connected' }, after: lost, ...later });
    const shown = (await call.page.evaluate('wordsShown')) as string[];
    const words = ['Reconnecting…', 'Moving…', 'No sound arrives'];
    expect(
      shown.some((word) => words.includes(word)),
      `shown: ${shown.join(', ')}`,
    ).to.equal(true);
    const again = await call.event('agentState', { with: { state: 'speaking' }, after: lost, ...later });
    // It may have come to the end of the text by then.
    expect(await call.page.textContent('#state'), 'shown once it is over').to.be.oneOf(['Speaking', 'Listening']);
    const done = await call.event('agentState', { with: { state: 'listening' }, after: again, ...later });
    await call.hears(2000, again.heardMs - 100);
    expect(await podOf()).not.to.equal(former);

    await call.say(await fixtureSpeech({ text: 'And can you still hear me?' }));
    const turn = await call.event('turn', { after: done, ...later });
    await call.event('agentState', { with: { state: 'speaking' }, after: turn, ...later });
    await call.page.close();
  });
});

/** Words that are shown for less long than a test takes to look are noted in the page. */
function noteWordsShown({ page }: CallPage): Promise<void> {
  return page.evaluate(`
    globalThis.wordsShown = [];
    const state = document.querySelector('#state');
    new MutationObserver(() => wordsShown.push(state.textContent))
      .observe(state, { childList: true, characterData: true, subtree: true });
  `);
}
