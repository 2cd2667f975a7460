import { Call } from './call.ts';
import type { AudioNodes, Side } from './audio-graph.ts';
import type { ParleyEvents } from './client-events.ts';
import { ConnectClock } from './connect-clock.ts';
import { Emitter } from './emitter.ts';
import { ParleyError } from './errors.ts';
import { Microphone } from './microphone.ts';
import { PageTools } from './page-tools.ts';
import { prepareDevice } from './rtc-device.ts';
import { readStatistics } from './statistics.ts';
import type {
  ClientState,
  MicrophoneDevice,
  MicrophoneOptions,
  MicrophoneState,
  Session,
  Statistics,
  ToolHandler,
} from './types.ts';

export type ParleyClientOptions = {
  /**
   * Token for one session. A function is called at `connect()`, and again if the server refuses the former token; it must
   * return one for the same session.
   */
  token: string | (() => Promise<string>);
  /** Where the server is. Default: the page's origin. */
  url?: string;
  /** How to capture the caller; `false` for a call without a microphone. Default: with the browser's echo cancellation, noise suppression and gain control. */
  microphone?: MicrophoneOptions | false;
  /**
   * Falls back to HTTP long polling if a proxy blocks WebSockets. Default: false, since the server must allow it
   * (`SIGNALLING_TRANSPORTS`), and a balancer must keep each client on one server by a cookie.
   */
  longPolling?: boolean;
};

/** A spoken conversation with an agent. One client is one call: create a new one for the next. */
export class ParleyClient extends Emitter<ParleyEvents> {
  readonly #options: ParleyClientOptions;
  readonly #clock = new ConnectClock(() => performance.now());
  #call: Call | undefined;
  #connecting: Promise<void> | undefined;
  readonly #tools = new PageTools();
  #muted = false;

  constructor(options: ParleyClientOptions) {
    super();
    this.#options = options;
  }

  /**
   * Does ahead of a call what needs neither a session nor a permission, for calls to begin sooner: to be called when the page
   * is at rest. It leaves nothing open.
   */
  static prepare(): void {
    try {
      prepareDevice();
    } catch {
      // `connect()` says so.
    }
  }

  get state(): ClientState {
    return this.#call?.state ?? 'disconnected';
  }

  /** Known once the session was joined; its `pod` changes when the call moves. */
  get session(): Session | undefined {
    return this.#call?.session;
  }

  get microphone(): MicrophoneState {
    return this.#call?.microphone.state ?? 'none';
  }

  /** Of the microphone in use. */
  get microphoneId(): string | undefined {
    return this.#call?.microphone.deviceId;
  }

  /** The caller's microphones; their names are known once permission was granted. */
  get microphones(): Promise<MicrophoneDevice[]> {
    return Microphone.list();
  }

  /** For recorders and visualisers; `undefined` before `connect()`. */
  get audio(): AudioNodes | undefined {
    return this.#call?.graph.nodes;
  }

  /**
   * Joins the session, asks for the microphone at the same time, and plays the agent. Call it from a click, so that
   * the browser allows sound. Resolves once the caller can hear and be heard, or has refused the microphone; if the session
   * waits for a place, once it has got one.
   *
   * @throws ParleyError if no call comes about; a missing microphone is an `error` event, and the call goes on
   */
  connect(): Promise<void> {
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /** To be called from a click, after the error `autoplay_blocked`. @returns whether sound plays now */
  async startAudio(): Promise<boolean> {
    return (await this.#call?.playback.start()) ?? false;
  }

  /**
   * Mutes or unmutes the caller. If there was no microphone, `true` asks for it again. Before `connect()`, it decides how the
   * call begins: a muted caller never sends a word.
   *
   * @returns whether the caller is heard now
   */
  async setMicrophoneEnabled(enabled: boolean): Promise<boolean> {
    this.#muted = !enabled;
    const call = this.#call;
    if (!call) return false;
    call.microphone.setMuted(!enabled);
    call.signalling.request('mute', { muted: !enabled }).catch(() => undefined);
    if (!enabled) return false;
    return call.microphone.track !== undefined || call.openMicrophone();
  }

  /** Switches to another microphone. If that fails, the current one stays, and there is an `error` event. */
  async setMicrophone(deviceId: string): Promise<boolean> {
    return (await this.#call?.openMicrophone(deviceId)) ?? false;
  }

  /** Says something to the agent in writing. @returns the turn that it began */
  sendText(text: string): Promise<{ turnId: string }> {
    return this.#ask(async (call) => {
      const { turnId } = await call.signalling.request('say', { text });
      return { turnId };
    });
  }

  /**
   * Lets the agent use a tool of this page, which its configuration declares under the same name (`type: client`). May be
   * called before `connect()`, and again for another handler.
   *
   * @returns a function that unregisters the tool
   */
  registerTool<Arguments extends object = Record<string, unknown>>(
    name: string,
    handler: ToolHandler<Arguments>,
  ): () => void {
    return this.#tools.register(name, handler as ToolHandler);
  }

  /** Silences the agent. */
  interrupt(): Promise<void> {
    return this.#ask(async (call) => {
      await call.signalling.request('interrupt', {});
    });
  }

  /**
   * Ends the call.
   *
   * @param options.leave false: the session stays open for a while and can be resumed with its token. Default: true
   */
  async disconnect(options: { leave?: boolean } = {}): Promise<void> {
    if (options.leave ?? true) await this.#call?.leave();
    else this.#call?.end(undefined);
  }

  /** How loud that side is now, 0…1, perceptually even. */
  level(side: Side): number {
    return this.#call?.graph.level(side) ?? 0;
  }

  async statistics(): Promise<Statistics> {
    const entries = await this.#call?.media.link?.statistics();
    const playoutDelayMs = this.#call?.monitor.playoutDelayMs;
    return {
      ...readStatistics(entries?.received ?? [], entries?.sent ?? []),
      ...(this.#call?.signalling.callerNetwork && { atServer: this.#call.signalling.callerNetwork }),
      epoch: this.#call?.signalling.order.epoch ?? 0,
      ...(playoutDelayMs !== undefined && { playoutDelayMs }),
      ...(this.session && { pod: this.session.pod }),
      moves: this.#call?.moving.count ?? 0,
      connecting: this.#clock.timings,
    };
  }

  async #connect(): Promise<void> {
    this.#clock.start();
    this.#call = this.#createCall();
    this.#tools.serve(this.#call.signalling);
    this.emit('stateChanged', { state: 'connecting', previous: 'disconnected' });
    await this.#call.start();
  }

  #createCall(): Call {
    const { token, url, microphone, longPolling = false } = this.#options;
    try {
      return new Call({
        url: url ?? window.location.origin,
        token: async () => {
          const given = typeof token === 'string' ? token : await token();
          this.#clock.mark('tokenMs');
          return given;
        },
        longPolling,
        microphone: microphone ?? {},
        muted: this.#muted,
        clock: this.#clock,
        emit: (name, payload) => this.emit(name, payload),
      });
    } catch (cause) {
      throw cause instanceof ParleyError ? cause : new ParleyError('unsupported', { cause });
    }
  }

  /** A failure is an `error` event as well, so that code which does not await the result still hears of it. */
  #ask<Answer>(request: (call: Call) => Promise<Answer>): Promise<Answer> {
    const call = this.#call;
    const answer = call
      ? request(call)
      : Promise.reject(new ParleyError('request_failed', { message: 'There is no call yet.' }));
    answer.catch((error: ParleyError) => this.emit('error', error));
    return answer;
  }
}
