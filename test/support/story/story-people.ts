/** Who speaks in a story: the user, and the agent as the user hears it. */
import { LINE_BREAK_MS } from './story-ear.ts';
import { MICROPHONE_RATE_HZ, FRAME_SAMPLES } from './story-microphone.ts';
import type { StoryPod } from './story-pod.ts';
import type { StoryWorld } from './story-world.ts';
import { LOUD, noise, soundOf } from './word-sounds.ts';

/** What was to be heard of one side without a longer break. */
export type StoryLine = { who: 'user' | 'agent'; text: string; startMs: number; endMs: number };

/** Time in a story. */
export type StoryTime = {
  passes: (ms: number) => Promise<void>;
  /** Lets time pass until something holds. Throws when it does not within the limit. */
  until: (holds: () => boolean, what: () => string, limitMs?: number) => Promise<void>;
};

const FRAME_MS = 20;

export class StoryUser {
  readonly lines: StoryLine[] = [];
  readonly #world: StoryWorld;
  readonly #time: StoryTime;
  readonly #agent: StoryListener;
  readonly #pod: () => StoryPod;

  constructor(world: StoryWorld, time: StoryTime, agent: StoryListener, pod: () => StoryPod) {
    this.#world = world;
    this.#time = time;
    this.#agent = agent;
    this.#pod = pod;
  }

  /** Says it, now. Resolves with its last sound. @param loud share of a full voice */
  async says(text: string, { loud = 1, wordMs }: { loud?: number; wordMs?: number } = {}): Promise<void> {
    const words = this.#world.sounds.say(text, wordMs);
    const sounds = words.map((word) => soundOf(word, MICROPHONE_RATE_HZ, LOUD * loud));
    await this.#sounds(text, sounds);
  }

  /** A sound that is no word, as loud as speech. */
  async coughs(ms = 240): Promise<void> {
    await this.#sounds('(coughs)', [noise(ms, MICROPHONE_RATE_HZ)]);
  }

  /** Says nothing for so long. */
  async pauses(ms: number): Promise<void> {
    await this.#time.passes(ms);
  }

  /** Speaks when the agent has been heard for so long. */
  async interruptsAfter(ms: number, text: string): Promise<void> {
    await this.#agent.speaksFor(ms);
    await this.says(text);
  }

  types(text: string): void {
    this.#pod().call.say(text);
  }

  /** Presses the button that silences the agent. */
  clicksStop(): void {
    this.#pod().call.interrupt();
  }

  mutes(): void {
    this.#world.microphone.muted = true;
    this.#pod().call.mute(true);
  }

  unmutes(): void {
    this.#world.microphone.muted = false;
    this.#pod().call.mute(false);
  }

  async #sounds(text: string, sounds: readonly Int16Array[]): Promise<void> {
    const length = sounds.reduce((sum, sound) => sum + sound.length, 0);
    const samples = new Int16Array(Math.ceil(length / FRAME_SAMPLES) * FRAME_SAMPLES);
    let at = 0;
    for (const sound of sounds) {
      samples.set(sound, at);
      at += sound.length;
    }
    const { startMs, endMs } = this.#world.microphone.sound(samples);
    this.lines.push({ who: 'user', text, startMs, endMs });
    await this.#time.passes(endMs - this.#world.timing.nowMs());
  }
}

export class StoryListener {
  readonly #world: StoryWorld;
  readonly #time: StoryTime;
  /** Words that a story has asked for already. */
  #checked = 0;

  constructor(world: StoryWorld, time: StoryTime) {
    this.#world = world;
    this.#time = time;
  }

  /** Waits until these words have been heard last, whole; none of them counts twice. */
  async isHeard(text: string): Promise<void> {
    const heard = () =>
      this.#world.ear.words
        .slice(this.#checked)
        .filter(({ whole }) => whole)
        .map(({ word }) => word)
        .join(' ');
    await this.#time.until(
      () => ` ${heard()}`.endsWith(` ${text}`) && this.#lastIsOver,
      () => `the agent to be heard with "${text}", and not "${heard()}"`,
    );
    this.#checked = this.#world.ear.words.length;
  }

  /** Waits until its voice has been heard for so long without a break. */
  async speaksFor(ms: number): Promise<void> {
    const { ear, timing } = this.#world;
    const isSpeaking = () => timing.nowMs() - ear.lastHeardMs <= FRAME_MS;
    const hasSpoken = () => isSpeaking() && timing.nowMs() - ear.heardSinceMs >= ms;
    await this.#time.until(hasSpoken, () => `the agent to speak for ${ms} ms`);
  }

  /** Waits until nothing has been heard of it for so long. */
  async isSilentFor(ms: number): Promise<void> {
    const { ear, timing } = this.#world;
    await this.#time.until(
      () => timing.nowMs() - ear.lastHeardMs >= ms,
      () => `the agent to be silent for ${ms} ms`,
    );
  }

  /** Everything that was heard: a word that broke off has a dash at its end, one in a lowered voice is in brackets. */
  get lines(): StoryLine[] {
    const lines: StoryLine[] = [];
    for (const { word, startMs, endMs, whole, lowered } of this.#world.ear.words) {
      const broken = whole ? word : `${word}-`;
      const text = lowered ? `(${broken})` : broken;
      const line = lines.at(-1);
      if (!line || startMs - line.endMs >= LINE_BREAK_MS) lines.push({ who: 'agent', text, startMs, endMs });
      else Object.assign(line, { text: `${line.text} ${text}`, endMs });
    }
    return lines;
  }

  /** No frame of the last word can follow. */
  get #lastIsOver(): boolean {
    return this.#world.timing.nowMs() - this.#world.ear.lastHeardMs >= FRAME_MS;
  }
}
