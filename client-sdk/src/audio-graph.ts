import { meterLevel, rootMeanSquare } from './level.ts';

export type Side = 'user' | 'agent';

/** Web Audio nodes that outlive changes of microphone and of connection; for recorders and visualisers. */
export type AudioNodes = { context: AudioContext; user: AudioNode; agent: AudioNode };

/** About 21 ms at 48 kHz: short enough to follow syllables. */
const windowSamples = 1024;

type Parts = { context: AudioContext; buses: Record<Side, GainNode>; analysers: Record<Side, AnalyserNode> };

/** What browsers take for a sign that somebody is there. */
const gestures = ['pointerdown', 'pointerup', 'keydown'] as const;

/**
 * Measures both sides of the conversation. Tracks come and go; the nodes stay. Nothing here is heard: playback is the
 * audio element's, because browsers cancel the echo of that.
 */
export class AudioGraph {
  readonly #gains = new Map<MediaStreamTrack, GainNode>();
  readonly #sources = new Map<MediaStreamTrack, MediaStreamAudioSourceNode>();
  readonly #samples = new Float32Array(windowSamples);
  #parts: Parts | undefined;

  get running(): boolean {
    return this.#parts?.context.state === 'running';
  }

  get nodes(): AudioNodes | undefined {
    if (!this.#parts) return undefined;
    const { buses, context } = this.#parts;
    return { context, user: buses.user, agent: buses.agent };
  }

  /** The first context of a page takes the browser up to 0.1 s, so this comes after all that can go on meanwhile. */
  start(): void {
    const context = new AudioContext({ latencyHint: 'interactive' });
    const buses = { user: context.createGain(), agent: context.createGain() };
    this.#parts = { context, buses, analysers: { user: measure(buses.user), agent: measure(buses.agent) } };
    for (const gesture of gestures) document.addEventListener(gesture, this.resume);
    context.addEventListener('statechange', this.#stopWaiting);
  }

  /** @param silent true: it is not part of what the nodes give until `setSilent` says so */
  add(side: Side, track: MediaStreamTrack, silent = false): void {
    const parts = this.#parts;
    if (!parts || this.#sources.has(track)) return;
    const source = parts.context.createMediaStreamSource(new MediaStream([track]));
    const gain = new GainNode(parts.context, { gain: silent ? 0 : 1 });
    source.connect(gain).connect(parts.buses[side]);
    this.#sources.set(track, source);
    this.#gains.set(track, gain);
  }

  setSilent(track: MediaStreamTrack, silent: boolean): void {
    const gain = this.#gains.get(track);
    if (gain) gain.gain.value = silent ? 0 : 1;
  }

  remove(track: MediaStreamTrack): void {
    this.#sources.get(track)?.disconnect();
    this.#sources.delete(track);
    this.#gains.get(track)?.disconnect();
    this.#gains.delete(track);
  }

  /** Loudness now, 0…1. */
  level(side: Side): number {
    return meterLevel(this.rms(side));
  }

  rms(side: Side): number {
    if (!this.#parts || !this.running) return 0;
    this.#parts.analysers[side].getFloatTimeDomainData(this.#samples);
    return rootMeanSquare(this.#samples);
  }

  /** Starts measuring, where the browser has been waiting for a click. It may never settle before one, so nobody waits. */
  readonly resume = (): void => {
    const context = this.#parts?.context;
    if (context?.state === 'suspended') context.resume().catch(() => undefined);
  };

  close(): void {
    const parts = this.#parts;
    if (!parts) return;
    this.#parts = undefined;
    for (const track of this.#sources.keys()) this.remove(track);
    for (const gesture of gestures) document.removeEventListener(gesture, this.resume);
    parts.context.removeEventListener('statechange', this.#stopWaiting);
    parts.context.close().catch(() => undefined);
  }

  readonly #stopWaiting = (): void => {
    if (this.running) for (const gesture of gestures) document.removeEventListener(gesture, this.resume);
  };
}

function measure(bus: GainNode): AnalyserNode {
  const analyser = bus.context.createAnalyser();
  analyser.fftSize = windowSamples;
  bus.connect(analyser);
  return analyser;
}
