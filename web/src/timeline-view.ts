import type { Lane, Segment, SegmentKind, TimelineModel } from './timeline-model.ts';
import { moment } from './durations.ts';

/** How much of the call is in view. */
const spanMs = 20_000;
/** The present stands a little inside of the right edge, so that what begins is seen to begin. */
const leadMs = 400;
/** Room for words above what they are about. */
const labelPx = 18;
/** Below it is the noise of a room. */
const quietest = 0.06;
const tickMs = 5000;
const gutterPx = 52;
const axisPx = 22;
const barPx = 3;
const barGapPx = 2;

type Palette = Record<'ink' | 'quiet' | 'line' | 'user' | 'agent' | 'wash' | 'userWash', string>;
type Box = { top: number; height: number };

/** Draws the two lanes onto a canvas: who spoke when, how loud it was, and what was made of it. */
export class TimelineView {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #model: TimelineModel;
  #palette: Palette;
  #font = '';
  #width = 0;
  #height = 0;
  /** Session time at the left edge. */
  #fromMs = 0;

  constructor(canvas: HTMLCanvasElement, model: TimelineModel) {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('this browser cannot draw on a canvas');
    this.#canvas = canvas;
    this.#context = context;
    this.#model = model;
    this.#palette = readPalette(canvas);
    this.#font = getComputedStyle(canvas).fontFamily;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => (this.#palette = readPalette(canvas)));
  }

  /** @param nowMs the present, in session time; the first stretch of a call stands still and fills from the left */
  draw(nowMs: number): void {
    this.#fit();
    this.#fromMs = Math.max(0, nowMs + leadMs - spanMs);
    this.#context.clearRect(0, 0, this.#width, this.#height);
    this.#axis();
    const laneHeight = (this.#height - axisPx) / 2;
    this.#lane('user', 'You', { top: 0, height: laneHeight }, nowMs);
    this.#lane('agent', 'Agent', { top: laneHeight, height: laneHeight }, nowMs);
  }

  #lane(lane: Lane, name: string, place: Box, nowMs: number): void {
    const context = this.#context;
    const box = { top: place.top + labelPx, height: place.height - labelPx - 6 };
    const middle = box.top + box.height / 2;
    context.fillStyle = this.#palette.ink;
    context.font = `500 13px ${this.#font}`;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.fillText(name, 0, middle);
    this.#line(gutterPx, middle, this.#width, middle);
    context.save();
    context.beginPath();
    context.rect(gutterPx, 0, this.#width - gutterPx, this.#height);
    context.clip();
    for (const segment of this.#model.segments) if (segment.lane === lane) this.#segment(segment, box, nowMs);
    this.#bars(lane, box);
    this.#marks(lane, box);
    context.restore();
  }

  #segment(segment: Segment, box: Box, nowMs: number): void {
    const context = this.#context;
    const left = this.#x(segment.startMs);
    const right = this.#x(segment.endMs ?? nowMs);
    if (right < gutterPx) return;
    const share = heights[segment.kind];
    const height = box.height * share;
    const shape = roundedBox(left, box.top + (box.height - height) / 2, Math.max(2, right - left), height);
    if (segment.kind === 'waiting' || segment.kind === 'thinking' || segment.kind === 'paused') {
      context.setLineDash([3, 3]);
      context.lineWidth = 1;
      context.strokeStyle = segment.lane === 'user' ? this.#palette.user : this.#palette.agent;
      context.stroke(shape);
      context.setLineDash([]);
      return;
    }
    context.fillStyle = segment.lane === 'user' ? this.#palette.userWash : this.#palette.wash;
    context.fill(shape);
  }

  /** The loudness, one bar for each few pixels: bars stand on a grid of time, so that they scroll without flicker. */
  #bars(lane: Lane, box: Box): void {
    const stepMs = ((barPx + barGapPx) * spanMs) / (this.#width - gutterPx);
    const peaks = new Map<number, number>();
    for (const loudness of this.#model.loudness) {
      const slot = Math.floor(loudness.atMs / stepMs);
      peaks.set(slot, Math.max(peaks.get(slot) ?? 0, loudness[lane]));
    }
    const context = this.#context;
    context.fillStyle = lane === 'user' ? this.#palette.user : this.#palette.agent;
    for (const [slot, peak] of peaks) {
      const x = this.#x(slot * stepMs);
      if (x < gutterPx - barPx || peak < quietest) continue;
      // Beyond the proportion of a meter, so that syllables stand out.
      const height = Math.max(2, peak ** 1.6 * (box.height - 10));
      context.fill(roundedBox(x, box.top + (box.height - height) / 2, barPx, height));
    }
  }

  #marks(lane: Lane, box: Box): void {
    const context = this.#context;
    context.font = `12px ${this.#font}`;
    context.textBaseline = 'alphabetic';
    for (const mark of this.#model.marks) {
      if (mark.lane !== lane) continue;
      const x = this.#x(mark.atMs);
      const width = context.measureText(mark.label).width;
      if (x + width < gutterPx) continue;
      context.strokeStyle = this.#palette.ink;
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(x, box.top - labelPx + 4);
      context.lineTo(x, box.top + box.height);
      context.stroke();
      const onLeft = x + width + 6 > this.#width;
      context.textAlign = onLeft ? 'right' : 'left';
      context.fillStyle = this.#palette.ink;
      context.fillText(mark.label, onLeft ? x - 6 : x + 6, box.top - 5);
    }
  }

