import type { Request } from '../../signalling/protocol.ts';
import type { AudioGraph } from './audio-graph.ts';
import type { ConnectClock } from './connect-clock.ts';
import type { MediaLink } from './media-link.ts';
import { PacketWatch } from './packet-watch.ts';
import { PlayoutDelay } from './playout-delay.ts';
import { packetsReceived, readStatistics } from './statistics.ts';

export type MediaMonitorOptions = {
  link: () => MediaLink | undefined;
  graph: AudioGraph;
  clock: ConnectClock;
  /** At least one packet of the agent is missing. */
  onSuspicion: (silentMs: number) => void;
  /** No packet of the agent for so long; called again after each further second. */
  onSilent: (silentMs: number) => void;
  onBack: (afterMs: number) => void;
  /** Told every 5 s, for the server. */
  onFigures: (figures: NonNullable<Request<'report'>['statistics']>) => void;
};

/** A look costs a phone about a millisecond; this many find a missing packet early enough. */
const packetLookMs = 200;
const figuresMs = 5000;
/** The first ones come sooner: with them the server knows how far an answer was heard when the caller cuts in. */
const firstFiguresMs = 1500;
/** Fine enough to time the first sound; it ends as soon as that was heard. */
const firstAudioLookMs = 20;
/** A figure later than this would say nothing about connecting. */
const firstAudioLooks = 1500;
/** A voice at its quietest; the noise of an encoded pause is below. */
const audibleRms = 0.003;

/** Watches the media of a call: packets that stop, figures for the server, and when the agent was first heard. */
export class MediaMonitor {
  readonly #options: MediaMonitorOptions;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #firstAudioTimer: ReturnType<typeof setInterval> | undefined;
  #firstAudioLooks = 0;
  #suspicionTimer: ReturnType<typeof setTimeout> | undefined;
  #watched: MediaLink | undefined;
  readonly #watch = new PacketWatch();
  readonly #playoutDelay = new PlayoutDelay();
  #firstFiguresTimer: ReturnType<typeof setTimeout> | undefined;
  #playoutDelayMs: number | undefined;

  constructor(options: MediaMonitorOptions) {
    this.#options = options;
  }

  /** As of the last figures. */
  get playoutDelayMs(): number | undefined {
    return this.#playoutDelayMs;
  }

  /** When packets of the agent were last found, on the clock of `performance.now()`. */
  get heardMs(): number | undefined {
    return this.#watch.heardMs;
  }

  start(): void {
    if (this.#timers.length > 0) return;
    this.#timers.push(setInterval(() => void this.#look(), packetLookMs));
    this.#timers.push(setInterval(() => void this.#report(), figuresMs));
    this.#firstFiguresTimer = setTimeout(() => void this.#report(), firstFiguresMs);
    this.#firstAudioTimer = setInterval(() => this.#listen(), firstAudioLookMs);
  }

  close(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    clearInterval(this.#firstAudioTimer);
    clearTimeout(this.#firstFiguresTimer);
    clearTimeout(this.#suspicionTimer);
  }

  async #look(): Promise<void> {
    const link = this.#options.link();
    if (!link?.receiveConnected) return;
    if (link !== this.#watched) {
      this.#watched = link;
      this.#watch.restart(performance.now());
    }
    const count = packetsReceived(await link.receivedStatistics().catch(() => []));
    if (link !== this.#options.link()) return;
    // Before the first packet there is no entry at all, and that is a silence as well.
    const nowMs = performance.now();
    const verdict = this.#watch.look(count ?? 0, nowMs);
    if (verdict === undefined) return this.#lookInTime((this.#watch.suspicionDueMs ?? Infinity) - nowMs);
    if ('suspectedMs' in verdict) this.#options.onSuspicion(Math.round(verdict.suspectedMs));
    else if ('silentMs' in verdict) this.#options.onSilent(Math.round(verdict.silentMs));
    else this.#options.onBack(Math.round(verdict.backAfterMs));
  }

  /** A suspicion that would fall due between two looks is not left to the second one. */
  #lookInTime(dueInMs: number): void {
    clearTimeout(this.#suspicionTimer);
    if (dueInMs < packetLookMs) this.#suspicionTimer = setTimeout(() => void this.#look(), dueInMs);
  }

  async #report(): Promise<void> {
    const statistics = await this.#options
      .link()
      ?.statistics()
      .catch(() => undefined);
    if (!statistics) return;
    this.#playoutDelayMs = this.#playoutDelay.look(statistics.received);
    const figures = readStatistics(statistics.received, statistics.sent);
    const { roundTripMs, packetsLost, packetsReceived: received, jitterMs, concealedMs } = figures;
    const playoutDelayMs = this.#playoutDelayMs;
    const told = { roundTripMs, packetsLost, packetsReceived: received, jitterMs, concealedMs, playoutDelayMs };
    this.#options.onFigures(told);
  }

  #listen(): void {
    const { clock, graph, link } = this.#options;
    if (!clock.has('firstPacketMs') && link()?.receiver?.getSynchronizationSources().length)
      clock.mark('firstPacketMs');
    const heard = graph.rms('agent') >= audibleRms;
    if (heard) clock.mark('firstAudioMs');
    if (heard || ++this.#firstAudioLooks === firstAudioLooks) clearInterval(this.#firstAudioTimer);
  }
}
