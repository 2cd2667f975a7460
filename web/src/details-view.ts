import type { ConnectTimings, ParleyClient, Statistics } from '../../client-sdk/src/index.ts';
import { duration } from './durations.ts';
import { elements } from './elements.ts';

/** Often enough to watch a network change, seldom enough to read. */
const refreshMs = 1000;

const steps: [keyof ConnectTimings, string][] = [
  ['tokenMs', 'Session opened'],
  ['microphoneMs', 'Microphone'],
  ['helloMs', 'Signalling'],
  ['joinedMs', 'Joined'],
  ['producedMs', 'Microphone accepted'],
  ['receiveConnectedMs', 'Agent’s line connected'],
  ['sendConnectedMs', 'Your line connected'],
  ['firstAudioMs', 'Agent first heard'],
];

/** The numbers of the connection, while the drawer is open. */
export class DetailsView {
  readonly #client: () => ParleyClient | undefined;

  constructor(client: () => ParleyClient | undefined) {
    this.#client = client;
  }

  start(): void {
    setInterval(() => {
      if (elements.details.open) void this.#refresh();
    }, refreshMs);
    elements.details.addEventListener('toggle', () => void this.#refresh());
    void this.#refresh();
  }

  async #refresh(): Promise<void> {
    const client = this.#client();
    // What was measured last stays to be read after the call.
    if (client?.state === 'disconnected' && elements.figures.childElementCount > 0) return;
    show(figuresOf(await client?.statistics().catch(() => undefined), client?.session?.id));
  }
}

function figuresOf(statistics: Statistics | undefined, sessionId: string | undefined): [string, string][] {
  const { connecting, packetsLost, packetsReceived, protocol } = statistics ?? {};
  const lost =
    packetsLost !== undefined && packetsReceived
      ? `${packetsLost} of ${packetsReceived + packetsLost} (${((100 * packetsLost) / (packetsReceived + packetsLost)).toFixed(1)} %)`
      : '–';
  return [
    ['Round trip', ms(statistics?.roundTripMs)],
    ['Agent’s packets lost', lost],
    ['Jitter', ms(statistics?.jitterMs)],
    ['Playout buffer', ms(statistics?.bufferMs)],
    ...voiceOf(statistics),
    ['Transport', protocol?.toUpperCase() ?? '–'],
    ['Session', sessionId ?? '–'],
    ['Server', statistics?.pod ?? '–'],
    ['Moved to other transports', String(statistics?.moves ?? '–')],
    ['Epoch', statistics?.epoch ? String(statistics.epoch) : '–'],
    ...inOrderOfTime(connecting).map(([label, atMs]): [string, string] => [
      label,
      atMs === undefined ? '–' : `after ${duration(atMs)}`,
    ]),
  ];
}

/** What the server says of the caller's packets. */
function voiceOf({ atServer }: Pick<Statistics, 'atServer'> = {}): [string, string][] {
  const { packetsLost = 0, packetsRecovered, packetsReceived = 0, waitMs } = atServer ?? {};
  return [
    ['Your packets lost', atServer ? `${packetsLost} of ${packetsReceived + packetsLost}` : '–'],
    ['Sent again in time', String(packetsRecovered ?? '–')],
    ['Server waits for one', ms(waitMs)],
  ];
}

/** Steps overtake each other from call to call; those that were not reached come last. */
function inOrderOfTime(connecting: ConnectTimings | undefined): [string, number | undefined][] {
  return steps
    .map(([step, label]): [string, number | undefined] => [label, connecting?.[step]])
    .sort(([, a = Infinity], [, b = Infinity]) => (a === b ? 0 : a - b));
}

function ms(value: number | undefined): string {
  return value === undefined ? '–' : duration(value);
}

function show(figures: [string, string][]): void {
  const list = elements.figures;
  if (list.childElementCount !== figures.length) {
    list.replaceChildren(
      ...figures.map(() => {
        const group = document.createElement('div');
        group.append(document.createElement('dt'), document.createElement('dd'));
        return group;
      }),
    );
  }
  figures.forEach(([label, value], index) => {
    for (const [tag, text] of [
      ['dt', label],
      ['dd', value],
    ] as const) {
      const element = list.children[index]?.querySelector(tag);
      if (element && element.textContent !== text) element.textContent = text;
    }
  });
}
