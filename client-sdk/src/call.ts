import type { RtpCapabilities } from 'mediasoup-client/types';
import type { Answers, Hello, MediaOptions, Request } from '../../signalling/protocol.ts';
import { AudioGraph } from './audio-graph.ts';
import { CallMedia } from './call-media.ts';
import type { ParleyEvents } from './client-events.ts';
import type { ConnectClock } from './connect-clock.ts';
import { ParleyError, endsTheCall, fatalSignallingError } from './errors.ts';
import { MediaMonitor } from './media-monitor.ts';
import { Microphone } from './microphone.ts';
import { Playback } from './playback.ts';
import { createDevice } from './rtc-device.ts';
import { ConversationEvents } from './session-event.ts';
import type { ClientEmission, SessionEvent } from './session-event.ts';
import { Signalling } from './signalling.ts';
import type { ClientState, EndReason, MediaPlaybackState, MicrophoneOptions, Session } from './types.ts';
import { protocolVersion, sdkVersion } from './version.ts';

export type CallOptions = {
  url: string;
  token: () => Promise<string>;
  /** `false`: listen and type only. */
  microphone: MicrophoneOptions | false;
  muted: boolean;
  clock: ConnectClock;
  emit: <Name extends keyof ParleyEvents>(name: Name, payload: ParleyEvents[Name]) => void;
};

/** A server that holds a session for a client may take a while to find its owner. */
const joinTimeoutMs = 10_000;
/** Hanging up must not wait for a server that is gone. */
const leaveTimeoutMs = 1000;
/** So many sets of transports may fail in a row before the call is given up. */
const maxMediaFailures = 3;

/** One call, from `connect()` to its end: brings signalling, media, microphone and playback together. */
export class Call {
  readonly graph = new AudioGraph();
  readonly microphone: Microphone;
  readonly playback: Playback;
  readonly signalling: Signalling;
  readonly media: CallMedia;
  session: Session | undefined;
  readonly #options: CallOptions;
  readonly #device = createDevice();
  readonly #monitor: MediaMonitor;
  readonly #conversation = new ConversationEvents();
  readonly #ready = Promise.withResolvers<void>();
  /** Settles once the person has decided about the microphone. */
  #microphoneDecided: Promise<unknown> = Promise.resolve();
  #hello: Hello | undefined;
  #state: ClientState = 'connecting';
  #connectedOnce = false;
  #joined = false;
  #moving = false;
  #closed = false;
  #mediaFailures = 0;
  #toldPlayback: MediaPlaybackState | undefined;

