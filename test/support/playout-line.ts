/** A playout with a listener at its end, on virtual time: what was sent, when, and what it sounds like. */
import { EncodedClips } from '../../media/audio/encoded-clips.ts';
import { frameSamples, OpusDecoder } from '../../media/audio/opus.ts';
import { PlayoutClock } from '../../media/speech/playout-clock.ts';
import { Playout } from '../../media/speech/playout.ts';
import { parseRtp, RtpHeader } from '../../media/rtp/rtp.ts';
import { SpeechAudio } from '../../media/speech/speech-audio.ts';

export const RATE_HZ = 24_000;
export const FRAME_SAMPLES = frameSamples(RATE_HZ);
const FRAME_MS = 20;
/** How often the worker looks whether a frame is due. */
const TICK_MS = 5;
/** Close to where both start again from 0, so that every test sees that too. */
const INITIAL = { sequence: 65_530, timestamp: 2 ** 32 - 9600 };

export type SentPacket = {
  atMs: number;
  sequence: number;
  timestamp: number;
  marker: boolean;
  ssrc: number;
  payloadType: number;
  payload: Uint8Array;
};

export class PlayoutLine {
  readonly sent: SentPacket[] = [];
  /** What the playout told, each with its time: 'audible t1', 'finished t1', 'silent'. */
  readonly told: { what: string; atMs: number }[] = [];
  readonly playout: Playout;
  readonly clips: EncodedClips;
  nowMs = 0;

  constructor(clips = new EncodedClips(RATE_HZ)) {
    this.clips = clips;
    this.playout = new Playout({
      rateHz: RATE_HZ,
      clock: new PlayoutClock({ frameMs: FRAME_MS, phaseMs: 0, nowMs: 0, initial: INITIAL }),
      clips,
      ssrc: 0xfedcba98,
      payloadType: 111,
      transmit: (packet) => this.#record(packet),
      events: {
        onAudible: ({ turnId }, atMs) => this.told.push({ what: `audible ${turnId}`, atMs }),
        onFinished: ({ turnId }, atMs) => this.told.push({ what: `finished ${turnId}`, atMs }),
        onSilent: (atMs) => this.told.push({ what: 'silent', atMs }),
      },
    });
  }

  /** Lets time pass as the worker does. */
  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (; this.nowMs < untilMs; this.nowMs += TICK_MS) {
      this.playout.send(this.nowMs);
      this.playout.prepare();
      this.playout.begin(this.nowMs);
    }
  }

  /** The thread stands still. */
  stall(ms: number): void {
    this.nowMs += ms;
  }

  get events(): string[] {
    return this.told.map(({ what }) => what);
  }

  since(atMs: number): SentPacket[] {
    return this.sent.filter((packet) => packet.atMs >= atMs);
  }

  /** What a listener hears, from the first packet on: each packet where its timestamp says, nothing in between. */
  heard(): Int16Array {
    const decoder = new OpusDecoder(RATE_HZ);
    const first = this.sent[0]!.timestamp;
    const placed = this.sent.map(({ timestamp, payload }) => ({
      at: (((timestamp - first) >>> 0) * RATE_HZ) / 48_000,
      samples: decoder.decode(payload) ?? new Int16Array(FRAME_SAMPLES),
    }));
    const last = placed.at(-1)!;
    const heard = new Int16Array(last.at + last.samples.length);
    for (const { at, samples } of placed) heard.set(samples, at);
    return heard;
  }

  #record(packet: Uint8Array): void {
    const header = new RtpHeader();
    if (!parseRtp(packet, packet.length, header)) throw new Error('What was sent is no RTP');
    const { sequence, timestamp, marker, ssrc, payloadType, payloadOffset, payloadEnd } = header;
    // The playout uses its buffers again.
    const payload = packet.slice(payloadOffset, payloadEnd);
    this.sent.push({ atMs: this.nowMs, sequence, timestamp, marker, ssrc, payloadType, payload });
  }
}

export function newSpeech(turnId: string, onReady?: () => void): SpeechAudio {
  return new SpeechAudio({ turnId, sampleRateHz: RATE_HZ, frameSamples: FRAME_SAMPLES, onReady });
}

/** A tone with the overtones of a voice, none of whose frames begins or ends close to zero. */
export function voiceLike(ms: number, amplitude = 8000): Int16Array {
  return Int16Array.from({ length: (ms * RATE_HZ) / 1000 }, (_, n) => {
    const angle = (2 * Math.PI * 215 * n) / RATE_HZ;
    return (amplitude / 1.75) * (Math.sin(angle) + 0.5 * Math.sin(2 * angle) + 0.25 * Math.sin(3 * angle));
  });
}

/** A speech of one piece, complete. */
export function spoken(turnId: string, ms: number, text = 'text'): SpeechAudio {
  const speech = newSpeech(turnId);
  speech.append({ pcm: { samples: voiceLike(ms), sampleRateHz: RATE_HZ }, text });
  speech.end();
  return speech;
}

export function rms(samples: Int16Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/** The largest step from one sample to the next. A cut in a voice is a step of its amplitude. */
export function largestStep(samples: Int16Array): number {
  let largest = 0;
  for (let n = 1; n < samples.length; n++) largest = Math.max(largest, Math.abs(samples[n]! - samples[n - 1]!));
  return largest;
}
