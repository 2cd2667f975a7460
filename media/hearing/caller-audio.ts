/**
 * One call's way in: RTP packets are put in order, decoded, cut into windows, judged by the VAD, and become speech and
 * turns. Times are the worker's clock, in ms.
 */
import type { EndpointingOptions } from '../agent/agent.ts';
import { callerNetwork, type CallerNetwork } from '../rtp/caller-network.ts';
import { FrameAssembler } from '../vad/frame.ts';
import { JitterBuffer } from '../rtp/jitter-buffer.ts';
import { journaledPart } from '../journal/journal-parts.ts';
import type { Journal } from '../journal/journal.ts';
import { OpusDecoder } from '../audio/opus.ts';
import type { RtpHeader } from '../rtp/rtp.ts';
import { SoundEnd } from '../vad/sound-end.ts';
import type { SpeechDetector } from '../vad/speech-detector.ts';
import type { TurnDetector, TurnEnded } from '../turn/turn-detector.ts';
import { UtteranceRecorder } from './utterance.ts';
import { VadStream, type VadBatcher } from '../vad/vad-batcher.ts';

export type CallerAudioEvents = {
  /** Speech begins, or goes on after its turn was taken as ended. */
  onSpeechStarted: (startMs: number, nowMs: number) => void;
  onSpeechEnded: (nowMs: number) => void;
  /** Every window of 32 ms with its verdict: speech so far in this stretch, and silence since. */
  onWindow: (detector: SpeechDetector, nowMs: number) => void;
  onTurnEnded: (turn: TurnEnded, nowMs: number) => void;
};

export type CallerAudioOptions = {
  endpointing: EndpointingOptions;
  batcher: VadBatcher;
  journal?: Journal | undefined;
  now: () => number;
  events: CallerAudioEvents;
  /** Told how long a window took from the packet that completed it to its verdict. */
  onVerdictDelay: (delayMs: number) => void;
  /** A recogniser's words decide when turns end; it is given each window, 16 kHz mono, which is valid during the call. */
  recogniser?: { window: (samples: Float32Array) => void };
};

const SAMPLES_48K_PER_MS = 48;
/** Sound that has come back is waited for so long: until the speech model knows whether it is speech. */
const SOUND_BACK_MS = 64;
/** Audio is decoded to 16 kHz. */
const SAMPLES_48K_PER_SAMPLE = 3;

export class CallerAudio {
  readonly #options: CallerAudioOptions;
  readonly #decoder = new OpusDecoder(16_000);
  readonly #jitter: JitterBuffer;
  readonly #frames: FrameAssembler;
  readonly #sound = new SoundEnd();
  readonly #stream: VadStream;
  readonly #speech: SpeechDetector;
  readonly #turns: TurnDetector;
  readonly recorder: UtteranceRecorder;
  #nowMs = 0;
  #closed = false;

  constructor(options: CallerAudioOptions) {
    this.#options = options;
    const { journal, endpointing } = options;
    this.#speech = journaledPart(journal, 'speech', endpointing);
    this.#turns = journaledPart(journal, 'turns', { endpointing, awaitsWords: options.recogniser !== undefined });
    this.recorder = new UtteranceRecorder({ preRollMs: options.endpointing.preRollMs });
    this.#stream = new VadStream(this.#onVerdict);
    this.#frames = new FrameAssembler({ onWindow: this.#onWindow });
    this.#jitter = new JitterBuffer(
      {},
      { packet: this.#onPacket, lost: this.#onLost, gap: this.#onGap, restart: this.#onRestart },
    );
  }

  /** One RTP packet of the caller; its bytes may be kept. */
  receive(header: RtpHeader, packet: Buffer, nowMs: number): void {
    this.#nowMs = nowMs;
    const payload = packet.subarray(header.payloadOffset, header.payloadEnd);
    this.#options.journal?.note({ packet: [header.sequence, header.timestamp, payload.length] });
    this.#jitter.push(header.sequence, header.timestamp, payload, nowMs);
  }

