import type { AudioGraph } from './audio-graph.ts';
import type { MediaPlaybackState } from './types.ts';

/** Plays the agent's voice, and knows whether the browser lets it. */
export class Playback {
  readonly #graph: AudioGraph;
  readonly #onState: (state: MediaPlaybackState) => void;
  readonly #elements = new Map<MediaStreamTrack, HTMLAudioElement>();
  /** What the last `play()` came to; `undefined` before the first. */
  #state: MediaPlaybackState | undefined;

  /** @param onState called with what the first attempt came to, and on each change after that */
  constructor(graph: AudioGraph, onState: (state: MediaPlaybackState) => void) {
    this.#graph = graph;
    this.#onState = onState;
  }

  /**
   * Whether sound may be played now. Before anything was tried it is a forecast: browsers allow it after a click on
   * the page, and some of them on pages that they trust for other reasons, where an audio context runs by itself.
   */
  get state(): MediaPlaybackState {
    return this.#state ?? (navigator.userActivation?.hasBeenActive || this.#graph.running ? 'running' : 'blocked');
  }

  play(track: MediaStreamTrack): void {
    const prepared = this.#elements.get(track);
    if (!prepared) {
      this.#add(track, false);
      return;
    }
    if (!prepared.muted) return;
    prepared.muted = false;
    this.#graph.setSilent(track, false);
    // A browser that still waits for a click has let the muted element play, and stops it now.
    void this.#start(prepared);
  }

  /** Plays a track without a sound, so that its jitter buffer runs and `play` is heard at once. */
  prepare(track: MediaStreamTrack): void {
    if (!this.#elements.has(track)) this.#add(track, true);
  }

  stop(track: MediaStreamTrack): void {
    const element = this.#elements.get(track);
    this.#elements.delete(track);
    this.#graph.remove(track);
    if (!element) return;
    element.pause();
    element.srcObject = null;
  }

  /** After a click, where the browser has blocked it. @returns whether sound plays now */
  async start(): Promise<boolean> {
    await Promise.all([...this.#elements.values()].map((element) => this.#start(element)));
    this.#graph.resume();
    return this.state === 'running';
  }

  close(): void {
    for (const track of this.#elements.keys()) this.stop(track);
  }

  #add(track: MediaStreamTrack, silent: boolean): void {
    const element = new Audio();
    element.autoplay = true;
    element.muted = silent;
    element.srcObject = new MediaStream([track]);
    this.#elements.set(track, element);
    // Chromium feeds a remote stream into Web Audio only while an element plays it.
    this.#graph.add('agent', track, silent);
    void this.#start(element);
  }

  async #start(element: HTMLAudioElement): Promise<void> {
    this.#graph.resume();
    try {
      await element.play();
      // A muted one may always be played, which says nothing of the others.
      if (!element.muted) this.#changed('running');
    } catch (error) {
      // Anything else means that the element was stopped before it had begun.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#changed('blocked');
    }
  }

  #changed(state: MediaPlaybackState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
  }
}