  #axis(): void {
    const context = this.#context;
    const y = this.#height - axisPx;
    this.#line(gutterPx, y, this.#width, y);
    context.font = `12px ${this.#font}`;
    context.fillStyle = this.#palette.quiet;
    context.textBaseline = 'middle';
    context.textAlign = 'center';
    const firstMs = Math.ceil(this.#fromMs / tickMs) * tickMs;
    for (let atMs = firstMs; atMs <= this.#fromMs + spanMs; atMs += tickMs) {
      const x = this.#x(atMs);
      if (x > this.#width - 14) continue;
      context.fillText(moment(atMs), x, y + axisPx / 2 + 2);
      this.#line(x, y, x, y + 4);
    }
  }

  #line(fromX: number, fromY: number, toX: number, toY: number): void {
    const context = this.#context;
    context.strokeStyle = this.#palette.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(fromX, Math.round(fromY) + 0.5);
    context.lineTo(toX, Math.round(toY) + 0.5);
    context.stroke();
  }

  #x(atMs: number): number {
    return gutterPx + ((this.#width - gutterPx) * (atMs - this.#fromMs)) / spanMs;
  }

  #fit(): void {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.#canvas;
    if (this.#canvas.width !== Math.round(clientWidth * ratio)) this.#canvas.width = Math.round(clientWidth * ratio);
    if (this.#canvas.height !== Math.round(clientHeight * ratio))
      this.#canvas.height = Math.round(clientHeight * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#width = clientWidth;
    this.#height = clientHeight;
  }
}

/** How much of its lane a stretch fills: a quieter agent is drawn smaller. */
const heights: Record<SegmentKind, number> = {
  speech: 1,
  waiting: 0.3,
  thinking: 0.3,
  normal: 1,
  ducked: 0.5,
  paused: 0.5,
};

function roundedBox(x: number, y: number, width: number, height: number): Path2D {
  const path = new Path2D();
  path.roundRect(x, y, width, height, Math.min(5, width / 2, height / 2));
  return path;
}

function readPalette(canvas: HTMLCanvasElement): Palette {
  const style = getComputedStyle(canvas);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: color('--ink'),
    quiet: color('--quiet'),
    line: color('--line'),
    user: color('--user'),
    agent: color('--accent'),
    wash: color('--accent-wash'),
    userWash: color('--user-wash'),
  };
}