  /** What time brings without packets: gaps given up, silence, the end of a turn. */
  poll(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#jitter.nextDeadlineMs <= nowMs) this.#jitter.poll(nowMs);
    // Packets that wait behind a gap show that the caller is not silent.
    if (this.#jitter.heldPackets === 0 && this.#frames.nextDeadlineMs <= nowMs) this.#frames.advance(nowMs);
    // Under overload verdicts come late: no turn ends on silence that has not been looked at.
    if (this.#turns.nextDeadlineMs <= nowMs && this.#stream.waiting === 0 && !this.#goesOn(nowMs))
      this.#pollTurn(nowMs);
  }

  /** The caller seems to go on just when the turn would end. */
  #goesOn(nowMs: number): boolean {
    return this.#sound.isBackSince(this.#speech.lastSpeechMs) && nowMs - this.#turns.nextDeadlineMs < SOUND_BACK_MS;
  }

  /** How long the silence has to be for the turn to be over, by the words so far. */
  vote(delayMs: number): void {
    this.#turns.vote(delayMs);
  }

  get statistics() {
    return this.#jitter.statistics;
  }

  get network(): CallerNetwork {
    return callerNetwork(this.#jitter);
  }

  /** The caller has muted: what was begun is a turn now. */
  mute(nowMs: number): void {
    this.#turns.mute();
    this.#pollTurn(nowMs);
  }

  /** Another stream of packets begins: a new connection, or another microphone. */
  restart(nowMs: number): void {
    this.#jitter.reset();
    this.#decoder.reset();
    this.#frames.restart(nowMs);
  }

  close(): void {
    this.#closed = true;
    this.#stream.closed = true;
  }

  readonly #onPacket = (payload: Uint8Array, rtpTimestamp: number, samples48k: number): void => {
    this.#options.journal?.audio?.caller(payload, rtpTimestamp, this.#nowMs);
    const samples = this.#decoder.decode(payload) ?? this.#decoder.conceal();
    if (samples) this.#frames.pcm(samples, rtpTimestamp, this.#nowMs);
    if (samples) this.#sound.hear(samples, this.#frames.capturedUntilMs);
    // On the clock of the windows, by which speech is cut out later: arrivals are later by the network's jitter.
    this.recorder.packet(payload, samples48k / SAMPLES_48K_PER_MS, this.#frames.capturedUntilMs);
  };

  readonly #onLost = (samples48k: number, rtpTimestamp: number): void => {
    let done = 0;
    while (done < samples48k) {
      const samples = this.#decoder.conceal();
      if (!samples) break;
      this.#frames.concealed(samples, (rtpTimestamp + done) >>> 0, this.#nowMs);
      done += samples.length * SAMPLES_48K_PER_SAMPLE;
    }
    this.recorder.lost(samples48k / SAMPLES_48K_PER_MS, this.#frames.capturedUntilMs);
  };

  readonly #onGap = (samples48k: number): void => {
    this.recorder.gap(samples48k / SAMPLES_48K_PER_MS);
    this.#frames.gap(samples48k);
  };

  readonly #onRestart = (): void => {
    this.#decoder.reset();
    this.#frames.restart(this.#nowMs);
  };

  readonly #onWindow = (window: Float32Array, endMs: number): void => {
    this.#options.recogniser?.window(window);
    this.#options.batcher.add(this.#stream, window, endMs);
  };

  readonly #onVerdict = (probability: number, endMs: number, queuedMs: number): void => {
    if (this.#closed) return;
    const { events, now, onVerdictDelay } = this.#options;
    const nowMs = now();
    onVerdictDelay(nowMs - queuedMs);
    const change = this.#speech.push(probability, endMs, this.#sound.loudUntilMs);
    const { speaking, speechStartMs, lastSpeechMs } = this.#speech;
    if (change === 'start') this.#turns.speechStarted(speechStartMs, nowMs);
    const nextStartMs = speaking ? this.#turns.speechActive(lastSpeechMs, nowMs) : undefined;
    const startMs = change === 'start' ? speechStartMs : nextStartMs;
    if (startMs !== undefined) {
      this.recorder.keepFrom(startMs);
      events.onSpeechStarted(startMs, nowMs);
    }
    events.onWindow(this.#speech, nowMs);
    if (change === 'end') events.onSpeechEnded(nowMs);
  };

  #pollTurn(nowMs: number): void {
    const turn = this.#turns.poll(nowMs);
    if (turn) this.#options.events.onTurnEnded(turn, nowMs);
  }
}
