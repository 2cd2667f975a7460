import type { Statistics } from './types.ts';

/** One entry of an `RTCStatsReport`. Browsers differ in which fields they give. */
export type StatsEntry = { readonly id: string; readonly type: string; readonly [field: string]: unknown };

export type MediaFigures = Omit<Statistics, 'atServer' | 'epoch' | 'pod' | 'moves' | 'connecting'>;

const field = (entry: StatsEntry | undefined, name: string): number | undefined => {
  const value = entry?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

const toMs = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1000);

/**
 * The figures of a call, out of the statistics of its two connections.
 *
 * @param received of the connection that carries the agent's voice
 * @param sent     of the one that carries the caller's; empty without a microphone
 */
export function readStatistics(received: readonly StatsEntry[], sent: readonly StatsEntry[]): MediaFigures {
  const inbound = received.find((entry) => entry.type === 'inbound-rtp');
  const outbound = sent.find((entry) => entry.type === 'outbound-rtp');
  const pair = activePair(received);
  const remote = pair && received.find((entry) => entry.id === pair['remoteCandidateId']);
  const protocol = remote?.['protocol'];
  const figures = {
    roundTripMs: toMs(field(pair, 'currentRoundTripTime')),
    packetsReceived: field(inbound, 'packetsReceived'),
    packetsSent: field(outbound, 'packetsSent'),
    packetsLost: field(inbound, 'packetsLost'),
    jitterMs: toMs(field(inbound, 'jitter')),
    concealedMs: concealedMs(inbound),
    bufferMs: bufferMs(inbound),
    retransmissionsAsked: field(inbound, 'nackCount'),
    retransmissionsSent: field(outbound, 'retransmittedPacketsSent'),
    protocol: typeof protocol === 'string' ? protocol : undefined,
  };
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
}

/** How many packets of the agent have arrived; `undefined` before the first. */
export function packetsReceived(received: readonly StatsEntry[]): number | undefined {
  return field(
    received.find((entry) => entry.type === 'inbound-rtp'),
    'packetsReceived',
  );
}

/** The candidate pair in use: named by the transport, except in Firefox, which marks the pair itself. */
function activePair(entries: readonly StatsEntry[]): StatsEntry | undefined {
  const transport = entries.find((entry) => entry.type === 'transport');
  const chosen = transport?.['selectedCandidatePairId'];
  return entries.find(
    (entry) =>
      entry.type === 'candidate-pair' && (chosen === undefined ? entry['selected'] === true : entry.id === chosen),
  );
}

/** Silence that was stretched between two packets of a pause is no loss, so it does not count. */
function concealedMs(inbound: StatsEntry | undefined): number | undefined {
  const concealed = field(inbound, 'concealedSamples');
  if (concealed === undefined) return undefined;
  const silent = field(inbound, 'silentConcealedSamples') ?? 0;
  return (concealed - silent) / 48;
}

function bufferMs(inbound: StatsEntry | undefined): number | undefined {
  const delaySeconds = field(inbound, 'jitterBufferDelay');
  const emitted = field(inbound, 'jitterBufferEmittedCount');
  if (delaySeconds === undefined || !emitted) return undefined;
  return (delaySeconds / emitted) * 1000;
}
