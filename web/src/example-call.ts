import { exampleEvents, exampleLoudness, exampleMs, stillMs } from './example-script.ts';
import type { ExampleEvent } from './example-script.ts';
import type { TimelineModel } from './timeline-model.ts';
import type { WaterfallModel } from './waterfall-model.ts';

/** Smooth enough for a picture that nobody talks to, and cheap for a page that is left open. */
const tickMs = 66;
/** As often as a bar of the timeline is wide. */
const sampleMs = 50;

export type ExampleCallOptions = {
  timeline: TimelineModel;
  waterfall: WaterfallModel;
  /** There is something new to draw, at this time of the example. */
  onTick: (nowMs: number) => void;
};

/** Before the first call: shows what a call looks like, over and over, and says that it is an example. */
export class ExampleCall {
  readonly #options: ExampleCallOptions;
  #timer: ReturnType<typeof setInterval> | undefined;
  #running = false;
  #startedAtMs = 0;
  #shownMs = 0;
  #told = 0;

  constructor(options: ExampleCallOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#running;
  }

  /** The present, in the example. */
  get nowMs(): number {
    return this.#shownMs;
  }

  /** @param calm one moment of it, without motion */
  start(calm: boolean): void {
    this.#running = true;
    document.body.dataset['example'] = 'true';
    this.#restart();
    if (calm) this.#showUntil(stillMs);
    else this.#timer = setInterval(this.#tick, tickMs);
  }

  /** A call begins. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    clearInterval(this.#timer);
    delete document.body.dataset['example'];
    this.#clear();
  }

  readonly #tick = (): void => {
    if (document.hidden) return;
    if (performance.now() - this.#startedAtMs > exampleMs) this.#restart();
    this.#showUntil(performance.now() - this.#startedAtMs);
  };

  #restart(): void {
    this.#clear();
    this.#startedAtMs = performance.now();
    this.#shownMs = 0;
    this.#told = 0;
  }

  #showUntil(nowMs: number): void {
    const { timeline, waterfall, onTick } = this.#options;
    for (let next = exampleEvents[this.#told]; next && next.atMs <= nowMs; next = exampleEvents[++this.#told]) {
      tell(next, timeline, waterfall);
    }
    const first = Math.ceil(this.#shownMs / sampleMs) * sampleMs;
    for (let atMs = first; atMs < nowMs; atMs += sampleMs) {
      timeline.level({ atMs, user: exampleLoudness('user', atMs), agent: exampleLoudness('agent', atMs) });
    }
    this.#shownMs = nowMs;
    onTick(nowMs);
  }

  #clear(): void {
    this.#options.timeline.clear();
    this.#options.waterfall.clear();
  }
}

function tell(event: ExampleEvent, timeline: TimelineModel, waterfall: WaterfallModel): void {
  switch (event.name) {
    case 'speech':
      return timeline.userSpeech(event);
    case 'agentState':
      timeline.agentState(event.state);
      return waterfall.agentState(event.state);
    case 'turn':
      timeline.turn(event.turn);
      return waterfall.turn(event.turn);
    case 'decision':
      return waterfall.decision(event.decision);
    case 'line':
      return waterfall.transcript(event.entry);
  }
}
