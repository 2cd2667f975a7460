import { meterLevel, rootMeanSquare } from './level.ts';

export type Side = 'user' | 'agent';

/** Web Audio nodes that outlive changes of microphone and of connection; for recorders and visualisers. */
export type AudioNodes = { context: AudioContext; user: AudioNode; agent: AudioNode };

/** About 21 ms at 48 kHz: short enough to follow syllables. */
const windowSamples = 1024;

/**
 * Measures both sides of the conversation. Tracks come and go; the nodes stay. Nothing here is heard: playback is the
 * audio element's, because browsers cancel the echo of that.
 */
export class AudioGraph {
  readonly #context = new AudioContext({ latencyHint: 'interactive' });
  readonly #buses: Record<Side, GainNode>;
  readonly #analysers: Record<Side, AnalyserNode>;
  readonly #sources = new Map<MediaStreamTrack, MediaStreamAudioSourceNode>();
  readonly #samples = new Float32Array(windowSamples);

  constructor() {
    this.#buses = { user: this.#context.createGain(), agent: this.#context.createGain() };
    this.#analysers = { user: this.#analyser('user'), agent: this.#analyser('agent') };
  }

  get running(): boolean {
    return this.#context.state === 'running';
  }

  get nodes(): AudioNodes {
    return { context: this.#context, user: this.#buses.user, agent: this.#buses.agent };
  }

  add(side: Side, track: MediaStreamTrack): void {
    if (this.#sources.has(track) || this.#context.state === 'closed') return;
    const source = this.#context.createMediaStreamSource(new MediaStream([track]));
    source.connect(this.#buses[side]);
    this.#sources.set(track, source);
  }

  remove(track: MediaStreamTrack): void {
    this.#sources.get(track)?.disconnect();
    this.#sources.delete(track);
  }

  /** Loudness now, 0…1. */
  level(side: Side): number {
    return meterLevel(this.rms(side));
  }

  rms(side: Side): number {
    if (!this.running) return 0;
    this.#analysers[side].getFloatTimeDomainData(this.#samples);
    return rootMeanSquare(this.#samples);
  }

  /** Starts measuring, where the browser has been waiting for a click. It may never settle before one, so nobody waits. */
  resume(): void {
    if (this.#context.state === 'suspended') this.#context.resume().catch(() => undefined);
  }

  close(): void {
    if (this.#context.state === 'closed') return;
    for (const track of this.#sources.keys()) this.remove(track);
    this.#context.close().catch(() => undefined);
  }

  #analyser(side: Side): AnalyserNode {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = windowSamples;
    this.#buses[side].connect(analyser);
    return analyser;
  }
}
