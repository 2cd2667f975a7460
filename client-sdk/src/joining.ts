import type { Device, RtpCapabilities } from 'mediasoup-client/types';
import type { Answers, Hello, IceServer, Request } from '../../signalling/protocol.ts';
import type { CallMedia } from './call-media.ts';
import { ParleyError, afterRefusedJoin } from './errors.ts';
import { hearsAgent } from './hearing.ts';
import type { Signalling } from './signalling.ts';
import type { MediaPlaybackState } from './types.ts';
import { protocolVersion, sdkVersion } from './version.ts';

export type JoiningOptions = {
  device: Device;
  signalling: Signalling;
  media: Pick<CallMedia, 'keep'>;
  /** Whether the page may play sound now. */
  playback: () => MediaPlaybackState;
  /** When packets of the agent were last found, on the clock of `performance.now()`. */
  heardMs: () => number | undefined;
  /** Whether nothing of the agent arrives. */
  silent: () => boolean;
  onJoined: (answer: Answers['join']) => void;
  /** Trying again is useless. */
  onFailed: (error: ParleyError) => void;
};

/** A server that holds a session for a client may take a while to find its owner. */
const joinTimeoutMs = 10_000;
/** Where nothing is heard, another server may be quicker to help than a slow one. */
const silentJoinTimeoutMs = 5000;

/** Joins the session over each connection that is made. */
export class Joining {
  readonly #options: JoiningOptions;
  #hello: Hello | undefined;
  #joinedOnce = false;

  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  get iceServers(): IceServer[] {
    return this.#hello?.iceServers ?? [];
  }

  async join(hello: Hello): Promise<void> {
    const { device, onFailed, onJoined, signalling, silent } = this.#options;
    this.#hello = hello;
    if (hello.protocol !== protocolVersion) {
      onFailed(new ParleyError('version_mismatch'));
      return;
    }
    try {
      if (!device.loaded) await device.load({ routerRtpCapabilities: hello.rtpCapabilities as RtpCapabilities });
      const timeoutMs = silent() ? silentJoinTimeoutMs : joinTimeoutMs;
      const answer = await signalling.request('join', this.#request(), timeoutMs);
      // Closed, or lost again, before it could be used.
      if (hello !== this.#hello || !signalling.connected) return;
      this.#joinedOnce = true;
      onJoined(answer);
    } catch (error) {
      // Where the connection was lost meanwhile, the next one joins.
      if (hello !== this.#hello || !signalling.connected) return;
      this.#refused(error instanceof ParleyError ? error : new ParleyError('unsupported', { cause: error }));
    }
  }

  #refused(error: ParleyError): void {
    const { onFailed, signalling } = this.#options;
    const next = afterRefusedJoin(error, this.#joinedOnce);
    if (next === 'fail') onFailed(error);
    else if (error.code === 'server_busy') signalling.retryBusy(error);
    else signalling.restart();
  }

  #request(): Request<'join'> {
    const { device, heardMs, media, playback, signalling } = this.#options;
    const { lastSeen } = signalling.order;
    const { keep } = media;
    const hears = keep && hearsAgent(heardMs(), signalling.lostMs, performance.now());
    return {
      protocol: protocolVersion,
      sdk: sdkVersion,
      rtpCapabilities: device.recvRtpCapabilities as Request<'join'>['rtpCapabilities'],
      playback: playback(),
      ...(lastSeen && { lastSeen }),
      ...(keep && { keep }),
      ...(hears && { hearsAgent: hears }),
    };
  }
}
