/** A real Chromium for tests: Debian's, or the Chrome of the machine, with a microphone that hears a file. */
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { chromium, type Browser, type Page } from 'playwright-core';
import { chromiumPrograms, findProgram } from '../../scripts/setup/system-needs.mjs';
import { becomes } from './becomes.ts';
import type { NetworkHost } from './network-host.ts';
import { loudMs } from './sound.ts';

const RECORDER = fileURLToPath(new URL('page-recorder.js', import.meta.url));

export type BrowserOptions = {
  /** A WAV file that the microphone hears once from the moment it is opened; absent: a beep now and then. */
  microphoneFile?: string;
  /** `denied`: the browser refuses the microphone. Default: allowed. */
  microphone?: 'allowed' | 'denied';
  /** `allowed`: sound needs no click first. Default: blocked, as for people. */
  autoplay?: 'allowed' | 'blocked';
  /** The host of a test's network on which it runs. Default: this machine. */
  host?: NetworkHost;
  /** Origins without HTTPS that may use the microphone all the same. */
  trusted?: readonly string[];
};

/** Starts a browser; `close()` ends it. */
export async function launchBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const executablePath = findProgram(chromiumPrograms);
  if (!executablePath) throw new Error('Chromium is missing; `npm test` installs it or says what to install.');
  const { microphoneFile, microphone = 'allowed', autoplay = 'blocked', host, trusted } = options;
  return chromium.launch({
    executablePath: host ? await host.wrapperOf(executablePath) : executablePath,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      microphone === 'allowed' ? '--use-fake-ui-for-media-stream' : '--deny-permission-prompts',
      ...(microphoneFile ? [`--use-file-for-fake-audio-capture=${microphoneFile}%noloop`] : []),
      ...(autoplay === 'allowed' ? ['--autoplay-policy=no-user-gesture-required'] : []),
      ...(trusted ? [`--unsafely-treat-insecure-origin-as-secure=${trusted.join(',')}`] : []),
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** Something that happened in a page's call; `heardMs` on the page's clock, `index` its place in their order. */
export type PageEvent = { name: string; data: Record<string, unknown>; heardMs: number; index: number };

/** What a page heard: `startMs` on the page's clock. */
export type HeardSound = { samples: Float32Array; rateHz: number; startMs: number };

/** One entry of the browser's `getStats()`; which numbers it has depends on its type. */
export type RtcStatistics = { type: string; state?: string } & Record<string, number>;

type RecorderWindow = {
  callRecorder: {
    events: () => Omit<PageEvent, 'index'>[];
    find: (name: string, values: Record<string, unknown>, from: number) => PageEvent | undefined;
    openVoice: () => void;
    connect: () => Promise<void>;
    rtcStatistics: () => Promise<RtcStatistics[]>;
    say: (base64: string) => { startMs: number; endMs: number };
    sound: (fromMs: number, toMs: number) => { base64: string; rateHz: number; startMs: number };
  };
};

export type EventQuery = {
  /** Values that the event's data must have. */
  with?: Record<string, unknown>;
  /** Only events after this one. */
  after?: PageEvent;
  /** Default: 15,000. */
  timeoutMs?: number;
};

/** The page as a test drives it. */
export class CallPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** @param voice `spoken`: the microphone hears what the test says with `say`, in place of the browser's own */
  static async open(browser: Browser, url: string, voice: 'spoken' | 'own' = 'own'): Promise<CallPage> {
    // The recorder's audio worklet is no part of the page, whose policy would refuse it.
    const page = await browser.newPage({ bypassCSP: true });
    await page.addInitScript({ path: RECORDER });
    await page.goto(url);
    if (voice === 'spoken') {
      await page.evaluate(() => (globalThis as unknown as RecorderWindow).callRecorder.openVoice());
    }
    return new CallPage(page);
  }

  /** A call with the SDK alone, without the page and its drawing: cheap enough for several at once. */
  static async connectBare(browser: Browser, url: string): Promise<CallPage> {
    const page = await browser.newPage({ bypassCSP: true });
    await page.addInitScript({ path: RECORDER });
    await page.goto(`${url}health`);
    await page.evaluate(() => {
      const { callRecorder } = globalThis as unknown as RecorderWindow;
      callRecorder.openVoice();
      return callRecorder.connect();
    });
    return new CallPage(page);
  }

  /** Presses Talk and waits until the greeting is over. */
  async startCall(): Promise<void> {
    await this.page.click('#talk');
    await this.greeted();
  }

  /** Waits until the greeting is over. */
  async greeted(): Promise<void> {
    const greeting = await this.event('agentState', { with: { state: 'speaking' } });
    await this.event('agentState', { with: { state: 'listening' }, after: greeting });
  }

  /** Says something (48 kHz samples) into the microphone. @returns when, on the page's clock */
  say(samples: Int16Array): Promise<{ startMs: number; endMs: number }> {
    const base64 = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString('base64');
    return this.page.evaluate((spoken) => (globalThis as unknown as RecorderWindow).callRecorder.say(spoken), base64);
  }

  /** What the browser counted about one kind of thing (`inbound-rtp`: the agent, `outbound-rtp`: the caller). */
  async rtcStatistics(type: string): Promise<RtcStatistics[]> {
    const all = await this.page.evaluate(() => (globalThis as unknown as RecorderWindow).callRecorder.rtcStatistics());
    return all.filter((entry) => entry.type === type);
  }

  /** Everything recorded so far, in order. */
  async events(): Promise<PageEvent[]> {
    const events = await this.page.evaluate(() => (globalThis as unknown as RecorderWindow).callRecorder.events());
    return events.map((event, index) => ({ ...event, index }));
  }

  /** Waits for the first event of this name that fits. Rejects with what came instead when there is none in time. */
  async event(name: string, { with: values = {}, after, timeoutMs = 15_000 }: EventQuery = {}): Promise<PageEvent> {
    const query = { name, values, from: after ? after.index + 1 : 0 };
    try {
      const handle = await this.page.waitForFunction(
        (wanted) =>
          (globalThis as unknown as RecorderWindow).callRecorder.find(wanted.name, wanted.values, wanted.from),
        query,
        { timeout: timeoutMs, polling: 20 },
      );
      return (await handle.jsonValue()) as PageEvent;
    } catch (error) {
      const seen = (await this.events()).map((event) => `${event.name} ${JSON.stringify(event.data)}`).slice(-12);
      const wanted = `${name} ${JSON.stringify(values)}`;
      throw new Error(`no ${wanted} within ${timeoutMs} ms; last:\n${seen.join('\n')}`, { cause: error });
    }
  }

  /** What the agent sounded like from `fromMs` to `toMs` on the page's clock. */
  async heard(fromMs = 0, toMs = 1e12): Promise<HeardSound> {
    const { base64, rateHz, startMs } = await this.page.evaluate(
      ([from, to]) => (globalThis as unknown as RecorderWindow).callRecorder.sound(from, to),
      [fromMs, toMs] as const,
    );
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
    return { samples: new Float32Array(bytes.buffer), rateHz, startMs };
  }

  /**
   * Waits until more than `aboveMs` of the agent were heard since `fromMs`: on a busy machine the sound comes later than the
   * event that tells of it.
   */
  async hears(aboveMs: number, fromMs: number): Promise<void> {
    await becomes(async () => {
      const heardMs = loudMs(await this.heard(fromMs));
      if (heardMs <= aboveMs) await this.listen(250);
      expect(heardMs, 'ms of the agent heard').to.be.above(aboveMs);
    }, 10_000);
  }

  /** The page's clock, in ms. */
  now(): Promise<number> {
    return this.page.evaluate(() => performance.now());
  }

  /** Lets time pass in the page: what is heard takes as long as it takes. */
  listen(durationMs: number): Promise<void> {
    return this.page.waitForTimeout(durationMs);
  }
}
