import { expect } from 'chai';
import { BrowserOpus } from '../../support/browser-opus.ts';
import type { TurnAudio } from '../../../media/providers/provider.ts';
import { UtteranceRecorder } from '../../../media/hearing/utterance.ts';
import { rms, voiceLike } from '../../support/playout-line.ts';

const PACKET_MS = 20;
const RATE_HZ = 24_000;
const PRE_ROLL_MS = 200;

/** One packet after another of a voice, for so long. */
function voicePackets(ms: number): Uint8Array[] {
  const encoder = new BrowserOpus(RATE_HZ);
  const voice = voiceLike(ms);
  const samples = (RATE_HZ * PACKET_MS) / 1000;
  return Array.from({ length: ms / PACKET_MS }, (_, n) =>
    encoder.encode(voice.subarray(n * samples, (n + 1) * samples)),
  );
}

function recorder(maxMs?: number): UtteranceRecorder {
  return new UtteranceRecorder({ preRollMs: PRE_ROLL_MS, ...(maxMs !== undefined && { maxMs }) });
}

/** Hears packets, the first of which was captured from `fromMs` on. */
function hear(into: UtteranceRecorder, packets: readonly Uint8Array[], fromMs: number): void {
  for (const [n, packet] of packets.entries()) into.packet(packet, PACKET_MS, fromMs + (n + 1) * PACKET_MS);
}

function samplesOf(audio: TurnAudio, rateHz: 16_000 | 24_000 | 48_000 = RATE_HZ): Int16Array {
  return Int16Array.from([...audio.pcm(rateHz)].flatMap((block) => [...block]));
}

const between = (samples: Int16Array, fromMs: number, toMs: number) =>
  samples.subarray((fromMs * RATE_HZ) / 1000, (toMs * RATE_HZ) / 1000);

describe('UtteranceRecorder', () => {
  const packets = voicePackets(4000);

  it('gives back what was said, with what came right before it', () => {
    const recorded = recorder();
    hear(recorded, packets.slice(0, 100), 0);
    const audio = recorded.take(1000, 1600);
    expect(audio.durationMs).to.equal(PRE_ROLL_MS + 600);
    const samples = samplesOf(audio);
    expect(samples.length).to.equal((RATE_HZ * 800) / 1000);
    expect(rms(between(samples, 100, 800))).to.be.closeTo(rms(voiceLike(1000)), 200);
  });

  it('cuts off none of the packet that the end of speech lies in', () => {
    const recorded = recorder();
    hear(recorded, packets.slice(0, 100), 0);
    expect(recorded.take(1000, 1601).durationMs).to.equal(PRE_ROLL_MS + 620);
  });

  it('gives it at every rate, in pieces of at most a second, as often as it is wanted', () => {
    const recorded = recorder();
    recorded.keepFrom(0);
    hear(recorded, packets.slice(0, 150), 0);
    const audio = recorded.take(0, 3000);
    for (const rateHz of [16_000, 24_000, 48_000] as const) {
      const blocks = [...audio.pcm(rateHz)];
      expect(blocks.map(({ length }) => length)).to.deep.equal([rateHz, rateHz, rateHz]);
    }
    expect(samplesOf(audio)).to.deep.equal(samplesOf(audio));
  });

  it('makes up what was lost, and is silent where nothing was sent', () => {
    const recorded = recorder();
    recorded.keepFrom(0);
    hear(recorded, packets.slice(0, 25), 0);
    recorded.lost(40, 540);
    hear(recorded, packets.slice(27, 50), 540);
    recorded.gap(400);
    hear(recorded, packets.slice(50, 75), 1400);
    const audio = recorded.take(0, 1900);
    expect(audio.durationMs).to.equal(1900);
    const samples = samplesOf(audio);
    const voice = rms(voiceLike(1000));
    expect(rms(between(samples, 505, 540)), 'made up').to.be.above(voice / 8);
    expect(rms(between(samples, 1010, 1390)), 'silent').to.equal(0);
    expect(rms(between(samples, 1450, 1850)), 'and on').to.be.closeTo(voice, 0.1 * voice);
  });

  it('shortens a long silence', () => {
    const recorded = recorder();
    recorded.keepFrom(0);
    hear(recorded, packets.slice(0, 25), 0);
    recorded.gap(8000);
    recorded.gap(1500);
    hear(recorded, packets.slice(25, 50), 10_000);
    expect(recorded.take(0, 10_500).durationMs).to.equal(500 + 2000 + 500);
  });

  it('plays no more silence before speech than the pre-roll', () => {
    const recorded = recorder();
    hear(recorded, packets.slice(0, 25), 0);
    recorded.gap(1500);
    recorded.keepFrom(2000);
    hear(recorded, packets.slice(25, 50), 2000);
    recorded.gap(1000);
    hear(recorded, packets.slice(50, 51), 3500);
    expect(recorded.take(2000, 2700).durationMs).to.equal(PRE_ROLL_MS + 500 + 200);
  });

  it('plays a packet that is no Opus as a loss', () => {
    const recorded = recorder();
    recorded.keepFrom(0);
    hear(recorded, packets.slice(0, 25), 0);
    // Two frames, the first longer than the packet.
    recorded.packet(Uint8Array.of(0x7a, 0xfb, 0xff, 0), PACKET_MS, 520);
    hear(recorded, packets.slice(26, 50), 520);
    expect(samplesOf(recorded.take(0, 1000)).length).to.equal(RATE_HZ);
  });

  it('keeps no more than the pre-roll and a pause while nobody speaks', () => {
    const recorded = recorder();
    hear(recorded, packets, 0);
    hear(recorded, packets, 4000);
    expect(recorded.take(0, 8000).durationMs).to.be.within(PRE_ROLL_MS, 2300);
  });

  it('keeps all from the start of speech on until it is discarded', () => {
    const recorded = recorder();
    hear(recorded, packets, 0);
    recorded.keepFrom(3000);
    hear(recorded, packets, 4000);
    hear(recorded, packets, 8000);
    recorded.keepFrom(11_000);
    expect(recorded.take(3000, 12_000).durationMs, 'an earlier start stays').to.equal(PRE_ROLL_MS + 9000);
    recorded.discard();
    hear(recorded, packets, 12_000);
    expect(recorded.take(3000, 16_000).durationMs).to.be.below(2300);
  });

  it('keeps no more than the longest utterance, and begins anew with speech that is later than that', () => {
    const recorded = recorder(5000);
    recorded.keepFrom(0);
    for (let fromMs = 0; fromMs < 20_000; fromMs += 4000) hear(recorded, packets, fromMs);
    expect(recorded.take(0, 20_000).durationMs).to.be.within(4700, 5000);
    recorded.keepFrom(20_000);
    hear(recorded, packets, 20_000);
    expect(recorded.take(20_000, 24_000).durationMs).to.equal(4000);
  });

  it('keeps no flood of packets, and hears again after it', () => {
    const recorded = recorder();
    const large = new Uint8Array(1275);
    recorded.keepFrom(0);
    for (let n = 0; n < 10_000; n++) recorded.packet(large, PACKET_MS, 1000);
    expect(recorded.take(0, 1000).durationMs / PACKET_MS).to.be.below((2 << 20) / large.length);
    recorded.discard();
    hear(recorded, packets, 10_000);
    expect(recorded.take(13_000, 14_000).durationMs).to.equal(PRE_ROLL_MS + 1000);
  });
});
