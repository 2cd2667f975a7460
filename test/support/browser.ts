/** A real Chromium for tests: Debian's, or the Chrome of the machine, with a microphone that hears a file. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

const CANDIDATES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export type BrowserOptions = {
  /** A WAV file that the microphone hears once from the moment it is opened; absent: a beep now and then. */
  microphoneFile?: string;
  /** `denied`: the browser refuses the microphone. */
  microphone?: 'allowed' | 'denied';
  /** `blocked`: sound needs a click first, as for people. */
  autoplay?: 'allowed' | 'blocked';
};

/** Starts a browser. `chrome.close()` ends it. */
export async function launchBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const executablePath = CANDIDATES.find((path) => existsSync(path));
  if (!executablePath) throw new Error('Chromium is missing; `npm test` installs it or says what to install.');
  const { microphoneFile, microphone = 'allowed', autoplay = 'blocked' } = options;
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      ...(microphone === 'allowed' ? ['--use-fake-ui-for-media-stream'] : ['--deny-permission-prompts']),
      ...(microphoneFile ? [`--use-file-for-fake-audio-capture=${microphoneFile}%noloop`] : []),
      ...(autoplay === 'allowed' ? ['--autoplay-policy=no-user-gesture-required'] : []),
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** What happened in a page's call, in the order in which it came; `heardMs` on the page's clock. */
export type PageEvent = { name: string; data: Record<string, unknown>; heardMs: number };

const EVENTS = [
  'stateChanged',
  'joined',
  'transcript',
  'agentState',
  'userStartedSpeaking',
  'userStoppedSpeaking',
  'agentStartedSpeaking',
  'agentStoppedSpeaking',
  'turn',
  'microphoneChanged',
  'playbackChanged',
  'audioLost',
  'audioBack',
  'ended',
  'error',
] as const;

/** The page as a test drives it. */
export class CallPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  static async open(browser: Browser, url: string): Promise<CallPage> {
    const page = await browser.newPage({ bypassCSP: true });
    await page.addInitScript(recordCalls, EVENTS as unknown as string[]);
    await page.goto(url);
    return new CallPage(page);
  }

  /** Everything recorded so far. */
  events(): Promise<PageEvent[]> {
    return this.page.evaluate(() => (window as unknown as { recorded: PageEvent[] }).recorded);
  }

  /** Waits for an event that `matches`; the first that came, unless `from` says where to begin. */
  async event(
    name: string,
    matches: Record<string, unknown> = {},
    from = 0,
    timeoutMs = 15_000,
  ): Promise<PageEvent & { index: number }> {
    const handle = await this.page.waitForFunction(
      ({ name, matches, from }) => {
        const recorded = (window as unknown as { recorded: PageEvent[] }).recorded;
        const index = recorded.findIndex(
          (event, at) =>
            at >= from &&
            event.name === name &&
            Object.entries(matches).every(([key, value]) => event.data[key] === value),
        );
        return index < 0 ? undefined : { ...recorded[index]!, index };
      },
      { name, matches, from },
      { timeout: timeoutMs, polling: 50 },
    );
    return (await handle.jsonValue()) as PageEvent & { index: number };
  }

  /** What the agent sounded like from `fromMs` to `toMs` on the page's clock: samples at `rateHz`. */
  async heard(fromMs = 0, toMs = Infinity): Promise<{ samples: Float32Array; rateHz: number; startMs: number }> {
    const { base64, rateHz, startMs } = await this.page.evaluate(takeSound, { fromMs, toMs: Math.min(toMs, 1e12) });
    const bytes = Buffer.from(base64, 'base64');
    const samples = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    return { samples, rateHz, startMs };
  }

  /** The page's clock, in ms. */
  now(): Promise<number> {
    return this.page.evaluate(() => performance.now());
  }
}

/** Runs in the page before its own code: notes the events of each call, and records what the agent sounds like. */
function recordCalls(names: string[]): void {
  type Client = {
    on: (name: string, listener: (data: Record<string, unknown>) => void) => void;
    audio: { context: AudioContext; agent: AudioNode };
  };
  const recorded: { name: string; data: Record<string, unknown>; heardMs: number }[] = [];
  const sound: { startMs: number; samples: Float32Array }[] = [];
  Object.assign(window, { recorded, sound, soundRateHz: 48_000 });
  const record = async ({ audio }: Client): Promise<void> => {
    const { context, agent } = audio;
    const source = `registerProcessor('ear', class extends AudioWorkletProcessor {
      process([input]) { if (input[0]) this.port.postMessage({ at: currentTime, samples: input[0].slice() }); return true; } });`;
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(source)}`);
    const ear = new AudioWorkletNode(context, 'ear');
    agent.connect(ear);
    Object.assign(window, { soundRateHz: context.sampleRate });
    ear.port.onmessage = ({ data }: MessageEvent<{ at: number; samples: Float32Array }>) => {
      const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
      sound.push({ startMs: performanceTime + (data.at - contextTime) * 1000, samples: data.samples });
    };
  };
  let client: Client | undefined;
  Object.defineProperty(window, 'parley', {
    get: () => client,
    set: (next: Client) => {
      client = next;
      for (const name of names) {
        next.on(name, (data) => {
          const plain =
            data instanceof Error ? { code: (data as { code?: string }).code, message: data.message } : data;
          recorded.push({ name, data: JSON.parse(JSON.stringify(plain ?? {})), heardMs: performance.now() });
        });
      }
      let recording = false;
      next.on('joined', () => {
        if (recording) return;
        recording = true;
        record(next).catch((error: unknown) =>
          recorded.push({ name: 'recorder-failed', data: { message: String(error) }, heardMs: 0 }),
        );
      });
    },
  });
}

/** Runs in the page: the recorded sound of a stretch of time, as base64 of 32-bit floats. */
function takeSound({ fromMs, toMs }: { fromMs: number; toMs: number }) {
  const { sound, soundRateHz } = window as unknown as {
    sound: { startMs: number; samples: Float32Array }[];
    soundRateHz: number;
  };
  const taken = sound.filter(({ startMs }) => startMs >= fromMs && startMs < toMs);
  const length = taken.reduce((sum, { samples }) => sum + samples.length, 0);
  const all = new Float32Array(length);
  let at = 0;
  for (const { samples } of taken) {
    all.set(samples, at);
    at += samples.length;
  }
  let binary = '';
  const bytes = new Uint8Array(all.buffer);
  for (let index = 0; index < bytes.length; index += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(index, index + 0x8000));
  }
  return { base64: btoa(binary), rateHz: soundRateHz, startMs: taken[0]?.startMs ?? 0 };
}
