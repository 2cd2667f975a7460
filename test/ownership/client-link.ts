import type { MediaOptions } from '../../signalling/protocol.ts';
import { RTP_PARAMETERS } from '../support/fake-calls.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { World } from './world.ts';

/** ICE and DTLS give up after so long. */
const CONNECT_MS = 10_000;
const CONNECT_LOOK_MS = 30;

/** The transports that a client was given by one pod, as its end has them. */
export class ClientLink {
  readonly media: MediaOptions;
  readonly podId: string;
  /** ICE and DTLS stand. */
  connected = false;
  playing = false;
  closed = false;
  readonly #world: World;
  readonly #client: SimulatedClient;

  constructor(world: World, client: SimulatedClient, media: MediaOptions) {
    this.media = media;
    this.podId = media.send.id.split('/')[0] ?? '';
    this.#world = world;
    this.#client = client;
  }

  /** What a reconnecting client says that it still has. */
  get keep() {
    if (this.closed || !this.connected) return undefined;
    const { send, receive, consumer } = this.media;
    return { send: send.id, receive: receive.id, consumer: consumer.id };
  }

  /** Whether there is anybody at the other end. */
  get stands(): boolean {
    const pod = this.#world.pods.get(this.podId);
    const reached = pod?.works === true && this.#world.reaches(this.#client, this.podId, 'media');
    return reached && pod.calls.stands(this.#client.sessionId, this.media.send.id);
  }

  /** Whether the pod's voice comes out of it. */
  get audible(): boolean {
    if (this.closed || !this.playing || !this.connected || !this.stands) return false;
    return this.#world.pods.get(this.podId)?.calls.speaks(this.#client.sessionId, this.media.send.id) ?? false;
  }

  /** Resolves to false where it was closed meanwhile. @throws when it cannot be connected */
  async connect(): Promise<boolean> {
    const { send, receive } = this.media;
    const dtlsParameters = receive.dtlsParameters;
    const rtpParameters = RTP_PARAMETERS;
    let failure: unknown;
    const asked = [
      this.#client.request('connect-transport', { transportId: receive.id, dtlsParameters }),
      this.#client.request('connect-transport', { transportId: send.id, dtlsParameters }),
      this.#client.request('produce', { transportId: send.id, rtpParameters }),
    ];
    for (const request of asked) request.catch((error: unknown) => (failure = error));
    const untilMs = this.#world.time.nowMs + CONNECT_MS;
    while (!this.closed) {
      if (failure !== undefined) throw failure as Error;
      if (this.stands) {
        this.connected = true;
        this.#world.mayBeHeard();
        await Promise.all(asked);
        return !this.closed;
      }
      if (this.#world.time.nowMs > untilMs) throw new Error('ice_failed');
      await this.#world.time.sleep(CONNECT_LOOK_MS);
    }
    return false;
  }

  play(): void {
    this.playing = true;
    this.#world.mayBeHeard();
  }

  close(): void {
    this.closed = true;
    this.playing = false;
  }
}
