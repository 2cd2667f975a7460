import type { Answers, Request } from '../../signalling/protocol.ts';
import { AudioGraph } from './audio-graph.ts';
import { CallMedia } from './call-media.ts';
import { atFirst, stateOf } from './call-state.ts';
import type { CallFacts } from './call-state.ts';
import type { ParleyEvents } from './client-events.ts';
import type { ConnectClock } from './connect-clock.ts';
import { ParleyError, fatalSignallingError } from './errors.ts';
import { Joining } from './joining.ts';
import { MediaMonitor } from './media-monitor.ts';
import { Microphone } from './microphone.ts';
import { Moving } from './moving.ts';
import { Playback } from './playback.ts';
import { createDevice } from './rtc-device.ts';
import { ConversationEvents } from './session-event.ts';
import type { ClientEmission, SessionEvent } from './session-event.ts';
import { Signalling } from './signalling.ts';
import type { SignallingOptions } from './signalling.ts';
import { TranscriptLedger } from './transcript-ledger.ts';
import type { ClientState, EndReason, MediaPlaybackState, MicrophoneOptions, Session } from './types.ts';

export type CallOptions = SignallingOptions & {
  /** `false`: listen and type only. */
  microphone: MicrophoneOptions | false;
  muted: boolean;
  clock: ConnectClock;
  emit: <Name extends keyof ParleyEvents>(name: Name, payload: ParleyEvents[Name]) => void;
};

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
  readonly moving: Moving;
  session: Session | undefined;
  readonly #options: CallOptions;
  readonly #device = createDevice();
  readonly #joining: Joining;
  readonly monitor: MediaMonitor;
  readonly #conversation = new ConversationEvents();
  readonly #ledger = new TranscriptLedger();
  readonly #ready = Promise.withResolvers<void>();
  /** Settles once the person has decided about the microphone. */
  #microphoneDecided: Promise<unknown> = Promise.resolve();
  #state: ClientState = 'connecting';
  #facts: CallFacts = atFirst;
  #mediaFailures = 0;
  #toldPlayback: MediaPlaybackState | undefined;

  /** @throws ParleyError `unsupported` */
  constructor(options: CallOptions) {
    this.#options = options;
    const { clock, emit } = options;
    this.signalling = new Signalling(options);
    this.playback = new Playback(this.graph, (state) => this.#playbackChanged(state));
    this.microphone = this.#createMicrophone();
    this.media = new CallMedia({
      device: this.#device,
      signalling: this.signalling,
      playback: this.playback,
      clock,
      microphone: () => this.#microphoneDecided.then(() => this.microphone.track),
      onLost: (error) => this.#mediaFailed(error),
      onStandbyFailed: () => this.#note({ moving: false }),
    });
    this.moving = new Moving({
      media: this.media,
      ledger: this.#ledger,
      iceServers: () => this.#joining.iceServers,
      facts: () => this.#facts,
      note: (change) => this.#note(change),
      emit,
      onDone: (pod) => this.#mediaStands(pod),
      onFailed: (error) => this.#mediaFailed(error),
    });
    this.#joining = new Joining({
      device: this.#device,
      signalling: this.signalling,
      media: this.media,
      playback: () => (this.#toldPlayback = this.playback.state),
      heardMs: () => this.monitor.heardMs,
      silent: () => this.#facts.connectedOnce && (this.#facts.silent || !this.media.link),
      onJoined: (answer) => this.#onJoined(answer),
      onFailed: (error) => this.#fail(error),
    });
    this.monitor = this.#createMonitor();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** @throws ParleyError where connecting is impossible */
  start(): Promise<void> {
    const { clock, emit, microphone } = this.#options;
    this.signalling.on('hello', (hello) => {
      clock.mark('helloMs');
      void this.#joining.join(hello);
    });
    this.signalling.on('event', (event) => this.#onEvent(event));
    this.signalling.on('token', (renewed) => emit('tokenRenewed', renewed));
    this.signalling.on('failed', (error) => this.#fail(error));
    this.signalling.on('down', ({ attempt, cause, retryInMs }) => {
      const wasIn = this.session !== undefined;
      this.#note({ joined: false });
      if (wasIn) emit('reconnecting', { attempt, retryInMs });
      else if (cause instanceof ParleyError && cause.code === 'server_busy') emit('busy', { attempt, retryInMs });
    });
    this.signalling.open();
    if (microphone) this.#microphoneDecided = this.openMicrophone().then(() => clock.mark('microphoneMs'));
    this.graph.start();
    this.monitor.start();
    return this.#ready.promise;
  }

  /** Opens the microphone, or another one. @returns whether there is one now; what went wrong is an `error` event */
  async openMicrophone(deviceId?: string): Promise<boolean> {
    try {
      await this.microphone.open(deviceId);
      return true;
    } catch (error) {
      if (!this.#facts.closed) this.#options.emit('error', error as ParleyError);
      return false;
    }
  }

  /** Tells the server something that it can do without. */
  report(report: Request<'report'>): void {
    if (this.#facts.joined) this.signalling.request('report', report).catch(() => undefined);
  }

  #hearsNothing(noPacketsForMs: number): void {
    if (this.#facts.joined) void this.signalling.probe({ noPacketsForMs });
    void this.media.suspect();
  }

  async leave(): Promise<void> {
    // One that has not got in yet leaves, too: its session would be kept for a caller who does not come back.
    const left = this.signalling.request('leave', {}, leaveTimeoutMs).catch(() => undefined);
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
    if (this.#facts.closed) return false;
    this.#facts = { ...this.#facts, closed: true };
    this.#closeMedia();
    this.signalling.close();
    this.#note({});
    return true;
  }

  #createMicrophone(): Microphone {
    const { emit, microphone, muted } = this.#options;
    const created = new Microphone(microphone || {}, {
      onState: (state) => emit('microphoneChanged', { state, deviceId: created.deviceId }),
      onTrack: (track, previous) => void this.#useMicrophone(track, previous),
      onDevices: (microphones) => emit('microphonesChanged', { microphones }),
      onError: (error) => emit('error', error),
    });
    if (muted) created.setMuted(true);
    return created;
  }

  #createMonitor(): MediaMonitor {
    const { clock, emit } = this.#options;
    return new MediaMonitor({
      link: () => this.media.link,
      graph: this.graph,
      clock,
      onSuspicion: (forMs) => this.#hearsNothing(forMs),
      onSilent: (forMs) => {
        emit('audioLost', { forMs });
        this.#note({ silent: true });
        this.#hearsNothing(forMs);
        this.media.silent(forMs);
      },
      onBack: (afterMs) => {
        emit('audioBack', { afterMs });
        this.#note({ silent: false });
      },
      onFigures: (statistics) => this.report({ statistics }),
    });
  }

  #closeMedia(): void {
    for (const part of [this.monitor, this.media, this.playback, this.microphone, this.graph]) part.close();
  }

  #onJoined({ epoch, kept, media, queued, session, transcript }: Answers['join']): void {
    const { emit, clock } = this.#options;
    const formerEpoch = this.signalling.order.epoch;
    // An owner that was replaced and does not know it yet.
    if (!this.signalling.order.adopt(epoch)) return this.signalling.restart();
    clock.mark('joinedMs');
    this.signalling.joined();
    const resumed = this.session !== undefined || transcript.length > 0;
    this.session = session;
    this.media.dropStandby();
    if (kept) this.media.socketRenewed(this.#facts.silent);
    emit('joined', { session, epoch, resumed });
    for (const entry of this.#ledger.missing(transcript)) emit('transcript', entry);
    if (queued !== undefined) emit('queued', { position: queued });
    if (this.microphone.muted) void this.signalling.request('mute', { muted: true }).catch(() => undefined);
    this.#note({ joined: true, queued: queued !== undefined, moving: false });
    if (media) void this.moving.adopt(media, epoch, epoch > formerEpoch ? 'pod' : undefined);
  }

  #mediaStands(pod: string | undefined): void {
    this.#mediaFailures = 0;
    this.#options.clock.mark('connectedMs');
    // A pod that took the call over without a `join` may not know it.
    if (this.moving.count > 0) this.report({ playback: this.playback.state });
    if (pod !== undefined && this.session) this.session = { ...this.session, pod };
    this.#ready.resolve();
  }

  #mediaFailed(error: ParleyError | undefined): void {
    this.#note({ moving: false });
    const { closed, connectedOnce } = this.#facts;
    // Without signalling nothing can be done now; the next `join` brings new media where the old does not stand.
    if (closed || (connectedOnce && !this.signalling.connected)) return;
    if (!connectedOnce || ++this.#mediaFailures > maxMediaFailures) this.#fail(error ?? new ParleyError('ice_failed'));
    else this.signalling.restart();
  }

  #onEvent(event: SessionEvent): void {
    // An owner that brings transports of its own is not the one whose transports stand by.
    if (event.name !== 'move' || event.payload.reason === 'drain') this.moving.heardOf(event.payload.epoch);
    if (event.name === 'transcript' && !this.#ledger.accept(event.payload)) return;
    for (const emission of this.#conversation.translate(event)) this.#emit(emission);
    if (event.name === 'queued') this.#note({ queued: !this.media.link });
    if (event.name === 'move') this.moving.follow(event.payload);
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
      if (!this.#facts.closed) this.#options.emit('error', new ParleyError('request_failed', { cause }));
    } finally {
      if (previous) this.graph.remove(previous);
      previous?.stop();
    }
  }

  #playbackChanged(state: MediaPlaybackState): void {
    if (this.#facts.closed) return;
    if (state !== this.#toldPlayback) this.report({ playback: state });
    this.#toldPlayback = state;
    this.#options.emit('playbackChanged', { state });
    if (state === 'blocked') this.#options.emit('error', new ParleyError('autoplay_blocked'));
  }

  #fail(error: ParleyError): void {
    if (!this.close()) return;
    if (this.#facts.connectedOnce) this.#options.emit('error', error);
    this.#ready.reject(error);
  }

  #note(change: Partial<CallFacts>): void {
    this.#facts = { ...this.#facts, ...change };
    const previous = this.#state;
    this.#state = stateOf(this.#facts);
    if (this.#state !== previous) this.#options.emit('stateChanged', { state: this.#state, previous });
  }
}
