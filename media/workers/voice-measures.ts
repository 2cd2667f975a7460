/** What a voice worker tells of itself. */
import { addTo, countsOf, type Totals } from '../voice-call/call-totals.ts';
import type { LoadMeter } from './load-meter.ts';
import type { RtpSocket } from '../rtp/rtp-socket.ts';
import type { VadBatcher } from '../vad/vad-batcher.ts';
import type { VoiceCall } from '../voice-call/voice-call.ts';
import type { VoiceStatistics } from './voice-protocol.ts';

export type Measured = {
  links: readonly RtpSocket[];
  calls: readonly VoiceCall[];
  /** What the calls that have ended had counted. */
  ended: Totals;
  batcher: VadBatcher;
  load: LoadMeter;
};

export async function measure({ links, calls, ended, batcher, load }: Measured): Promise<VoiceStatistics> {
  const drops = await Promise.all(links.map((link) => link.kernelDrops()));
  const totals = { ...ended };
  for (const call of calls) addTo(totals, call);
  const rejected = ({ statistics }: RtpSocket) => statistics.malformed + statistics.strangers + statistics.unclaimed;
  return {
    ...countsOf(totals),
    calls: calls.length,
    packetsRejected: links.reduce((all, link) => all + rejected(link), 0),
    kernelDrops: drops.reduce((all, count) => all + count, 0),
    receiveBufferBytes: Math.min(...links.map((link) => link.receiveBufferBytes), Infinity),
    windows: batcher.windows,
    runs: batcher.runs,
    windowsSkipped: batcher.skipped,
    verdictP50Ms: load.verdictMs(50),
    verdictP99Ms: load.verdictMs(99),
    latenessP999Ms: load.latenessMs(99.9),
    heapBytes: process.memoryUsage().heapUsed,
    recent: load.recent,
  };
}
