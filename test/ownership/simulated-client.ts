/**
 * A caller's page, as the SDK's signalling and media behave: joins through whatever pod it reaches, says when it hears
 * nothing, follows moves, and closes the transports of a lower epoch before it plays those of a higher one.
 */
import { reconnectDelayMs } from '../../client-sdk/src/backoff.ts';
import { EventOrder } from '../../client-sdk/src/event-order.ts';
import { hearsAgent } from '../../client-sdk/src/hearing.ts';
import { PacketWatch } from '../../client-sdk/src/packet-watch.ts';
import { SocketPatience } from '../../client-sdk/src/socket-patience.ts';
import { Standby } from '../../client-sdk/src/standby.ts';
import type { Answers, MediaOptions, SessionEvents } from '../../signalling/protocol.ts';
import { RTP_CAPABILITIES } from '../support/fake-calls.ts';
import { ClientLink } from './client-link.ts';
import { SimulatedSocket } from './simulated-socket.ts';
import type { World } from './world.ts';

const LOOK_MS = 200;
const REQUEST_MS = 5_000;
const JOIN_MS = { hearing: 10_000, silent: 5_000 };
/** Chromium notices after 5 to 7 s that nobody is there; a server that has no such transport refuses to restart ICE. */
const ICE_LOST_MS = 7_000;
const ICE_NOTICED_MS = 5_500;
const MAX_MEDIA_FAILURES = 3;

class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export class SimulatedClient {
  readonly name: string;
  readonly sessionId: string;
  /** Why it has given up or was told to go; undefined while it wants to talk. */
  over: string | undefined;
  joined = false;
  /** What it said when it last asked to join. */
  hears: 'yes' | 'no' | 'unsure' | undefined;
  /** The pod that the balancer sends it to; undefined: whichever it likes. */
  sentTo: string | undefined;
  link: ClientLink | undefined;
  /** Since when it has heard the same pod without a break. */
  hearsSinceMs: number | undefined;
  readonly #world: World;
  #order = new EventOrder();
  #standby = new Standby<ClientLink>();
  #watch = new PacketWatch();
  readonly #patience = new SocketPatience();
  readonly #links = new Set<ClientLink>();
  readonly #pending = new Set<(error: Error) => void>();
  #socket: SimulatedSocket | undefined;
  #stopTimer: (() => void) | undefined;
  #next: ClientLink | undefined;
  #epoch = 0;
  #attempt = 0;
  #sockets = 0;
  #packets = 0;
  #probing = false;
  #silent = false;
  #connectedOnce = false;
  #joinedOnce = false;
  #failures = 0;
  #iceLostSinceMs: number | undefined;
  #lostMs: number | undefined;
  #watched: ClientLink | undefined;

  constructor(world: World, name: string, sessionId: string) {
    this.#world = world;
    this.name = name;
    this.sessionId = sessionId;
    world.clients.push(this);
  }

  start(): void {
    this.#connect();
    this.#lookSoon();
    this.#speakSoon();
  }

  get epoch(): number {
    return this.#order.epoch;
  }

