import type { Device } from 'mediasoup-client/types';
import type { IceServer, MediaOptions } from '../../signalling/protocol.ts';
import type { ConnectClock } from './connect-clock.ts';
import { ParleyError } from './errors.ts';
import { IceRecovery } from './ice-recovery.ts';
import type { IceAction } from './ice-recovery.ts';
import { MediaLink } from './media-link.ts';
import type { Playback } from './playback.ts';
import type { Signalling } from './signalling.ts';

export type CallMediaOptions = {
  device: Device;
  signalling: Pick<Signalling, 'request'>;
  playback: Playback;
  clock: ConnectClock;
  /** Settles once the person has decided about the microphone; `undefined`: there is none. */
  microphone: () => Promise<MediaStreamTrack | undefined>;
  /** Nothing that can be done with the present transports helps: join again for new ones. */
  onLost: (error?: ParleyError) => void;
};

/** Keeps the media of a call: one link, a second one while the call moves, and the repair of their network path. */
export class CallMedia {
  readonly #options: CallMediaOptions;
  #link: MediaLink | undefined;
  /** The agent's track of `#link`. */
  #playing: MediaStreamTrack | undefined;
  #next: MediaLink | undefined;
  #recovery = new IceRecovery();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: CallMediaOptions) {
    this.#options = options;
    window.addEventListener('online', this.#networkChanged);
    networkInformation()?.addEventListener('change', this.#networkChanged);
  }

  get link(): MediaLink | undefined {
    return this.#link;
  }

  /** The media that a reconnecting client still holds. */
  get keep(): MediaLink['keep'] {
    return this.#next ? undefined : this.#link?.keep;
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
    this.#next?.close();
    const link = this.#create(media, iceServers, epoch);
    this.#next = link;
    try {
      const sending = this.#sendMicrophone(link);
      const track = await link.receive();
      if (this.#link && this.#link.epoch < epoch) this.#retire();
      this.#options.playback.play(track);
      await Promise.all([link.connected(), sending]);
      await link.connected();
      if (link.closed) return false;
      this.#retire();
      this.#link = link;
      this.#playing = track;
      this.#next = undefined;
      this.#recovery = new IceRecovery();
      return true;
    } catch (error) {
      if (link.closed) return false;
      link.close();
      if (this.#next === link) this.#next = undefined;
      throw error;
    }
  }

  /** Sends another microphone from now on, or the first one. */
  async exchangeMicrophone(track: MediaStreamTrack): Promise<void> {
    await Promise.all([this.#link?.send(track), this.#next?.send(track)]);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    window.removeEventListener('online', this.#networkChanged);
    networkInformation()?.removeEventListener('change', this.#networkChanged);
    clearTimeout(this.#timer);
    this.#next?.close();
    this.#retire();
  }

  #create(media: MediaOptions, iceServers: IceServer[], epoch: number): MediaLink {
    const { clock, device, signalling } = this.#options;
    const link: MediaLink = new MediaLink({
      device,
      iceServers,
      media,
      epoch,
      signalling,
      onState: (state) => {
        if (link.receiveConnected) clock.mark('receiveConnectedMs');
        if (link.sendConnected) clock.mark('sendConnectedMs');
        if (link === this.#link) this.#act(this.#recovery.change(state, performance.now()));
      },
      onFailed: (error) => {
        link.close();
        if (link === this.#link || link === this.#next) this.#options.onLost(error);
      },
    });
    return link;
  }

  async #sendMicrophone(link: MediaLink): Promise<void> {
    const track = await this.#options.microphone();
    if (link.closed) return;
    if (!track) {
      await this.#options.signalling.request('report', { microphone: 'none' });
      return;
    }
    await link.send(track);
    this.#options.clock.mark('producedMs');
  }

  #retire(): void {
    if (this.#playing) this.#options.playback.stop(this.#playing);
    this.#playing = undefined;
    this.#link?.close();
    this.#link = undefined;
    clearTimeout(this.#timer);
  }

  readonly #networkChanged = (): void => {
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
