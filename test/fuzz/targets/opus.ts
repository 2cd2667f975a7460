/** Payloads handed to the decoder, which is native code: what it cannot take ends the process. */
import * as fc from 'fast-check';
import { MAX_PACKET_SAMPLES_48K, opusSamples48k } from '../../../media/audio/opus-packet.ts';
import { OpusDecoder } from '../../../media/audio/opus.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { joinPackets, opusPayload, splitPackets } from './packets.ts';

/** Decoded to 16 kHz. */
const MAX_SAMPLES = MAX_PACKET_SAMPLES_48K / 3;

export function openOpus(): FuzzTarget {
  const decoder = new OpusDecoder(16_000);
  const inputs = fc
    .array(opusPayload, { minLength: 1, maxLength: 8 })
    .map((payloads) => joinPackets(payloads.map((packet) => ({ afterMs: 0, packet }))));
  return {
    inputs,
    run: (input) => {
      decoder.reset();
      const outcomes = splitPackets(input).map(({ packet }) => {
        const announced = opusSamples48k(packet) / 3;
        const samples = decoder.decode(packet);
        const concealed = decoder.conceal();
        for (const made of [samples, concealed]) {
          if (made && made.length > MAX_SAMPLES) throw new Error(`${made.length} samples of one packet`);
        }
        if (samples && announced > 0 && samples.length !== announced) {
          throw new Error(`${samples.length} samples where ${announced} were announced`);
        }
        return `${samples?.length ?? '-'}/${concealed?.length ?? '-'}`;
      });
      return outcomes.slice(0, 3).join();
    },
  };
}
