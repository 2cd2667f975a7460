import type { ParleyClient } from '../../client-sdk/src/index.ts';
import { moment } from './durations.ts';
import { elements } from './elements.ts';
import type { SessionClock } from './session-clock.ts';
import type { TimelineModel } from './timeline-model.ts';
import { TimelineView } from './timeline-view.ts';

/** As often as a bar of the timeline is wide. */
const sampleMs = 50;
/** Those who asked for less motion see the timeline step along instead of glide. */
const calmFrameMs = 1000;
/** A meter falls more slowly than it rises, so that syllables can be seen. Share that is left after a frame. */
const meterDecay = 0.86;
/** How much of the past is kept: what is drawn, and a little. */
const keptMs = 25_000;

/** Everything that moves while a call goes on: both meters, the timeline, and the elapsed time. */
export class LiveView {
  readonly #model: TimelineModel;
  readonly #clock: SessionClock;
  readonly #timeline: TimelineView;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #shown = { user: 0, agent: 0 };
  #client: ParleyClient | undefined;
  #sampledAtMs = 0;
  #drawnAtMs = 0;
  /** Session time at the right edge of the timeline. */
  #endMs = 0;
  #frame: number | undefined;

  constructor(model: TimelineModel, clock: SessionClock) {
    this.#model = model;
    this.#clock = clock;
    this.#timeline = new TimelineView(elements.timeline, model);
    new ResizeObserver(() => this.#draw()).observe(elements.timeline);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  start(client: ParleyClient): void {
    this.#client = client;
    this.#frame ??= requestAnimationFrame(this.#tick);
  }

  stop(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#client = undefined;
    this.#shown.user = this.#shown.agent = 0;
    this.#meter('user', 0);
    this.#meter('agent', 0);
    this.#draw();
  }

  /** Shows the timeline at this time of an example, without a call. */
  preview(nowMs: number): void {
    this.#model.forgetBefore(nowMs - keptMs);
    this.#endMs = nowMs;
    this.#draw();
  }

  readonly #tick = (): void => {
    this.#frame = requestAnimationFrame(this.#tick);
    const client = this.#client;
    if (!client) return;
    const nowMs = performance.now();
    const user = client.level('user');
    const agent = client.level('agent');
    this.#meter('user', user);
    this.#meter('agent', agent);
    if (nowMs - this.#sampledAtMs >= sampleMs && this.#clock.running) {
      this.#sampledAtMs = nowMs;
      this.#model.level({ atMs: this.#clock.at(nowMs), user, agent });
    }
    if (nowMs - this.#drawnAtMs >= (this.#calm.matches ? calmFrameMs : 0)) this.#draw();
  };

  #draw(): void {
    this.#drawnAtMs = performance.now();
    const nowMs = this.#clock.at(this.#drawnAtMs);
    if (this.#client) {
      this.#model.forgetBefore(nowMs - keptMs);
      this.#endMs = nowMs;
    }
    // After a call its last moments stay to be read.
    this.#timeline.draw(this.#endMs);
    const elapsed = this.#clock.running ? moment(this.#endMs) : '';
    if (elements.elapsed.textContent !== elapsed) elements.elapsed.textContent = elapsed;
  }

  #meter(side: 'user' | 'agent', level: number): void {
    const shown = Math.max(level, this.#shown[side] * meterDecay);
    this.#shown[side] = shown < 0.01 ? 0 : shown;
    const element = side === 'user' ? elements.userMeter : elements.agentMeter;
    element.style.setProperty('--level', this.#shown[side].toFixed(3));
    if (side === 'agent') document.body.style.setProperty('--agent-level', this.#shown[side].toFixed(3));
  }
}
