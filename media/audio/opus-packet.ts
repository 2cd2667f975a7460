/** What an Opus packet tells without being decoded: its first byte or two (RFC 6716 §3.1). */

/** RFC 6716 §3.1: no packet is longer than 120 ms. */
export const MAX_PACKET_SAMPLES_48K = 5760;

/** Frame durations of the 32 configurations of the TOC byte, in samples at 48 kHz (RFC 6716 table 2). */
const FRAME_SAMPLES_48K = Uint16Array.from({ length: 32 }, (_, config) => {
  if (config < 12) return [480, 960, 1920, 2880][config % 4]!;
  if (config < 16) return [480, 960][config % 2]!;
  return [120, 240, 480, 960][config % 4]!;
});

/** Duration of a packet in samples at 48 kHz, at most 5760; 0 where it is no valid Opus. */
export function opusSamples48k(payload: Uint8Array): number {
  const samples = opusFrameSamples48k(payload) * frameCount(payload);
  return samples <= MAX_PACKET_SAMPLES_48K ? samples : 0;
}

/** Duration of each of a packet's frames in samples at 48 kHz; 0 for an empty packet. */
export function opusFrameSamples48k(payload: Uint8Array): number {
  return payload.length === 0 ? 0 : FRAME_SAMPLES_48K[payload[0]! >> 3]!;
}

/** Frames in the packet, by its frame count code; 0 where the code contradicts the length. */
function frameCount(payload: Uint8Array): number {
  switch (payload[0]! & 3) {
    case 0:
      return 1;
    case 1:
      // Two frames of equal length.
      return payload.length % 2 === 1 ? 2 : 0;
    case 2:
      // Two frames, the length of the first in front.
      return payload.length >= 2 ? 2 : 0;
    default:
      return payload.length >= 2 ? payload[1]! & 0x3f : 0;
  }
}
