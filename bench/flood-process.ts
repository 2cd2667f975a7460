/** Sends packets that nobody wants to one port, at a rate, until it is told to stop. In a process of its own. */
import { createSocket } from 'node:dgram';
import { monotonicMs } from '../media/runtime/clock.ts';
import { writeRtpHeader } from '../media/rtp/rtp.ts';
import type { FloodOrder, FloodReport } from './flood-figures.ts';

/** As an RTP packet of 20 ms of speech. */
const PACKET_BYTES = 92;
const TICK_MS = 1;
/** Packets of one tick at most: what was not sent in time is not made up for in one burst. */
const MAX_BURST = 500;

const { port, perSecond } = JSON.parse(process.argv[2] ?? '') as FloodOrder;
const socket = createSocket({ type: 'udp4', sendBufferSize: 4 << 20 });
const packet = Buffer.alloc(PACKET_BYTES, 0x55);
const startMs = monotonicMs();
let sent = 0;
let failed = 0;

socket.on('error', () => failed++);
socket.bind(0, '127.0.0.1', tick);

function tick(): void {
  const due = Math.min(MAX_BURST, Math.floor(((monotonicMs() - startMs) / 1000) * perSecond) - sent);
  for (let n = 0; n < due; n++) {
    // A stream of nobody's: each packet has another SSRC.
    writeRtpHeader(packet, 100, false, sent & 0xffff, (sent * 960) >>> 0, sent);
    socket.send(Buffer.from(packet), port, '127.0.0.1');
    sent++;
  }
  setTimeout(tick, TICK_MS);
}

process.on('message', () => {
  const report: FloodReport = { sent, failed, seconds: (monotonicMs() - startMs) / 1000 };
  process.send?.(report, () => process.exit());
});
process.on('disconnect', () => process.exit());
