/**
 * A caller without a browser, cheap enough for hundreds in one process: signalling and media as the SDK does them, speech
 * from packets that were encoded before, and a record of all that came. It cannot restart ICE: where its connection is
 * lost, it joins again for a new one.
 */
import { cleanup } from 'node-datachannel';
import { PacketWatch } from '../../client-sdk/src/packet-watch.ts';
import type { Answers, Hello, MediaOptions, Request, RequestName } from '../../signalling/protocol.ts';
import { PROTOCOL_VERSION } from '../../signalling/protocol.ts';
import { HeardVoice } from './heard-voice.ts';
import { RtcLink } from './rtc-link.ts';
import { RequestRefused, ScriptedSignalling, type CallerEvent } from './scripted-signalling.ts';
import { onEachTick, SpeechLine } from './speech-line.ts';

export type ScriptedCallerOptions = {
  url: string;
  token: string;
  /** `false`: signalling alone. Default: true. */
  media?: boolean;
  /** The machine's address to use for media; absent: all of them, which takes longer. */
  bindAddress?: string;
};

/** One answer to `join`. */
export type JoinRecord = { askedMs: number; answeredMs: number; epoch: number; kept: boolean };
/** One set of transports, from being told of to carrying media both ways. */
export type LinkRecord = { toldMs: number; reason: string; connectedMs?: number; usedMs?: number };

const JOIN_TIMEOUT_MS = 10_000;
/** As in the SDK. */
const PACKET_LOOK_MS = 200;
const PATIENCE_MS = 15_000;

export class ScriptedCaller {
  readonly heard = new HeardVoice();
  readonly joins: JoinRecord[] = [];
  readonly links: LinkRecord[] = [];
  readonly signalling: ScriptedSignalling;
  readonly voice: SpeechLine;
  /** Why it gave up; undefined while it has not. */
  failure: string | undefined;
  /** The reason with which the session ended. */
  ended: string | undefined;
  readonly #options: ScriptedCallerOptions;
  readonly #watchers = new Set<() => void>();
  readonly #stopClock: () => void;
  #link: RtcLink | undefined;
  #next: RtcLink | undefined;
  /** Stands by until an owner of a higher epoch is heard of. */
  #standby: { link: RtcLink; number: number } | undefined;
  /** Of the owner whose transports are in use. */
  #epoch = 0;
  #linkNumber = -1;
  #joined = false;
  readonly #packetWatch = new PacketWatch();
  #lookedMs = 0;
  #closed = false;

