/**
 * One call's way out: the agent's speech, frame by frame, as Opus in RTP. Runs on the worker's send loop: `send` at the
 * due time hands out what `prepare` encoded before. Ducking, pausing and stopping are fades of 10 ms, never cuts.
 */
import type { ReplyProgress } from '../conversation/conversation-events.ts';
import { fade } from '../audio/fade.ts';
import { frameSamples, OpusEncoder, SILENT_FRAME } from '../audio/opus.ts';
import { Listener } from '../conversation/listener.ts';
import type { PlayoutOptions } from './playout-options.ts';
import { writeRtpHeader } from '../rtp/rtp.ts';
import { TICK_MS } from './send-loop.ts';
import type { SpeechAudio } from './speech-audio.ts';

const HEADER_BYTES = 12;
const PACKET_BYTES = HEADER_BYTES + 1275; // RFC 6716 §3.2.1: the most that 20 ms take.
/** Packets that the kernel may still be copying while the next ones are written. */
const PACKET_BUFFERS = 4;
/** Frames of silence after speech, before packets become rare. */
const TAIL_FRAMES = 2;
const FADE_MS = 10;

/** What is wanted of the voice now; `paused` speech keeps its place. */
type Output = 'normal' | 'ducked' | 'paused';

type Prepared = { bytes: number; speech: SpeechAudio | undefined };

export class Playout {
  readonly #options: PlayoutOptions;
  readonly listener = new Listener();
  readonly #frame: Int16Array;
  readonly #encoder: OpusEncoder;
  readonly #packets = Array.from({ length: PACKET_BUFFERS }, () => new Uint8Array(PACKET_BYTES));
  readonly #prepared: Prepared = { bytes: 0, speech: undefined };
  #packetIndex = 0;
  #speech: SpeechAudio | undefined;
  /** A speech that begins when the one before has faded out. */
  #queued: SpeechAudio | undefined;
  #position = 0;
  #audible = false;
  #held = false;
  #stopping = false;
  #output: Output = 'normal';
  #duckGain = 1;
  #gain = 1;
  /** The frame written last is one of speech. */
  #voiced = false;
  #tail = 0;
  #encoderAt = -1;
  #awaitingSilence = false;

  constructor(options: PlayoutOptions) {
    this.#options = options;
    this.#frame = new Int16Array(frameSamples(options.rateHz));
    this.#encoder = new OpusEncoder(options.rateHz, options.effort);
  }

