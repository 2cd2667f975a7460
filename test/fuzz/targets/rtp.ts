/** RTP as the plain socket gets it, through to windows for the VAD: header, jitter buffer, decoder, recorder. */
import { agent } from '../../../media/agent/agent.ts';
import { CallerAudio } from '../../../media/hearing/caller-audio.ts';
import { isRtcp, parseRtp, RtpHeader } from '../../../media/rtp/rtp.ts';
import { VadBatcher } from '../../../media/vad/vad-batcher.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { rtpPackets, splitPackets } from './packets.ts';

const { endpointing } = agent.parse({ name: 'fuzzed', greeting: 'Hello.' }).turnHandling;
/** The stream of the call; packets of others belong to nobody. */
const SSRC = 1;
const SETTLE_MS = [20, 60, 500, 2_000];

export function openRtp(): FuzzTarget {
  let nowMs = 1_000_000;
  const now = () => nowMs;
  // Loud windows are speech: what the real model makes of them is not what is looked at here.
  const run = async (_streams: unknown, windows: Float32Array, count: number, probabilities: Float32Array) => {
    for (let row = 0; row < count; row++) probabilities[row] = Math.abs(windows[row * 512]!) > 0.01 ? 0.9 : 0.1;
  };
  const batcher = new VadBatcher({ run }, now, (fault) => {
    throw fault;
  });
  const header = new RtpHeader();
  return {
    inputs: rtpPackets,
    run: async (input) => {
      const nothing = () => undefined;
      const events = { onSpeechStarted: nothing, onSpeechEnded: nothing, onWindow: nothing, onTurnEnded: nothing };
      const audio = new CallerAudio({ endpointing, batcher, now, events, onVerdictDelay: nothing });
      let refused = 0;
      for (const { afterMs, packet } of splitPackets(input)) {
        nowMs += afterMs;
        if (isRtcp(packet) || !parseRtp(packet, packet.length, header)) refused++;
        else if (header.ssrc === SSRC) audio.receive(checked(header, packet), packet, nowMs);
        audio.poll(nowMs);
      }
      for (const ms of SETTLE_MS) audio.poll((nowMs += ms));
      // Two turns of the loop: the batcher's run, and its end.
      for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
      audio.recorder.take(0, nowMs);
      audio.close();
      const { lost, late, duplicates, invalid, restarts, reordered } = audio.statistics;
      return [refused, lost, late, duplicates, invalid, restarts, reordered].map((n) => Math.min(n, 3)).join();
    },
    close: async () => batcher.close(),
  };
}

function checked(header: RtpHeader, packet: Buffer): RtpHeader {
  const { payloadOffset, payloadEnd } = header;
  if (payloadOffset < 12 || payloadEnd < payloadOffset || payloadEnd > packet.length) {
    throw new Error(`a payload from ${payloadOffset} to ${payloadEnd} of ${packet.length} bytes`);
  }
  return header;
}