  /** @throws ParleyError `unsupported` */
  constructor(options: CallOptions) {
    this.#options = options;
    const { clock, emit } = options;
    this.signalling = new Signalling(options);
    this.playback = new Playback(this.graph, (state) => this.#playbackChanged(state));
    this.microphone = new Microphone(options.microphone || {}, {
      onState: (state) => emit('microphoneChanged', { state, deviceId: this.microphone.deviceId }),
      onTrack: (track, previous) => void this.#useMicrophone(track, previous),
      onDevices: (microphones) => emit('microphonesChanged', { microphones }),
      onError: (error) => emit('error', error),
    });
    if (options.muted) this.microphone.setMuted(true);
    this.media = new CallMedia({
      device: this.#device,
      signalling: this.signalling,
      playback: this.playback,
      clock,
      microphone: () => this.#microphoneDecided.then(() => this.microphone.track),
      onLost: (error) => this.#mediaFailed(error),
    });
    this.#monitor = new MediaMonitor({
      link: () => this.media.link,
      graph: this.graph,
      clock,
      onSilent: (forMs) => {
        emit('audioLost', { forMs });
        this.report({ noPacketsForMs: forMs });
      },
      onBack: (afterMs) => emit('audioBack', { afterMs }),
      onFigures: ({ roundTripMs, packetsLost, packetsReceived, jitterMs, concealedMs }) =>
        this.report({ statistics: { roundTripMs, packetsLost, packetsReceived, jitterMs, concealedMs } }),
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** @throws ParleyError where connecting is impossible */
  start(): Promise<void> {
    const { clock, emit, microphone } = this.#options;
    this.signalling.on('hello', (hello) => void this.#join(hello));
    this.signalling.on('event', (event) => this.#onEvent(event));
    this.signalling.on('token', (renewed) => emit('tokenRenewed', renewed));
    this.signalling.on('failed', (error) => this.#fail(error));
    this.signalling.on('down', (attempt) => {
      this.#joined = false;
      this.#refreshState();
      if (this.#connectedOnce) emit('reconnecting', attempt);
    });
    this.signalling.open();
    if (microphone) this.#microphoneDecided = this.openMicrophone().then(() => clock.mark('microphoneMs'));
    this.graph.start();
    this.#monitor.start();
    return this.#ready.promise;
  }

  /** Opens the microphone, or another one. @returns whether there is one now; what went wrong is an `error` event */
  async openMicrophone(deviceId?: string): Promise<boolean> {
    try {
      await this.microphone.open(deviceId);
      return true;
    } catch (error) {
      if (!this.#closed) this.#options.emit('error', error as ParleyError);
      return false;
    }
  }

  /** Tells the server something that it can do without. */
  report(report: Request<'report'>): void {
    if (this.#joined) this.signalling.request('report', report).catch(() => undefined);
  }

  async leave(): Promise<void> {
    const left = this.#joined ? this.signalling.request('leave', {}, leaveTimeoutMs).catch(() => undefined) : undefined;
    this.#closeMedia();
    await left;
    this.end('left');
  }

  /** Closes everything, tells the application why, and frees what is waiting. */
  end(reason: EndReason | undefined): void {
    if (!this.close()) return;
    this.#ready.reject(new ParleyError('session_ended'));
    if (reason) this.#options.emit('ended', { reason });
  }

  /** Idempotent. @returns whether there was anything to close */
  close(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#closeMedia();
    this.signalling.close();
    this.#refreshState();
    return true;
  }

  #closeMedia(): void {
    this.#monitor.close();
    this.media.close();
    this.playback.close();
    this.microphone.close();
    this.graph.close();
  }

  async #join(hello: Hello): Promise<void> {
    this.#hello = hello;
    this.#options.clock.mark('helloMs');
    if (hello.protocol !== protocolVersion) {
      this.#fail(new ParleyError('version_mismatch'));
      return;
    }
    try {
      if (!this.#device.loaded)
        await this.#device.load({ routerRtpCapabilities: hello.rtpCapabilities as RtpCapabilities });
      const answer = await this.signalling.request('join', this.#joinRequest(), joinTimeoutMs);
      if (hello === this.#hello && !this.#closed) this.#onJoined(answer);
    } catch (error) {
      // Where the connection was lost meanwhile, the next one joins.
      if (this.#closed || hello !== this.#hello || !this.signalling.connected) return;
      const refused = error instanceof ParleyError ? error : new ParleyError('unsupported', { cause: error });
      if (!this.#connectedOnce || endsTheCall(refused)) this.#fail(refused);
      else this.signalling.restart();
    }
  }

  #joinRequest(): Request<'join'> {
    const { lastSeen } = this.signalling.order;
    const keep = this.media.keep;
    this.#toldPlayback = this.playback.state;
    return {
      protocol: protocolVersion,
      sdk: sdkVersion,
      rtpCapabilities: this.#device.recvRtpCapabilities as Request<'join'>['rtpCapabilities'],
      playback: this.#toldPlayback,
      ...(lastSeen && { lastSeen }),
      ...(keep && { keep }),
    };
  }

  #onJoined(answer: Answers['join']): void {
    const { emit, clock } = this.#options;
    const first = this.session === undefined;
    clock.mark('joinedMs');
    this.signalling.joined();
    this.signalling.order.adopt(answer.epoch);
    this.session = answer.session;
    this.#joined = true;
    emit('joined', { session: answer.session, epoch: answer.epoch, resumed: !first || answer.transcript.length > 0 });
    if (first) for (const entry of answer.transcript) emit('transcript', entry);
    if (this.microphone.muted) void this.signalling.request('mute', { muted: true }).catch(() => undefined);
    if (answer.media) void this.#adopt(answer.media, answer.epoch);
    this.#refreshState();
  }

  async #adopt(media: MediaOptions, epoch: number): Promise<void> {
    this.#moving = true;
    this.#refreshState();
    try {
      if (!(await this.media.adopt(media, this.#hello?.iceServers ?? [], epoch)) || this.#closed) return;
      this.#moving = false;
      this.#mediaFailures = 0;
      this.#connectedOnce = true;
      this.#options.clock.mark('connectedMs');
      this.#refreshState();
      this.#ready.resolve();
    } catch (error) {
      this.#mediaFailed(error instanceof ParleyError ? error : new ParleyError('request_failed', { cause: error }));
    }
  }

  #mediaFailed(error: ParleyError | undefined): void {
    this.#moving = false;
    // Without signalling nothing can be done now; the next `join` brings new media where the old does not stand.
    if (this.#closed || (this.#connectedOnce && !this.signalling.connected)) return;
    if (!this.#connectedOnce || ++this.#mediaFailures > maxMediaFailures)
      this.#fail(error ?? new ParleyError('ice_failed'));
    else this.signalling.restart();
  }

  #onEvent(event: SessionEvent): void {
    for (const emission of this.#conversation.translate(event)) this.#emit(emission);
    if (event.name === 'move') void this.#adopt(event.payload.media, event.payload.epoch);
    if (event.name === 'ended') this.end(event.payload.reason);
    if (event.name !== 'problem') return;
    const { code, message } = event.payload;
    const fatal = fatalSignallingError(code, event.payload);
    if (fatal) this.#fail(fatal);
    else this.#options.emit('error', new ParleyError('request_failed', { message, cause: event.payload }));
  }

  #emit<Name extends keyof ParleyEvents>(emission: ClientEmission & { name: Name }): void {
    this.#options.emit(emission.name, emission.payload as ParleyEvents[Name]);
  }

  async #useMicrophone(track: MediaStreamTrack, previous: MediaStreamTrack | undefined): Promise<void> {
    this.graph.add('user', track);
    try {
      await this.media.exchangeMicrophone(track);
      this.report({ microphone: 'active' });
    } catch (cause) {
      if (!this.#closed) this.#options.emit('error', new ParleyError('request_failed', { cause }));
    } finally {
      if (previous) this.graph.remove(previous);
      previous?.stop();
    }
  }

  #playbackChanged(state: MediaPlaybackState): void {
    if (this.#closed) return;
    if (state !== this.#toldPlayback) this.report({ playback: state });
    this.#toldPlayback = state;
    this.#options.emit('playbackChanged', { state });
    if (state === 'blocked') this.#options.emit('error', new ParleyError('autoplay_blocked'));
  }

  #fail(error: ParleyError): void {
    if (!this.close()) return;
    if (this.#connectedOnce) this.#options.emit('error', error);
    this.#ready.reject(error);
  }

  #refreshState(): void {
    const previous = this.#state;
    this.#state = this.#derivedState();
    if (this.#state !== previous) this.#options.emit('stateChanged', { state: this.#state, previous });
  }

  #derivedState(): ClientState {
    if (this.#closed) return 'disconnected';
    if (!this.#connectedOnce) return 'connecting';
    if (!this.#joined) return 'reconnecting';
    return this.#moving ? 'moving' : 'connected';
  }
}