  /** Begins a speech as soon as its first frame is there, and the one before, if it was heard, has faded out. */
  play(speech: SpeechAudio): void {
    this.stop();
    if (this.#stopping) this.#queued = speech;
    else this.#begin(speech);
  }

  /** While held, a speech that has not begun waits. */
  hold(held: boolean): void {
    this.#held = held;
    if (held && !this.#audible) this.#revoke();
  }

  duck(byDb: number): void {
    this.#duckGain = 10 ** (-byDb / 20);
    if (this.#output === 'normal') this.#output = 'ducked';
  }

  pause(): void {
    if (this.#output === 'paused') return;
    this.#output = 'paused';
    this.#awaitingSilence = true;
  }

  /** Back to full voice; a paused speech goes on at the broken word, or `rewindMs` before the break. */
  resume(rewindMs: number): void {
    if (this.#output === 'paused' && this.#speech && this.#gain === 0) {
      this.#position = this.#speech.resumePosition(this.#position, rewindMs);
    }
    this.#output = 'normal';
    this.#awaitingSilence = false;
  }

  /** Ends the speech: at once where it is silent, else with a fade. */
  stop(): void {
    this.#queued = undefined;
    if (!this.#speech || this.#stopping) return;
    if (this.#audible) this.#awaitingSilence = true;
    else this.#revoke();
    if (this.#audible && this.#voiced && this.#gain > 0) this.#stopping = true;
    else this.#drop();
  }

  /** The words that have been heard, and those that have not. @param atWord for a voice that goes on at that word */
  progress(atWord = false): ReplyProgress {
    const { speech } = this;
    if (!speech) return { heard: '', unheard: '' };
    const position = this.audible ? this.#position : 0;
    return atWord ? speech.partedAt(position) : this.listener.progress(speech, position);
  }

  /** Whether all that is to be heard has left: after a stop, its fade too. */
  get isSilent(): boolean {
    return !this.#prepared.speech && (this.#speech === undefined || (this.#stopping && this.#gain === 0));
  }

  get speech(): SpeechAudio | undefined {
    return this.#stopping ? this.#queued : this.#speech;
  }

  get position(): number {
    return this.#position;
  }

  get mayBeHeard(): boolean {
    return this.#output !== 'paused' && (this.#audible || !this.#held);
  }

  get audible(): boolean {
    return this.#audible && !this.#stopping;
  }

  /** Sends what is due at `nowMs`, if anything is. @returns whether this call's frame was due. */
  send(nowMs: number): boolean {
    const { clock } = this.#options;
    if (clock.due(nowMs) === 0) return false;
    if (this.#prepared.bytes === 0) this.prepare();
    const { bytes, speech } = this.#prepared;
    this.#prepared.bytes = 0;
    this.#prepared.speech = undefined;
    if (bytes > 0) {
      clock.stamp(speech ? 'speech' : 'tail');
      this.#transmit(bytes);
    } else if (clock.stamp('silence')) this.#transmitQuiet();
    if (speech) this.#advanced(speech, nowMs);
    else this.#rested(nowMs);
    return true;
  }

  /** Encodes the frame after the one just sent, so that sending needs no work. */
  prepare(): void {
    if (this.#prepared.bytes > 0) return;
    const speech = this.#speech;
    const target = this.#stopping || this.#output === 'paused' ? 0 : this.#output === 'ducked' ? this.#duckGain : 1;
    if (speech && (this.#gain > 0 || target > 0) && this.#mayPlay(speech)) this.#prepareSpeech(speech, target);
    else if (this.#tail > 0) this.#prepareTail();
  }

  /** Sends the first frame of a speech that has been prepared, where no other packet has its place: silence need not end. */
  begin(nowMs: number): void {
    if (this.#audible || !this.#prepared.speech) return;
    // The frames after it fall on ticks.
    this.#options.clock.bringForward(Math.floor(nowMs / TICK_MS) * TICK_MS);
    this.send(nowMs);
  }

  #mayPlay(speech: SpeechAudio): boolean {
    if (!this.#audible && (this.#held || !speech.canBegin)) return false;
    return speech.frameReady(this.#position);
  }

  #prepareSpeech(speech: SpeechAudio, target: number): void {
    const whole = this.#gain === 1 && target === 1;
    const clip = whole ? speech.clipAt(this.#position) : undefined;
    let payload = clip && this.#options.clips.packet(clip.key, clip.samples, clip.index);
    if (!payload) {
      this.#primeEncoder(speech);
      speech.read(this.#position, this.#frame);
      if (!whole) fade(this.#frame, this.#gain, target, (this.#options.rateHz * FADE_MS) / 1000);
      payload = this.#encoder.encode(this.#frame);
      this.#encoderAt = this.#position + this.#frame.length;
    }
    this.#gain = target;
    this.#position += this.#frame.length;
    this.#write(payload, speech);
  }

  /**
   * An encoder that did not encode the frame before is given it, so that the voice goes on without a click; out of
   * silence it starts from silence, for the end of what it is given is heard at the beginning of what it gives.
   */
  #primeEncoder(speech: SpeechAudio): void {
    if (this.#encoderAt === this.#position) return;
    this.#encoder.reset();
    if (!this.#voiced || this.#gain === 0) return;
    speech.read(this.#position - this.#frame.length, this.#frame);
    this.#encoder.encode(this.#frame);
  }

  #prepareTail(): void {
    this.#tail--;
    this.#write(SILENT_FRAME, undefined);
    this.#encoderAt = -1;
    if (this.#stopping) this.#drop();
  }

  #write(payload: Uint8Array, speech: SpeechAudio | undefined): void {
    const packet = this.#packets[this.#packetIndex]!;
    packet.set(payload, HEADER_BYTES);
    this.#prepared.bytes = HEADER_BYTES + payload.length;
    this.#prepared.speech = speech;
    this.#voiced = speech !== undefined;
  }

  /** Takes back the first frame of a speech that is not to begin now. */
  #revoke(): void {
    if (!this.#prepared.speech) return;
    this.#prepared.bytes = 0;
    this.#prepared.speech = undefined;
    this.#position = 0;
    this.#encoderAt = -1;
    this.#voiced = false;
  }

  #transmitQuiet(): void {
    this.#packets[this.#packetIndex]!.set(SILENT_FRAME, HEADER_BYTES);
    this.#transmit(HEADER_BYTES + SILENT_FRAME.length);
  }

  #transmit(bytes: number): void {
    const { clock, ssrc, payloadType } = this.#options;
    const packet = this.#packets[this.#packetIndex]!;
    this.#packetIndex = (this.#packetIndex + 1) % PACKET_BUFFERS;
    writeRtpHeader(packet, payloadType, clock.marker, clock.sequence, clock.timestamp, ssrc);
    this.#options.transmit(packet.subarray(0, bytes));
  }

  #silenced(nowMs: number): void {
    if (!this.#awaitingSilence) return;
    this.#awaitingSilence = false;
    this.#options.events.onSilent(nowMs);
  }

  /** A frame without speech has passed: the end of the speech may have been told after its last frame had left. */
  #rested(nowMs: number): void {
    this.listener.rested(nowMs);
    this.#silenced(nowMs);
    if (this.#audible && !this.#stopping && this.#output !== 'paused') this.#finishIfDone(nowMs);
  }

  #advanced(speech: SpeechAudio, nowMs: number): void {
    this.#tail = TAIL_FRAMES;
    if (speech !== this.#speech || this.#stopping) return;
    this.listener.sent(this.#position, nowMs);
    if (!this.#audible) {
      // The one before went silent without a frame of silence in between.
      this.#silenced(nowMs);
      this.#audible = true;
      this.#options.events.onAudible(speech, nowMs);
    }
    speech.release(this.#position);
    this.#finishIfDone(nowMs);
  }

  #finishIfDone(nowMs: number): void {
    const speech = this.#speech;
    if (!speech?.finishedAt(this.#position)) return;
    this.#drop();
    this.#options.events.onFinished(speech, nowMs);
  }

  #begin(speech: SpeechAudio): void {
    this.listener.restart();
    this.#speech = speech;
    this.#position = 0;
    this.#encoderAt = -1;
  }

  #drop(): void {
    this.#speech = undefined;
    this.#stopping = false;
    this.#audible = false;
    this.#output = 'normal';
    this.#gain = 1;
    const queued = this.#queued;
    this.#queued = undefined;
    if (queued) this.#begin(queued);
  }
}
