/** One caller: a session, signalling, media both ways over ICE, DTLS and SRTP, as a browser has them; and what it got. */
import { monotonicMs } from '../../media/runtime/clock.ts';
import type { Hello, MediaOptions } from '../../signalling/protocol.ts';
import { PROTOCOL_VERSION } from '../../signalling/protocol.ts';
import { RtcLink } from '../../test/support/rtc-link.ts';
import { timestampOf } from '../send-schedule.ts';
import { CallerSignalling, Refused } from './caller-signalling.ts';
import type { Arrival, Arrivals } from './messages.ts';
import { ReceivedPackets } from './received-packets.ts';
import type { TalkPattern } from './talk-pattern.ts';

export type CallerOptions = {
  arrivals: Pick<Arrivals, 'url' | 'apiKey' | 'session'>;
  talk: TalkPattern;
  /** The caller's packets are due this long after each whole multiple of 20 ms. */
  phaseMs: number;
  /** It heard, it was refused, or it failed: its arrival is complete. Once. */
  onSettled: (caller: Caller) => void;
  /** Its media or its signalling is gone, unasked. */
  onDropped: (reason: string) => void;
  onEvent: (name: string) => void;
  onLateness: (ms: number, voice: boolean) => void;
};

const SAMPLES_PER_FRAME = 960;
const PATIENCE_MS = 15_000;
const ADDRESS = '127.0.0.1';

export class Caller {
  readonly #options: CallerOptions;
  readonly #patience: NodeJS.Timeout;
  readonly arrival: Arrival = { clickedMs: monotonicMs(), outcome: 'connecting' };
  #signalling: CallerSignalling | undefined;
  #link: RtcLink | undefined;
  #received: ReceivedPackets | undefined;
  #timestamp = 0;
  #settled = false;
  #closed = false;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#patience = setTimeout(() => this.#fail('it took too long'), PATIENCE_MS);
    this.#open().catch((error: unknown) => this.#fail(String(error)));
  }

  get talk(): TalkPattern {
    return this.#options.talk;
  }

  get phaseMs(): number {
    return this.#options.phaseMs;
  }

  /** Media stands both ways. */
  get live(): boolean {
    return this.#link?.keep !== undefined && !this.#closed;
  }

  get received(): ReceivedPackets | undefined {
    return this.#received;
  }

  /** Sends the frame that was due at `dueMs`, which its timestamp tells, or passes over its time. @returns what was sent */
  sendFrame(dueMs: number): 'sent' | 'nothing' {
    const { talk } = this.#options;
    const payload = talk.next();
    // Whole frames apart, from the time at which the first one was due.
    this.#timestamp = this.#timestamp === 0 ? timestampOf(dueMs) : (this.#timestamp + SAMPLES_PER_FRAME) >>> 0;
    if (!payload) return 'nothing';
    this.#link?.send(payload, this.#timestamp, talk.begins);
    return 'sent';
  }

  /** Time went by in which nothing could be sent. */
  skipFrames(count: number): void {
    if (this.#timestamp !== 0) this.#timestamp = (this.#timestamp + count * SAMPLES_PER_FRAME) >>> 0;
  }

  /** Ends the session, as a page whose button is pressed. */
  async hangUp(): Promise<void> {
    if (this.#closed) return;
    this.#closing();
    await this.#signalling?.request('leave', {}).catch(() => undefined);
    this.#signalling?.close();
  }

  /** Goes without a word. */
  close(): void {
    this.#closing();
    this.#signalling?.close();
  }

  #closing(): void {
    this.#closed = true;
    clearTimeout(this.#patience);
    this.#link?.close();
  }

  async #open(): Promise<void> {
    const { url, apiKey, session = {} } = this.#options.arrivals;
    const headers = { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) };
    const response = await fetch(`${url}/v2/sessions`, { method: 'POST', headers, body: JSON.stringify(session) });
    const body = (await response.json()) as { token?: string; state?: string; error?: { code: string } };
    this.#mark('answeredMs');
    if (response.status === 503) return this.#settle('busy');
    if (!body.token) return this.#fail(body.error?.code ?? `status ${response.status}`);
    if (body.state === 'queued') this.arrival.outcome = 'queued';
    this.#signalling = new CallerSignalling({
      url,
      token: body.token,
      onHello: (hello) => void this.#join(hello).catch((error: unknown) => this.#refused(error)),
      onEvent: (name, data) => this.#onEvent(name, data),
      onLost: (reason) => this.#lost(reason),
    });
  }

  async #join({ rtpCapabilities }: Hello): Promise<void> {
    this.#mark('helloMs');
    const request = { protocol: PROTOCOL_VERSION, sdk: 'bench', rtpCapabilities, playback: 'running' as const };
    const { media, queued } = await this.#signalling!.request('join', request);
    this.#mark('joinedMs');
    if (media) return this.#connect(media);
    if (queued !== undefined) this.#settle('queued');
  }

  async #connect(media: MediaOptions): Promise<void> {
    const ssrc = media.consumer.rtpParameters.encodings?.[0]?.ssrc ?? 0;
    const { counts } = this.#received ?? {};
    const received = new ReceivedPackets(ssrc, this.#options.onLateness);
    // What came over earlier transports still counts.
    if (counts) Object.assign(received.counts, counts);
    this.#received = received;
    const signalling = this.#signalling!;
    const link: RtcLink = new RtcLink({
      media,
      bindAddress: ADDRESS,
      request: (name, request) => signalling.request(name, request),
      onPacket: (packet) => this.#heard(received, packet),
      onLost: () => link === this.#link && this.#lost('media'),
    });
    this.#link?.close();
    this.#link = link;
    await link.connect();
    this.#mark('connectedMs');
  }

  #heard(received: ReceivedPackets, packet: Buffer): void {
    received.note(packet, monotonicMs());
    if (received.firstVoiceMs === undefined || this.#settled) return;
    const { clickedMs } = this.arrival;
    this.arrival.firstPacketMs ??= received.firstMs! - clickedMs;
    this.arrival.firstVoiceMs ??= received.firstVoiceMs - clickedMs;
    this.#settle('connected');
  }

  #onEvent(name: string, data: Record<string, unknown>): void {
    this.#options.onEvent(name);
    if (name === 'move') {
      const { media } = data as { media: MediaOptions };
      this.#connect(media).catch((error: unknown) => this.#lost(String(error)));
    }
    if (name === 'ended') this.#lost(`ended: ${String(data['reason'])}`);
  }

  #mark(step: 'answeredMs' | 'helloMs' | 'joinedMs' | 'connectedMs'): void {
    this.arrival[step] ??= monotonicMs() - this.arrival.clickedMs;
  }

  #refused(error: unknown): void {
    if (error instanceof Refused && error.code === 'server_busy') this.#settle('busy');
    else this.#fail(String(error));
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    if (!this.#settled) return this.#fail(reason);
    this.close();
    if (this.arrival.outcome === 'connected') this.#options.onDropped(reason);
  }

  #fail(reason: string): void {
    if (this.#closed || this.#settled) return;
    this.arrival.reason = reason;
    this.#settle('failed');
  }

  #settle(outcome: Arrival['outcome']): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#patience);
    this.arrival.outcome = outcome;
    // Whoever does not get in does not wait for it: a session that is left open keeps its place, or waits for one.
    if (outcome !== 'connected') void this.hangUp();
    this.#options.onSettled(this);
  }
}
