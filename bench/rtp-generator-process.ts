/** Sends the RTP of many callers, in a process of its own so that it takes no time from what is measured. */
import { createSocket } from 'node:dgram';
import { setPriority } from 'node:os';
import { createHistogram } from 'node:perf_hooks';
import { monotonicMs } from '../media/runtime/clock.ts';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../media/rtp/rtp.ts';
import type { FromGenerator, ToGenerator } from './rtp-generator.ts';
import { FRAME_MS, SendSchedule, timestampOf } from './send-schedule.ts';
import { speechLoops } from './speech-packets.ts';

const MAX_PACKET_BYTES = 1500;
/** Timers of Node have whole milliseconds; packets are sent in groups of that. */
const TICK_MS = 1;
const LEAD_MS = 50;
/** Callers begin one after another: a room of people that all call at the same moment is another measurement. */
const RAMP_MS = 5000;

type Start = Extract<ToGenerator, { type: 'start' }>;

/** Before those that are measured: a late sender would be measured as a late server. */
const PRIORITY = -10;

const loops = await speechLoops();
const socket = createSocket({ type: 'udp4', sendBufferSize: 4 << 20 });
const lateness = createHistogram();
const reply = (message: FromGenerator): void => void process.send?.(message);
let sent = 0;
let failed = 0;
let timer: NodeJS.Timeout | undefined;

const onSent = (error: Error | null): void => {
  if (error) failed++;
};

function start({ port, calls, firstSsrc, payloadType }: Start): void {
  const firstMs = Math.ceil(monotonicMs() / FRAME_MS) * FRAME_MS + LEAD_MS;
  const schedule = new SendSchedule(calls, firstMs);
  // Each caller begins elsewhere in its loop, so that no two say the same at the same time.
  const offsets = Array.from({ length: calls }, (_, call) => call * 37);
  // The socket may still hold a packet when the same caller's next one is written.
  const buffers = Array.from({ length: calls * 2 }, () => new Uint8Array(MAX_PACKET_BYTES));
  // All packets of one caller must lie whole frames apart: the first one's time is rounded, the others follow it.
  const bases = Array.from({ length: calls }, (_, call) => timestampOf(firstMs + (call * FRAME_MS) / calls));
  const tick = (): void => {
    const nowMs = monotonicMs();
    while (schedule.nextDueMs <= nowMs) {
      const { call, frame, dueMs } = schedule.next();
      const firstFrame = Math.floor((call / calls) * (RAMP_MS / FRAME_MS));
      if (frame < firstFrame) continue;
      const loop = loops[call % loops.length]!;
      const payload = loop[(frame + offsets[call]!) % loop.length]!;
      const buffer = buffers[call * 2 + (frame & 1)]!;
      const timestamp = (bases[call]! + frame * FRAME_MS * 48) >>> 0;
      writeRtpHeader(buffer, payloadType, frame === firstFrame, frame & 0xffff, timestamp, firstSsrc + call);
      buffer.set(payload, RTP_HEADER_BYTES);
      socket.send(buffer, 0, RTP_HEADER_BYTES + payload.length, onSent);
      lateness.record(Math.max(1, Math.round((monotonicMs() - dueMs) * 1000)));
      sent++;
    }
    timer = setTimeout(tick, TICK_MS);
  };
  socket.connect(port, '127.0.0.1', tick);
}

function report(): void {
  reply({ sent, failed, lateP99Ms: lateness.percentile(99) / 1000, lateMaxMs: lateness.max / 1000 });
  lateness.reset();
  sent = failed = 0;
}

try {
  setPriority(PRIORITY);
} catch {
  // Only root may; the report tells how late the packets were.
}
process.on('message', (message: ToGenerator) => {
  if (message.type === 'start') start(message);
  else if (message.type === 'report') report();
  else {
    clearTimeout(timer);
    socket.close();
    process.disconnect();
  }
});
report();