  constructor(options: ScriptedCallerOptions) {
    this.#options = options;
    this.signalling = new ScriptedSignalling({
      url: options.url,
      token: options.token,
      onHello: (hello) => void this.#join(hello),
      onEvent: (event) => this.#onEvent(event),
      onDown: () => (this.#joined = false),
      onFailed: (reason) => this.#fail(reason),
    });
    this.voice = new SpeechLine((payload, timestamp, marker) => {
      this.#link?.send(payload, timestamp, marker);
      this.#standby?.link.send(payload, timestamp, marker);
    }, performance.now());
    this.#stopClock = onEachTick((nowMs) => {
      this.voice.tick(nowMs);
      this.#watchPackets(nowMs);
    });
    this.signalling.open();
  }

  /** For the end of a process that had callers: libdatachannel's threads end. */
  static cleanUp(): void {
    cleanup();
  }

  /** The highest epoch it has heard of. */
  get epoch(): number {
    return this.signalling.order.epoch;
  }

  /** What came and was let through, in order. */
  get events(): CallerEvent[] {
    return this.signalling.events.filter(({ fate }) => fate === 'taken');
  }

  /** Whether media stands in both directions; where there is to be none, whether it has joined. */
  get connected(): boolean {
    return this.#options.media === false ? this.#joined : this.#joined && this.#link?.keep !== undefined;
  }

  /** Rejects when it gives up, or does not get so far in time. */
  async whenConnected(timeoutMs = PATIENCE_MS): Promise<this> {
    await this.until(() => this.connected, 'connected', timeoutMs);
    return this;
  }

  /** The first event of this name after `afterMs` with these values, now or later. */
  async event(
    name: string,
    values: Record<string, unknown> = {},
    afterMs = 0,
    timeoutMs = PATIENCE_MS,
  ): Promise<CallerEvent> {
    const fits = (event: CallerEvent) =>
      event.name === name &&
      event.atMs > afterMs &&
      Object.entries(values).every(([key, value]) => event.data[key] === value);
    await this.until(() => this.events.some(fits), `${name} ${JSON.stringify(values)}`, timeoutMs);
    return this.events.find(fits)!;
  }

  /** Waits for something that what comes may bring about. */
  async until(condition: () => boolean, what: string, timeoutMs = PATIENCE_MS): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        if (error) reject(error);
        else resolve();
      };
      const seen = () =>
        this.events
          .slice(-8)
          .map(({ name, data }) => `${name} ${JSON.stringify(data)}`.slice(0, 200))
          .join('\n');
      const timer = setTimeout(() => settle(new Error(`waited for ${what} in vain; last:\n${seen()}`)), timeoutMs);
      const watcher = () => {
        if (condition()) settle();
        else if (this.failure) settle(new Error(`waited for ${what}; the caller gave up: ${this.failure}`));
        else if (this.#closed) settle(new Error(`waited for ${what}; the caller was closed`));
      };
      this.#watchers.add(watcher);
    });
  }

  request<Name extends RequestName>(name: Name, request: Request<Name>): Promise<Answers[Name]> {
    return this.signalling.request(name, request);
  }

  /** Goes without a word, as a browser that is closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopClock();
    this.signalling.close();
    this.#closeMedia();
    this.#wake();
  }

  async #join(hello: Hello): Promise<void> {
    const askedMs = performance.now();
    const { lastSeen } = this.signalling.order;
    const keep = this.#next ? undefined : this.#link?.keep;
    try {
      const request = { protocol: PROTOCOL_VERSION, sdk: 'scripted', rtpCapabilities: hello.rtpCapabilities };
      const optional = { ...(lastSeen && { lastSeen }), ...(keep && { keep }) };
      const answer = await this.signalling.request(
        'join',
        { ...request, playback: 'running', ...optional },
        JOIN_TIMEOUT_MS,
      );
      this.joins.push({ askedMs, answeredMs: performance.now(), epoch: answer.epoch, kept: answer.kept });
      this.#onJoined(answer);
    } catch (error) {
      if (this.#closed || !this.signalling.connected) return;
      const refused = error instanceof RequestRefused && error.code !== 'server_busy' && error.code !== 'internal';
      if (refused) this.#fail(error.message);
      else this.signalling.restart();
    }
  }

  #onJoined({ epoch, media, kept }: Answers['join']): void {
    // An owner that was replaced and does not know it yet.
    if (!this.signalling.order.adopt(epoch)) return this.signalling.restart();
    this.signalling.joined();
    this.#joined = true;
    this.#dropStandby();
    if (kept) this.#epoch = epoch;
    if (media) void this.#adopt(media, epoch, 'join');
    this.#wake();
  }

  #onEvent({ name, data, epoch }: CallerEvent): void {
    if (this.#standby && epoch > this.#epoch) this.#useStandby(epoch);
    if (name === 'move') {
      const { reason, media } = data as { reason: string; media: MediaOptions };
      if (reason === 'drain') void this.#standBy(media);
      else void this.#adopt(media, epoch, reason);
    }
    if (name === 'ended') {
      this.ended = String(data['reason']);
      this.close();
    }
    this.#wake();
  }

  /** As the SDK: transports of a lower epoch are closed before the new ones are played, others once those stand. */
  async #adopt(media: MediaOptions, epoch: number, reason: string): Promise<void> {
    if (this.#options.media === false || this.#closed) return;
    this.#dropStandby();
    this.#next?.close();
    if (epoch > this.#epoch) this.#retire();
    const { link, number } = this.#open(media, reason, epoch);
    this.#next = link;
    if (await this.#connect(link, number)) this.#use(link, number, epoch);
    else if (link === this.#next) this.signalling.restart();
  }

  async #standBy(media: MediaOptions): Promise<void> {
    if (this.#options.media === false || this.#closed) return;
    this.#dropStandby();
    const standby = this.#open(media, 'drain', undefined);
    this.#standby = standby;
    if (!(await this.#connect(standby.link, standby.number)) && this.#standby === standby) this.#dropStandby();
  }

  #useStandby(epoch: number): void {
    const { link, number } = this.#standby!;
    this.#standby = undefined;
    this.heard.epochs[number] = epoch;
    this.#use(link, number, epoch);
  }

  #use(link: RtcLink, number: number, epoch: number): void {
    this.#retire();
    this.#link = link;
    this.#linkNumber = number;
    this.#next = undefined;
    this.#epoch = epoch;
    this.links[number]!.usedMs = performance.now();
    this.#packetWatch.restart(performance.now());
    this.#wake();
  }

  #open(media: MediaOptions, reason: string, epoch: number | undefined): { link: RtcLink; number: number } {
    const number = this.links.length;
    this.links.push({ toldMs: performance.now(), reason });
    this.heard.epochs[number] = epoch;
    const link: RtcLink = new RtcLink({
      media,
      bindAddress: this.#options.bindAddress,
      request: (name, request) => this.signalling.request(name, request),
      onPacket: (packet) => this.heard.note(packet, number, number === this.#linkNumber, performance.now()),
      onLost: () => {
        if (link === this.#link && this.#joined) this.signalling.restart();
      },
    });
    return { link, number };
  }

  /** @returns whether it stands and is still wanted */
  async #connect(link: RtcLink, number: number): Promise<boolean> {
    try {
      await link.connect();
      this.links[number]!.connectedMs = performance.now();
      this.#wake();
      return !link.closed;
    } catch {
      // The server has gone or moved on. Whoever asked decides what follows.
      link.close();
      return false;
    }
  }

  #watchPackets(nowMs: number): void {
    if (!this.#link || nowMs - this.#lookedMs < PACKET_LOOK_MS) return;
    this.#lookedMs = nowMs;
    const verdict = this.#packetWatch.look(this.heard.played, nowMs);
    if (!verdict || !this.#joined || 'backAfterMs' in verdict) return;
    const forMs = 'suspectedMs' in verdict ? verdict.suspectedMs : verdict.silentMs;
    void this.signalling.probe({ noPacketsForMs: Math.round(forMs) });
  }

  #retire(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#linkNumber = -1;
  }

  #dropStandby(): void {
    this.#standby?.link.close();
    this.#standby = undefined;
  }

  #closeMedia(): void {
    this.#dropStandby();
    this.#next?.close();
    this.#retire();
  }

  #fail(reason: string): void {
    this.failure = reason;
    this.close();
    this.#wake();
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