  /** The pods that it hears now. */
  get heard(): ClientLink[] {
    return [...this.#links].filter(({ audible }) => audible);
  }

  /** Whether its microphone goes out through these transports. */
  sends(sendId: string): boolean {
    return [...this.#links].some(({ closed, connected, media }) => !closed && connected && media.send.id === sendId);
  }

  request(name: string, payload: object, timeoutMs = REQUEST_MS): Promise<unknown> {
    const socket = this.#socket;
    if (!socket) return Promise.reject(new Error('reconnecting'));
    return new Promise((resolve, reject) => {
      const settle = () => {
        stop();
        this.#pending.delete(fail);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const stop = this.#world.time.after(timeoutMs, () => {
        if (name === 'report') this.#patience.reportUnanswered();
        fail(new Error('reconnecting'));
        if (socket === this.#socket) this.#lost();
      });
      this.#pending.add(fail);
      const sentMs = this.#world.time.nowMs;
      socket.request(name, payload, (answered) => {
        const ack = answered as { ok: boolean; error?: { code: string } };
        settle();
        if (name === 'report') this.#patience.reportAnswered(this.#world.time.nowMs - sentMs);
        if (ack.ok) resolve(ack);
        else reject(new Refused(ack.error?.code ?? 'internal'));
      });
    });
  }

  receive(socket: SimulatedSocket, name: string, payload: object): void {
    if (socket !== this.#socket || this.over !== undefined) return;
    if (name === 'hello') return void this.#join(socket);
    if (name === 'token') return;
    const event = payload as { epoch: number; seq: number };
    if (!this.#order.accept(event)) return;
    // An owner that brings transports of its own is not the one whose transports stand by.
    const isMove = name === 'move' && (payload as SessionEvents['move']).reason !== 'drain';
    if (!isMove) this.#heardOf(event.epoch);
    if (name === 'move') this.#follow(payload as SessionEvents['move'], event.epoch);
    if (name === 'ended') this.#end(`ended: ${(payload as { reason: string }).reason}`);
    if (name === 'problem') this.#end(`problem: ${(payload as { code: string }).code}`);
  }

  disconnected(socket: SimulatedSocket): void {
    if (socket === this.#socket) this.#lost();
  }

  #trace(text: string): void {
    this.#world.trace(`${this.name}: ${text}`);
  }

  #connect(): void {
    const { time } = this.#world;
    const pods = [...this.#world.pods.values()];
    // A balancer learns of the dead by and by, and sends nobody to those that drain.
    const likely = pods.filter(({ process, signalling }) => process.alive && !signalling.sessions.draining);
    const pod =
      this.sentTo === undefined
        ? time.oneOf(likely.length > 0 && time.chance(0.9) ? likely : pods.slice(-4))
        : this.#world.pods.get(this.sentTo);
    if (!pod?.process.alive) {
      this.#stopTimer = time.after(5, () => this.#lost());
      this.#socket = undefined;
      return;
    }
    this.#patience.helloCame(10);
    this.#socket = new SimulatedSocket(this.#world, this, pod, `${this.name}.${(this.#sockets += 1)}`);
    this.#stopTimer = time.after(this.#patience.helloTimeoutMs(this.#attempt), () => this.#lost());
  }

  async #join(socket: SimulatedSocket): Promise<void> {
    this.#stopTimer?.();
    const { lastSeen } = this.#order;
    const { nowMs } = this.#world.time;
    const pathLost = nowMs - (this.#iceLostSinceMs ?? nowMs) > ICE_NOTICED_MS;
    const keep = this.#next || pathLost ? undefined : this.link?.keep;
    this.hears = keep && hearsAgent(this.#watch.heardMs, this.#lostMs, nowMs);
    const join = { protocol: 1, sdk: '0', rtpCapabilities: RTP_CAPABILITIES, playback: 'running' };
    const silent = this.#connectedOnce && (this.#silent || !this.link);
    try {
      const said = this.hears && { hearsAgent: this.hears };
      const request = { ...join, ...(lastSeen && { lastSeen }), ...(keep && { keep }), ...said };
      const answer = (await this.request(
        'join',
        request,
        silent ? JOIN_MS.silent : JOIN_MS.hearing,
      )) as Answers['join'];
      if (socket === this.#socket) this.#onJoined(answer, socket);
    } catch (error) {
      if (socket !== this.#socket) return;
      const code = error instanceof Refused ? error.code : 'reconnecting';
      this.#trace(`is refused by ${socket.pod.id}: ${code}`);
      if (code === 'session_not_found' || code === 'session_ended') {
        this.#world.rules.denied(this.sessionId, code);
        if (this.#joinedOnce) return this.#end(code);
      }
      this.#lost();
    }
  }

  #onJoined(answer: Answers['join'], socket: SimulatedSocket): void {
    const { epoch, kept, media, queued, session } = answer;
    if (!this.#order.adopt(epoch)) return this.#lost();
    this.#trace(
      `joined by ${socket.pod.id}, led by ${session.pod}, epoch ${epoch % 1e8}, ${kept ? 'kept' : 'new media'}`,
    );
    this.#attempt = 0;
    this.joined = true;
    this.#joinedOnce = true;
    this.#discard(this.#standby.drop());
    if (queued === undefined && media) void this.#adopt(media, epoch);
  }

  #follow({ reason, media, pod }: SessionEvents['move'], epoch: number): void {
    this.#trace(`is to move to ${pod} (${reason})`);
    if (reason === 'drain' && this.link) void this.#standBy(media);
    else void this.#adopt(media, epoch);
  }

  async #adopt(media: MediaOptions, epoch: number): Promise<void> {
    this.#discard(this.#standby.drop());
    this.#discard(this.#next);
    const link = this.#create(media);
    this.#next = link;
    if (this.#epoch < epoch) this.#retire();
    link.play();
    try {
      if (!(await link.connect())) return;
      this.#retire();
      this.#use(link, epoch);
      this.#failures = 0;
      this.#connectedOnce = true;
      this.#silent = false;
      this.#trace(`is connected to ${link.podId}`);
    } catch {
      if (link.closed) return;
      this.#discard(link);
      if (this.#next === link) this.#next = undefined;
      this.#mediaFailed();
    }
  }

  async #standBy(media: MediaOptions): Promise<void> {
    this.#discard(this.#next);
    this.#next = undefined;
    const link = this.#create(media);
    this.#discard(this.#standby.begin(link, this.#epoch));
    try {
      await link.connect();
    } catch {
      if (link.closed) return;
      this.#discard(link);
      if (!this.#standby.failed(link) && link === this.link) this.#mediaFailed();
    }
  }

  /** The first word of a new owner takes its transports into use. */
  #heardOf(epoch: number): void {
    const link = this.#standby.heardOf(epoch);
    if (!link) return;
    this.#retire();
    this.#use(link, epoch);
    link.play();
    this.#trace(`goes over to ${link.podId}`);
  }

  #create(media: MediaOptions): ClientLink {
    const link = new ClientLink(this.#world, this, media);
    this.#links.add(link);
    return link;
  }

  #use(link: ClientLink, epoch: number): void {
    this.link = link;
    this.#epoch = epoch;
    this.#next = undefined;
    this.#iceLostSinceMs = undefined;
  }

  #retire(): void {
    this.#discard(this.link);
    this.link = undefined;
  }

  #discard(link: ClientLink | undefined): void {
    link?.close();
    if (link) this.#links.delete(link);
  }

  #mediaFailed(): void {
    if (this.#connectedOnce && !this.#socket) return;
    this.#failures += 1;
    if (this.#connectedOnce && this.#failures <= MAX_MEDIA_FAILURES) return this.#lost();
    this.#reload();
  }

  /** The call has failed, and the person loads the page again. */
  #reload(): void {
    this.#trace('loads the page again');
    for (const link of this.#links) link.close();
    this.#links.clear();
    [this.link, this.#next, this.#epoch, this.#failures, this.#attempt] = [undefined, undefined, 0, 0, 0];
    this.#order = new EventOrder();
    this.#standby = new Standby();
    this.#watch = new PacketWatch();
    [this.#silent, this.#connectedOnce, this.#joinedOnce] = [false, false, false];
    this.#lost();
  }

  #lost(): void {
    this.#stopTimer?.();
    const socket = this.#socket;
    this.#socket = undefined;
    if (this.joined) this.#lostMs = this.#world.time.nowMs;
    this.joined = false;
    socket?.close();
    for (const fail of this.#pending) fail(new Error('reconnecting'));
    if (this.over !== undefined) return;
    const { time } = this.#world;
    this.#stopTimer = time.after(reconnectDelayMs(this.#attempt++, time.random()), () => this.#connect());
  }

  #end(why: string): void {
    this.#trace(why);
    this.over = why;
    this.#world.rules.clientOver(this, why);
    for (const link of this.#links) link.close();
    this.#links.clear();
    this.#lost();
  }

  #lookSoon(): void {
    this.#world.time.after(LOOK_MS, () => {
      if (this.over !== undefined) return;
      this.#look();
      this.#lookSoon();
    });
  }

  /** As the SDK's MediaMonitor, and ICE. */
  #look(): void {
    const { link } = this;
    const { nowMs } = this.#world.time;
    this.#world.rules.listen(this);
    this.hearsSinceMs = link?.audible ? (this.hearsSinceMs ?? nowMs) : undefined;
    if (!link?.connected) return;
    if (link !== this.#watched) {
      this.#watched = link;
      this.#watch.restart(nowMs);
    }
    if (link.audible) this.#packets += 1;
    const verdict = this.#watch.look(this.#packets, nowMs);
    if (verdict && 'backAfterMs' in verdict) this.#silent = false;
    else if (verdict) {
      const noPacketsForMs = Math.round('silentMs' in verdict ? verdict.silentMs : verdict.suspectedMs);
      if ('silentMs' in verdict) this.#silent = true;
      void this.#probe(noPacketsForMs);
    }
    if (link.stands) this.#iceLostSinceMs = undefined;
    else if (nowMs - (this.#iceLostSinceMs ??= nowMs) > ICE_LOST_MS) {
      this.#iceLostSinceMs = undefined;
      this.#mediaFailed();
    }
  }

  async #probe(noPacketsForMs: number): Promise<void> {
    if (!this.joined || this.#probing) return;
    this.#trace(`hears nothing for ${noPacketsForMs} ms`);
    this.#probing = true;
    await this.request('report', { noPacketsForMs }, this.#patience.reportTimeoutMs).catch(() => undefined);
    this.#probing = false;
  }

  #speakSoon(): void {
    const { time } = this.#world;
    time.after(time.between(800, 3_000), () => {
      if (this.over !== undefined) return;
      this.#speak();
      this.#speakSoon();
    });
  }

  #speak(): void {
    const turnId = `${this.name}-${Math.floor(this.#world.time.nowMs)}`;
    for (const { podId, connected, media, closed } of this.#links) {
      const pod = this.#world.pods.get(podId);
      if (!connected || closed || !pod || !this.#world.reaches(this, podId, 'media')) continue;
      const arrive = () => pod.calls.hear(this.sessionId, media.send.id, turnId);
      this.#world.time.after(20, () => this.#world.time.reach(pod.process, arrive));
    }
  }
}
