/** What an Opus packet tells of itself without being decoded (RFC 6716 §3.1, §3.2). */

/** Longest packet: 120 ms (RFC 6716 §3.2.5, R5). */
const MAX_SAMPLES_48K = 5760;

/** Frame lengths of the 32 configurations, in samples at 48 kHz: SILK 10…60 ms, hybrid 10 and 20, CELT 2.5…20. */
const FRAME_SAMPLES_48K = Uint16Array.from({ length: 32 }, (_, config) => {
  if (config < 12) return [480, 960, 1920, 2880][config & 3]!;
  if (config < 16) return [480, 960][config & 1]!;
  return [120, 240, 480, 960][config & 3]!;
});

/** How much audio a packet holds, in samples at 48 kHz; 0 when it is not a valid packet. */
export function opusSamples48k(payload: Uint8Array): number {
  if (payload.length === 0) return 0;
  const toc = payload[0]!;
  const frames = frameCount(toc & 3, payload);
  const samples = FRAME_SAMPLES_48K[toc >> 3]! * frames;
  return samples <= MAX_SAMPLES_48K ? samples : 0;
}

function frameCount(code: number, payload: Uint8Array): number {
  if (code === 0) return 1;
  if (code < 3) return 2;
  return payload.length > 1 ? payload[1]! & 0x3f : 0;
}
