import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser, type PageEvent } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { Relay } from '../support/relay.ts';
import { loudMs } from '../support/sound.ts';
import { BRIEFLY_GREETING, startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

/** Signalling goes through a relay, so that a server can be full, hang, and drain; media, SDK and page are the real ones. */
describe('a call among several servers', function () {
  this.timeout(90_000);
  let server: TalkingServer;
  let relay: Relay;
  let browser: Browser;
  let call: CallPage;

  before(async () => {
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(() => browser?.close());

  beforeEach(async () => {
    server = await startTalkingServer(BRIEFLY_GREETING);
    relay = await Relay.start(server.url);
    call = await CallPage.open(browser, relay.url, 'spoken');
  });

  afterEach(async () => {
    await call.page.close();
    await relay.close();
    await server.close();
  });

  const words = () => call.page.textContent('#state');
  const last = async () => (await call.events()).at(-1)!;
  const state = (name: string, after?: PageEvent) =>
    call.event('stateChanged', { with: { state: name }, ...(after && { after }), timeoutMs: 30_000 });

  async function typeAndHear(): Promise<void> {
    const before = await last();
    await call.page.fill('#say', 'Can you hear me again?');
    await call.page.press('#say', 'Enter');
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: before });
    await call.event('agentState', { with: { state: 'listening' }, after: speaking });
    await call.hears(700, speaking.heardMs - 100);
  }

  async function otherSession(): Promise<string> {
    const answer = await fetch(`${server.url}demo/sessions`, { method: 'POST' });
    return ((await answer.json()) as { token: string }).token;
  }

  it('waits in the queue, says so, and begins by itself', async () => {
    relay.answerJoin = ({ media: _media, ...answer }) => ({ ...answer, queued: 3 });
    await call.page.click('#talk');
    await state('queued');
    expect(await words()).to.equal('Number 3 in line');
    relay.tell('queued', { position: 1 });
    await eventually(async () => (await words()) === 'You are next');
    relay.move('placed', relay.joined.media!);
    await state('connected');
    await call.greeted();
    expect(await words()).to.equal('Listening');
  });

  it('lets the caller leave the queue', async () => {
    relay.answerJoin = ({ media: _media, ...answer }) => ({ ...answer, queued: 2 });
    await call.page.click('#talk');
    await state('queued');
    await call.page.waitForTimeout(450);
    await call.page.keyboard.press('Enter');
    await call.page.waitForSelector('body[data-state="ended"]');
    expect(await words()).to.equal('The call has ended');
  });

  it('asks a server again that has no room just now, and says so', async () => {
    let refusals = 3;
    relay.answerJoin = (answer) =>
      refusals-- > 0 ? { ok: false, error: { code: 'server_busy', message: 'Full.' } } : answer;
    await call.page.click('#talk');
    await call.event('busy');
    expect(await words()).to.equal('The server is busy');
    await state('connected');
    await call.greeted();
    expect(relay.connections).to.equal(4);
  });

  it('makes another connection when the server hangs with its media, and tells once what it had not delivered', async () => {
    await call.startCall();
    const undelivered = {
      turnId: 't9',
      role: 'user',
      text: 'Undelivered.',
      final: true,
      startMs: 9,
      endMs: 99,
    } as const;
    relay.answerJoin = (answer) => ({ ...answer, transcript: [...answer.transcript, undelivered] });
    const before = await last();
    relay.hang();
    process.kill(server.media.mediaWorkerPids[0]!, 'SIGKILL');
    const lost = await state('reconnecting', before);
    await state('connected', lost);
    expect(relay.connections).to.be.at.least(2);
    const told = (await call.events()).filter(({ data, name }) => name === 'transcript' && data['final'] === true);
    expect(told.map(({ data }) => [data['role'], data['turnId'] === 't9'])).to.deep.equal([
      ['agent', false],
      ['user', true],
    ]);
    await typeAndHear();
  });

  it('goes over to another server without a word lost while its own one drains', async () => {
    await call.startCall();
    const id = relay.joined.session.id;
    const before = await last();
    await relay.drain(await otherSession());
    await call.event('moving', { with: { reason: 'drain' }, after: before });

    // The other one greets as soon as its transports stand, and nobody is to hear that.
    await eventually(() => relay.unheard('agent-state').some((event) => event['state'] === 'speaking'), 10_000);
    const fromMs = await call.now();
    await call.listen(1500);
    expect(loudMs(await call.heard(fromMs)), 'ms of the server that stands by').to.equal(0);
    expect(await words(), 'nothing is interrupted').to.equal('Listening');

    const { endMs } = await call.say(await fixtureSpeech({ text: 'Do both of you hear me?' }));
    await call.event('turn', { after: before });
    await call.listen(Math.max(0, endMs - (await call.now())));
    expect(relay.unheard('speech'), 'heard by the other one as well').not.to.deep.equal([]);

    relay.takeOver();
    const moved = await call.event('moved', { with: { reason: 'drain' }, after: before });
    expect(await call.page.evaluate('parley.statistics()')).to.include({ moves: 1, pod: 'pod-2' });
    await typeAndHear();
    await call.say(await fixtureSpeech({ text: 'And now?' }));
    await call.event('turn', { after: moved });
    await eventually(() => server.media.find(id)?.client.isPresent === false, 10_000);
  });

  it('stays where it is, without a word, when the other server cannot be reached', async () => {
    await call.startCall();
    const before = await last();
    const { media } = relay.joined;
    relay.move('drain', {
      ...media!,
      send: { ...media!.send, id: 'nowhere' },
      receive: { ...media!.receive, id: 'no' },
    });
    const moving = await state('moving', before);
    await state('connected', moving);
    await typeAndHear();
    const told = (await call.events()).slice(before.index + 1).map(({ name }) => name);
    expect(told).not.to.include.members(['error']);
    expect(told).not.to.include.members(['moved']);
  });
});
