/**
 * The audio of one reply: grows while it is generated, is read frame by frame while it is heard, and knows which words
 * lie where, so that what was heard can be told from what was only generated. Positions are samples from its start and
 * always whole frames.
 */
import type { BrokenClause, ReplyProgress } from '../conversation/conversation-events.ts';
import { fade } from '../audio/fade.ts';
import { withoutSounds } from '../conversation/owed.ts';
import type { SpokenAudio } from '../providers/provider.ts';
import { clausesOf, heardOf, isExactAt, type Clause, type ClipFrame, type Segment } from './speech-segment.ts';
import { speechBounds } from '../audio/speech-bounds.ts';

export type SpeechAudioOptions = {
  turnId: string;
  sampleRateHz: number;
  /** Samples of one frame. */
  frameSamples: number;
  /** There is enough for a beginning now. */
  onReady?: (() => void) | undefined;
};

/** Heard audio kept for going back to: the longest `resumeRewindMs` and a word. */
const KEPT_MS = 4000;
/** What lies this far below a clause's loudest is its end, not its last word. */
const CLAUSE_RANGE_DB = 40;
/** Samples below this are a pause to a listener: some 44 dB below the loudest that there can be. */
const QUIET = 200;
/** Going on within a clause, a pause there is shortened by this much: another pod's start has taken as long. */
const SHORTENED_MS = 80;
const FADE_IN_MS = 10;
const RELEASED = new Int16Array(0);
/** Frames that there must be before the first is sent. More: heard later; fewer: a voice that streams stutters at first. */
const FIRST_FRAMES = 3;

export class SpeechAudio {
  readonly turnId: string;
  readonly sampleRateHz: number;
  readonly #frameSamples: number;
  readonly #onReady: (() => void) | undefined;
  readonly #segments: Segment[] = [];
  /** Texts whose audio was let go again, in order. */
  #releasedText = '';
  #announced = 0;
  #length = 0;
  #ended = false;
  /** Of the length, words in between. */
  #bridged = 0;
  /** What the first piece is to begin with, in place of its own beginning. */
  #within: { broken: BrokenClause; rest: string } | undefined;

  constructor(options: SpeechAudioOptions) {
    this.turnId = options.turnId;
    this.sampleRateHz = options.sampleRateHz;
    this.#frameSamples = options.frameSamples;
    this.#onReady = options.onReady;
  }

  /** Words in between, which are no part of what was to be said: whether there is anything else, they do not tell. */
  bridge(pieces: readonly SpokenAudio[]): void {
    const before = this.#length;
    for (const piece of pieces) this.append(piece);
    this.#bridged += this.#length - before;
  }

  /** Samples of what is to be said, without words in between. */
  get contentLength(): number {
    return this.#length - this.#bridged;
  }

  /** Something of what is to be said is there. */
  get hasContent(): boolean {
    return this.contentLength > 0;
  }

  /** Adds a piece. Audio that recurs has its frames to itself, so that they can be used again once encoded. */
  append(audio: SpokenAudio): void {
    if (audio.pcm.sampleRateHz !== this.sampleRateHz) {
      throw new RangeError(`speech at ${audio.pcm.sampleRateHz} Hz cannot join speech at ${this.sampleRateHz} Hz`);
    }
    const within = this.#within;
    this.#within = undefined;
    const { pcm, text, words, cacheKey } =
      within && within.broken.key === audio.cacheKey ? this.#restOf(audio, within.broken, within.rest) : audio;
    const { samples } = pcm;
    const { canBegin } = this;
    if (cacheKey !== undefined) this.#fillFrame();
    this.#segments.push({ start: this.#length, samples, text, words, cacheKey });
    this.#length += samples.length;
    if (cacheKey !== undefined) this.#fillFrame();
    if (!canBegin && this.canBegin) this.#onReady?.();
  }

