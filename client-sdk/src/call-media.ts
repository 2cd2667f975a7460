import type { Device } from 'mediasoup-client/types';
import type { IceServer, MediaOptions } from '../../signalling/protocol.ts';
import type { ConnectClock } from './connect-clock.ts';
import { ParleyError } from './errors.ts';
import { IceRecovery } from './ice-recovery.ts';
import type { IceAction } from './ice-recovery.ts';
import { MediaLink } from './media-link.ts';
import { isOtherNetwork } from './host-addresses.ts';
import { hostAddresses, NetworkRealm } from './network-realm.ts';
import type { Playback } from './playback.ts';
import type { Signalling } from './signalling.ts';
import { Standby } from './standby.ts';

export type CallMediaOptions = {
  device: Device;
  signalling: Pick<Signalling, 'request' | 'renew'>;
  playback: Playback;
  clock: ConnectClock;
  /** Settles once the person has decided about the microphone; `undefined`: there is none. */
  microphone: () => Promise<MediaStreamTrack | undefined>;
  /** Nothing that can be done with the present transports helps: join again for new ones. */
  onLost: (error?: ParleyError) => void;
  /** The transports that stood by could not be connected, and the call stays where it is. */
  onStandbyFailed: () => void;
};

/** Between two looks for a network while there is none at all. A look takes some ms. */
const noNetworkLookMs = 250;

/** Keeps the media of a call: one link, a second one while the call moves, and the repair of their network path. */
export class CallMedia {
  readonly #options: CallMediaOptions;
  #link: MediaLink | undefined;
  /** Of the owner that made the transports of `#link`. */
  #epoch = 0;
  #next: MediaLink | undefined;
  /** Transports of the pod that is to take over while the present one drains. */
  readonly #standby = new Standby<MediaLink>();
  #recovery = new IceRecovery();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #socketRenewedMs = -Infinity;
  /** Was made in a network that the machine has left. */
  #stranded: MediaLink | undefined;
  #looking = false;
  #closed = false;

