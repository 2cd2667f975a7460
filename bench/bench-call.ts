/** One call of the measurement: greeted, answered, cut in on, in a real browser. */
import type { Browser, Page } from 'playwright-core';
import { CallPage } from '../test/support/browser.ts';
import { fixtureSpeech } from '../test/support/fixture-speech.ts';
import type { CallNotes } from './call-figures.ts';

const SENTENCE = 'Good morning, I would like to hear how long I have to wait for you.';
const CUT_IN = 'Please stop now, there is something else that I have to say to you.';
/** Into the reply: the agent plays back what it heard, which goes on for longer than this. */
const CUT_IN_AFTER_MS = 1200;
/** What is recorded is handed over in pieces of some ms; the last of them are on their way. */
const RECORDER_LAG_MS = 300;

export async function benchCall(browser: Browser, url: string): Promise<CallNotes> {
  const call = await CallPage.open(browser, url, 'spoken');
  try {
    await openRealMicrophoneToo(call.page);
    await noteClick(call.page);
    return await talk(call);
  } finally {
    await call.page.close();
  }
}

async function talk(call: CallPage): Promise<CallNotes> {
  await call.startCall();
  const clickMs = await call.page.evaluate(() => (globalThis as unknown as { clickMs: number }).clickMs);
  const greeting = await call.heard(clickMs);
  const greeted = (await call.events()).at(-1)!;

  const sentence = await call.say(await fixtureSpeech({ text: SENTENCE }));
  const turn = await call.event('turn', { after: greeted });
  await call.event('agentState', { with: { state: 'speaking' }, after: turn });
  await call.listen(CUT_IN_AFTER_MS);
  const reply = await call.heard(sentence.startMs);

  const cutIn = await call.say(await fixtureSpeech({ text: CUT_IN }));
  const next = await call.event('turn', { after: turn });
  await call.listen(RECORDER_LAG_MS);
  const cutOff = await call.heard(cutIn.startMs, next.heardMs);
  return {
    clickMs,
    tokenRequestMs: await tokenRequestMs(call.page),
    connecting: await connectTimings(call.page),
    events: await call.events(),
    greeting,
    sentence,
    reply,
    cutIn,
    cutOff,
  };
}

/** The caller's voice is the test's, but the browser's own microphone takes its time to open, as people's does. */
async function openRealMicrophoneToo(page: Page): Promise<void> {
  await page.evaluate(() => {
    type Devices = { getUserMedia: (constraints: object) => Promise<object> };
    const { mediaDevices } = (globalThis as unknown as { navigator: { mediaDevices: Devices } }).navigator;
    const spoken = mediaDevices.getUserMedia;
    const own = (Object.getPrototypeOf(mediaDevices) as Devices).getUserMedia;
    mediaDevices.getUserMedia = async (constraints) => {
      await own.call(mediaDevices, constraints);
      return spoken(constraints);
    };
  });
}

async function noteClick(page: Page): Promise<void> {
  await page.evaluate(() => {
    type Target = {
      addEventListener: (name: string, listener: (event: { timeStamp: number }) => void, capture: boolean) => void;
    };
    const { document } = globalThis as unknown as { document: Target };
    document.addEventListener('click', ({ timeStamp }) => Object.assign(globalThis, { clickMs: timeStamp }), true);
  });
}

function tokenRequestMs(page: Page): Promise<number> {
  return page.evaluate(() => {
    const requests = performance.getEntriesByType('resource') as unknown as { name: string; duration: number }[];
    return requests.find(({ name }) => name.endsWith('/demo/sessions'))?.duration ?? NaN;
  });
}

function connectTimings(page: Page): Promise<CallNotes['connecting']> {
  return page.evaluate(async () => {
    type Client = { statistics: () => Promise<{ connecting: CallNotes['connecting'] }> };
    return (await (globalThis as unknown as { parley: Client }).parley.statistics()).connecting;
  });
}