  /**
   * Begins within a clause that was broken off elsewhere: its audio, once it comes, has lost what was heard.
   * @param rest its words from there on
   */
  beginWithin(broken: BrokenClause, rest: string): void {
    this.#within = { broken, rest };
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Samples generated so far. */
  get length(): number {
    return this.#length;
  }

  /** Whether a frame at `position` can be played: all of it is there, or the rest never will be. */
  frameReady(position: number): boolean {
    return position < this.#length && (this.#ended || position + this.#frameSamples <= this.#length);
  }

  /** Whether there is enough for a beginning that does not break off at once: 60 ms, or all. */
  get canBegin(): boolean {
    return this.#length > 0 && (this.#ended || this.#length >= FIRST_FRAMES * this.#frameSamples);
  }

  finishedAt(position: number): boolean {
    return this.#ended && position >= this.#length;
  }

  /** Copies the frame at `position`, with silence where there is nothing. */
  read(position: number, frame: Int16Array): void {
    frame.fill(0);
    for (const { start, samples } of this.#segments) {
      const from = Math.max(position, start);
      const to = Math.min(position + frame.length, start + samples.length);
      if (from < to) frame.set(samples.subarray(from - start, to - start), from - position);
    }
  }

  /** The recurring clip that the frame at `position` belongs to, if it does. */
  clipAt(position: number): ClipFrame | undefined {
    const segment = this.#segmentAt(position);
    if (segment?.cacheKey === undefined) return undefined;
    const index = (position - segment.start) / this.#frameSamples;
    return { key: segment.cacheKey, samples: segment.samples, index };
  }

  /** What of the text has been heard at `position`: by word times where there are, else by the share of the audio. */
  heardText(position: number): string {
    const heard = this.#clauses.map((clause) => heardOf(clause, position, this.sampleRateHz));
    return heard.reduce(join, this.#releasedText);
  }

  /** Whether `heardText` knows at `position`, and does not judge by the share of the audio. */
  isExactAt(position: number): boolean {
    return this.#clauses.every((clause) => isExactAt(clause, position));
  }

  /** The text of all pieces begun before `position`, whole, if it has grown since this was last asked. */
  newlyBegunText(position: number): string | undefined {
    let grown = false;
    for (let next = this.#segments[this.#announced]; next && next.start < position;) {
      grown ||= next.text !== '';
      next = this.#segments[++this.#announced];
    }
    if (!grown) return undefined;
    const begun = this.#segments.slice(0, this.#announced);
    return begun.reduce((text, segment) => join(text, segment.text), this.#releasedText);
  }

  /** All of its text. */
  get text(): string {
    return this.#segments.reduce((text, segment) => join(text, segment.text), this.#releasedText);
  }

  /** What comes before `unheardText`. */
  wholeClauses(position: number): { text: string; durationMs: number } {
    const clauses = this.#clauses;
    const unheard = clauses.findIndex(({ end }) => end > position);
    const heard = unheard < 0 ? clauses : clauses.slice(0, unheard);
    const text = heard.reduce((before, clause) => join(before, clause.text), this.#releasedText);
    const end = clauses[unheard]?.start ?? this.#length;
    return { text, durationMs: Math.round((end / this.sampleRateHz) * 1000) };
  }

  /** The text not heard to its end at `position`, from the beginning of its clause. */
  unheardText(position: number): string {
    return lines(this.#clauses.filter(({ end }) => end > position).map(({ text }) => text));
  }

  /** What was heard when the voice stops at `position`, and what is left, parted at a word. */
  partedAt(position: number): ReplyProgress {
    const clauses = this.#clauses;
    const index = clauses.findIndex(({ end }) => position < end);
    const clause = clauses[index];
    const unheard = this.unheardText(position);
    const bridging = !this.hasContent && { bridgesOnly: true };
    if (!clause || position < clause.start) {
      return { heard: this.heardText(position), unheard, rest: unheard, ...bridging };
    }
    const words = clause.text.split(/\s+/).filter(Boolean);
    const count = this.#wordsHeard(clause, position, words.length);
    const before = clauses.slice(0, index).reduce((text, { text: next }) => join(text, next), this.#releasedText);
    const left = withoutSounds(clause.text) ? words.slice(count).join(' ') : '';
    const { cacheKey } = clause.pieces[0]!;
    const heardMs = Math.round(((position - clause.start) / this.sampleRateHz) * 1000);
    const broken = { clause: clause.text, key: cacheKey ?? '', heardMs };
    return {
      heard: join(before, words.slice(0, count).join(' ')),
      unheard,
      rest: lines([left, ...clauses.slice(index + 1).map(({ text }) => text)]),
      ...bridging,
      ...(left && clause.pieces.length === 1 && cacheKey !== undefined && { broken }),
    };
  }

  /** Whether nothing is to be heard for `ms` from `position` on. */
  pauseAt(position: number, ms: number): boolean {
    const audio = new Int16Array((this.sampleRateHz * ms) / 1000);
    this.read(position, audio);
    return isQuiet(audio);
  }

  /** Where to go on after a break at `position`: the start of the broken word, or `rewindMs` back. */
  resumePosition(position: number, rewindMs: number): number {
    const clause = this.#clauses.findLast(({ start }) => start <= position);
    const earliest = this.#segments.find(({ samples }) => samples !== RELEASED)?.start ?? 0;
    const word = clause?.words.findLast(({ start }) => start <= position);
    const target = word ? word.start : position - (rewindMs * this.sampleRateHz) / 1000;
    return this.#wholeFrames(Math.min(position, Math.max(target, earliest)));
  }

  /** Lets go of audio that lies so far back that nothing will go back to it, and of clauses with the last of theirs. */
  release(position: number): void {
    const before = position - (KEPT_MS * this.sampleRateHz) / 1000;
    for (const piece of this.#segments) {
      if (piece.start + piece.samples.length >= before) break;
      if (piece.samples.length > 0) piece.samples = RELEASED;
    }
    for (let next = this.#nextClause(); next > 0 && this.#segments[next]!.start < before; next = this.#nextClause()) {
      this.#releasedText = join(this.#releasedText, this.#segments[0]!.text);
      this.#segments.splice(0, next);
      this.#announced = Math.max(0, this.#announced - next);
    }
  }

  /** Which piece begins the second clause; −1: none does yet. */
  #nextClause(): number {
    return this.#segments.findIndex(({ text }, index) => index > 0 && text !== '');
  }

  get #clauses(): Clause[] {
    return clausesOf(this.#segments, this.sampleRateHz, this.#ended);
  }

  #segmentAt(position: number): Segment | undefined {
    return this.#segments.find(({ start, samples }) => position >= start && position < start + samples.length);
  }

  #wordsHeard({ words, start, end }: Clause, position: number, count: number): number {
    if (words.length > 0) return Math.min(count, words.filter((word) => word.end <= position).length);
    const audio = new Int16Array(end - start);
    this.read(start, audio);
    const voice = speechBounds(audio, this.sampleRateHz, CLAUSE_RANGE_DB) ?? { start: 0, end: 0 };
    const heard = position - start;
    if (heard >= voice.end) return count;
    return Math.floor((count * Math.max(0, heard - voice.start)) / (voice.end - voice.start));
  }

  /** It fades in, as it faded out elsewhere, and is no clip that recurs. */
  #restOf({ pcm }: SpokenAudio, { heardMs }: BrokenClause, rest: string): SpokenAudio {
    const samplesPerMs = this.sampleRateHz / 1000;
    const step = FADE_IN_MS * samplesPerMs;
    let from = heardMs * samplesPerMs;
    const latest = Math.min(from + SHORTENED_MS * samplesPerMs, pcm.samples.length);
    while (from + step <= latest && isQuiet(pcm.samples.subarray(from, from + step))) from += step;
    const samples = pcm.samples.slice(from);
    fade(samples, 0, 1, step);
    return { pcm: { samples, sampleRateHz: this.sampleRateHz }, text: rest };
  }

  #fillFrame(): void {
    this.#length = this.#wholeFrames(this.#length + this.#frameSamples - 1);
  }

  #wholeFrames(position: number): number {
    return Math.floor(position / this.#frameSamples) * this.#frameSamples;
  }
}

function isQuiet(samples: Int16Array): boolean {
  return samples.every((sample) => sample < QUIET && sample > -QUIET);
}

function lines(texts: string[]): string {
  return texts.filter(Boolean).join('\n');
}

function join(left: string, right: string): string {
  return left && right ? `${left} ${right}` : left || right;
}