  constructor(options: CallMediaOptions) {
    this.#options = options;
    window.addEventListener('online', this.#networkChanged);
    networkInformation()?.addEventListener('change', this.#networkChanged);
  }

  get link(): MediaLink | undefined {
    return this.#link;
  }

  get standingBy(): boolean {
    return this.#standby.link !== undefined;
  }

  /** The media that a reconnecting client still holds. */
  get keep(): MediaLink['keep'] {
    return this.#next || this.#link === this.#stranded ? undefined : this.#link?.keep;
  }

  /**
   * Connects to new transports and lets the old ones go. The old are closed before the new are played where another
   * owner has taken over, so that two agents are never heard; otherwise they go on until the new ones stand.
   *
   * @returns false when something newer came in between
   * @throws  ParleyError when the connection cannot be made
   */
  async adopt(media: MediaOptions, iceServers: IceServer[], epoch: number): Promise<boolean> {
    if (this.#closed) return false;
    this.dropStandby();
    this.#discard(this.#next);
    const link = this.#create(media, iceServers);
    this.#next = link;
    try {
      const sending = this.#sendMicrophone(link);
      const track = await link.receive();
      if (this.#epoch < epoch) this.#retire();
      this.#options.playback.play(track);
      await Promise.all([link.connected(), sending]);
      await link.connected();
      if (link.closed) return false;
      this.#retire();
      this.#use(link, epoch);
      return true;
    } catch (error) {
      if (link.closed) return false;
      this.#discard(link);
      if (this.#next === link) this.#next = undefined;
      throw error;
    }
  }

  /**
   * Connects to the transports of the pod that is to take over, sends the microphone there as well, and has the agent's
   * track of it ready without a sound. What is in use stays in use until `heardOf`; where this fails, for good.
   *
   * @param ownerEpoch of the pod that is about to go
   */
  async standBy(media: MediaOptions, iceServers: IceServer[], ownerEpoch: number): Promise<void> {
    if (this.#closed) return;
    this.#discard(this.#next);
    this.#next = undefined;
    const link = this.#create(media, iceServers);
    this.#discard(this.#standby.begin(link, ownerEpoch));
    try {
      const sending = this.#sendMicrophone(link);
      const track = await link.receive();
      if (link === this.#link) this.#options.playback.play(track);
      else if (link === this.#standby.link) this.#options.playback.prepare(track);
      await Promise.all([link.connected(), sending]);
    } catch (error) {
      if (!link.closed) this.#failed(link, error instanceof ParleyError ? error : undefined);
    }
  }

  /**
   * An event of this epoch has come. The first one of a new owner takes the transports that stand by into use.
   *
   * @returns whether it did
   */
  heardOf(epoch: number): boolean {
    const link = this.#standby.heardOf(epoch);
    if (!link) return false;
    const old = this.#link;
    if (old?.track) this.#options.playback.stop(old.track);
    if (link.track) this.#options.playback.play(link.track);
    this.#retire();
    this.#use(link, epoch);
    this.#act(this.#recovery.change(link.state, performance.now()));
    return true;
  }

  /** Another socket was needed, and the server still has these transports. */
  socketRenewed(silent: boolean): void {
    this.#socketRenewedMs = performance.now();
    if (silent) this.#networkChanged();
  }

  /**
   * No packet of the agent for so long. Where the socket had to be renewed meanwhile, the network has changed most likely:
   * Chromium's ICE takes 6 s to notice that, and no event tells of it.
   */
  silent(forMs: number): void {
    if (performance.now() - this.#socketRenewedMs < forMs) this.#networkChanged();
  }

  /**
   * Packets stay away, or the browser has told of another network. Where the machine really is in another one, neither the
   * socket nor the present transports will ever get through again, and the browser would take seconds to find out.
   */
  async suspect(): Promise<void> {
    const link = this.#link;
    if (!link || this.#looking || link === this.#stranded || this.#next) return;
    this.#looking = true;
    const look = Promise.all([link.hostAddresses(), hostAddresses()]);
    const [then, now] = await look.catch(() => [new Set<string>(), new Set<string>()]);
    this.#looking = false;
    if (link !== this.#link || this.#next || this.#closed) return;
    if (isOtherNetwork(then, now)) {
      this.#stranded = link;
      this.#options.signalling.renew();
    } else if (then.size > 0 && now.size === 0) setTimeout(() => void this.suspect(), noNetworkLookMs);
  }

  /** Something newer has come in between. */
  dropStandby(): void {
    this.#discard(this.#standby.drop());
  }

  /** Sends another microphone from now on, or the first one. */
  async exchangeMicrophone(track: MediaStreamTrack): Promise<void> {
    await Promise.all([this.#link, this.#next, this.#standby.link].map(async (link) => link?.send(track)));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    window.removeEventListener('online', this.#networkChanged);
    networkInformation()?.removeEventListener('change', this.#networkChanged);
    clearTimeout(this.#timer);
    this.dropStandby();
    this.#discard(this.#next);
    this.#retire();
  }

  #create(media: MediaOptions, iceServers: IceServer[]): MediaLink {
    const { clock, device, signalling } = this.#options;
    const link: MediaLink = new MediaLink({
      realm: this.#stranded ? new NetworkRealm() : undefined,
      device,
      iceServers,
      media,
      signalling,
      onState: (state) => {
        if (link.receiveConnected) clock.mark('receiveConnectedMs');
        if (link.sendConnected) clock.mark('sendConnectedMs');
        if (link === this.#link) this.#act(this.#recovery.change(state, performance.now()));
        if (link === this.#standby.link && state === 'failed') this.#failed(link, undefined);
      },
      onFailed: (error) => this.#failed(link, error),
    });
    return link;
  }

  #failed(link: MediaLink, error: ParleyError | undefined): void {
    this.#discard(link);
    if (this.#standby.failed(link)) this.#options.onStandbyFailed();
    else if (link === this.#link || link === this.#next) this.#options.onLost(error);
  }

  async #sendMicrophone(link: MediaLink): Promise<void> {
    const track = await this.#options.microphone();
    if (link.closed) return;
    if (!track) {
      await this.#options.signalling.request('report', { microphone: 'none', transportId: link.transportId });
      return;
    }
    await link.send(track);
    this.#options.clock.mark('producedMs');
  }

  #use(link: MediaLink, epoch: number): void {
    this.#link = link;
    this.#stranded = undefined;
    this.#epoch = epoch;
    this.#next = undefined;
    this.#recovery = new IceRecovery();
  }

  #retire(): void {
    this.#discard(this.#link);
    this.#link = undefined;
    clearTimeout(this.#timer);
  }

  #discard(link: MediaLink | undefined): void {
    if (link?.track) this.#options.playback.stop(link.track);
    link?.close();
  }

  readonly #networkChanged = (): void => {
    void this.suspect();
    if (this.#link) this.#act(this.#recovery.networkChanged(performance.now()));
  };

  #act(action: IceAction | undefined): void {
    if (action === 'restart') void this.#restartIce();
    if (action === 'rejoin') this.#options.onLost();
    clearTimeout(this.#timer);
    if (this.#closed || this.#recovery.deadlineMs === undefined) return;
    const delayMs = Math.max(0, this.#recovery.deadlineMs - performance.now());
    this.#timer = setTimeout(() => this.#act(this.#recovery.tick(performance.now())), delayMs);
  }

  async #restartIce(): Promise<void> {
    const link = this.#link;
    try {
      await link?.restartIce();
      // A path that stood all along gives no change of state that would end the attempt.
      if (link === this.#link && link?.state === 'connected') this.#recovery.settled();
    } catch (error) {
      // Without signalling it counts as a failed attempt when its time is up. A server that refuses has lost the
      // transport, and no further attempt would help.
      const refused = error instanceof ParleyError && error.code !== 'reconnecting';
      if (refused && link === this.#link) this.#options.onLost();
    }
  }
}

/** Chromium's notice of a change of network, which comes even where the machine was never offline. */
function networkInformation(): EventTarget | undefined {
  return (navigator as Navigator & { connection?: EventTarget }).connection;
}
