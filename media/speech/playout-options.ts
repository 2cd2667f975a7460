/** What a call's playout is made with, and what it tells. Types only. */
import type { EncodedClips } from '../audio/encoded-clips.ts';
import type { EncoderEffort } from './encoder-effort.ts';
import type { PlayoutClock } from './playout-clock.ts';
import type { PlayoutRateHz } from '../audio/opus.ts';
import type { SpeechAudio } from './speech-audio.ts';

export type PlayoutEvents = {
  /** The first packet of a speech has left. */
  onAudible: (speech: SpeechAudio, nowMs: number) => void;
  /** The last packet of a speech has left. */
  onFinished: (speech: SpeechAudio, nowMs: number) => void;
  /** The first silent packet after a pause or a stop has left. */
  onSilent: (nowMs: number) => void;
};

export type PlayoutOptions = {
  rateHz: PlayoutRateHz;
  clock: PlayoutClock;
  clips: EncodedClips;
  /** Of the encoder; absent: full. */
  effort?: EncoderEffort | undefined;
  ssrc: number;
  payloadType: number;
  /** Puts a packet on the wire. */
  transmit: (packet: Uint8Array) => void;
  events: PlayoutEvents;
};
