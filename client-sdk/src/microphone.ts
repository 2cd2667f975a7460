import { ParleyError, microphoneError } from './errors.ts';
import type { MicrophoneDevice, MicrophoneOptions, MicrophoneState } from './types.ts';

export type MicrophoneEvents = {
  onState: (state: MicrophoneState) => void;
  /** There is a track, or another one than before. */
  onTrack: (track: MediaStreamTrack, previous: MediaStreamTrack | undefined) => void;
  /** Devices were plugged in or out. */
  onDevices: (microphones: MicrophoneDevice[]) => void;
  onError: (error: ParleyError) => void;
};

/** The caller's microphone: permission, choice of device, muting, and what to do when it is unplugged. */
export class Microphone {
  readonly #options: MicrophoneOptions;
  readonly #events: MicrophoneEvents;
  #track: MediaStreamTrack | undefined;
  #state: MicrophoneState = 'none';
  #muted = false;
  #closed = false;

  constructor(options: MicrophoneOptions, events: MicrophoneEvents) {
    this.#options = options;
    this.#events = events;
    navigator.mediaDevices?.addEventListener('devicechange', this.#devicesChanged);
  }

  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }

  get state(): MicrophoneState {
    return this.#state;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** The device in use. */
  get deviceId(): string | undefined {
    return this.#track?.getSettings().deviceId;
  }

  /** The inputs to choose from; their names are known once permission was given. */
  static async list(): Promise<MicrophoneDevice[]> {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices.filter((device) => device.kind === 'audioinput').map(({ deviceId, label }) => ({ deviceId, label }));
  }

  /**
   * Opens a device: the one named, else the one of the options, else the system's default.
   *
   * @throws ParleyError `microphone_…` or `insecure_origin`; a device that was open before stays open
   */
  async open(deviceId?: string): Promise<MediaStreamTrack> {
    if (!this.#track) this.#change('requesting');
    try {
      const track = await this.#capture(deviceId ?? this.#options.deviceId);
      if (this.#closed) {
        track.stop();
        throw new ParleyError('request_failed', { message: 'The call was ended.' });
      }
      this.#use(track);
      return track;
    } catch (error) {
      this.#change(this.#track ? this.#activeState() : 'none');
      throw error;
    }
  }

  /** A muted microphone stays open and sends silence. */
  setMuted(muted: boolean): void {
    this.#muted = muted;
    if (!this.#track) return;
    this.#track.enabled = !muted;
    this.#change(this.#activeState());
  }

  close(): void {
    this.#closed = true;
    this.#state = 'none';
    navigator.mediaDevices?.removeEventListener('devicechange', this.#devicesChanged);
    this.#track?.removeEventListener('ended', this.#lost);
    this.#track?.stop();
    this.#track = undefined;
  }

  async #capture(deviceId: string | undefined): Promise<MediaStreamTrack> {
    if (!navigator.mediaDevices) throw new ParleyError(window.isSecureContext ? 'unsupported' : 'insecure_origin');
    const { echoCancellation = true, noiseSuppression = true, autoGainControl = true } = this.#options;
    const audio: MediaTrackConstraints = { channelCount: 1, echoCancellation, noiseSuppression, autoGainControl };
    if (deviceId !== undefined) audio.deviceId = { exact: deviceId };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      const track = stream.getAudioTracks()[0];
      if (!track) throw new DOMException('no audio track', 'NotFoundError');
      return track;
    } catch (cause) {
      throw microphoneError(cause);
    }
  }

  #use(track: MediaStreamTrack): void {
    const previous = this.#track;
    previous?.removeEventListener('ended', this.#lost);
    this.#track = track;
    track.enabled = !this.#muted;
    track.addEventListener('ended', this.#lost);
    this.#change(this.#activeState());
    this.#events.onTrack(track, previous);
  }

  /** Unplugged, or permission was taken back: the default device is the best guess for what the person wants. */
  readonly #lost = (): void => {
    if (this.#closed) return;
    this.#events.onError(new ParleyError('microphone_lost'));
    const lost = this.#track;
    lost?.removeEventListener('ended', this.#lost);
    this.#reopenDefault().catch((error: ParleyError) => {
      if (this.#closed || this.#track !== lost) return;
      this.#track = undefined;
      this.#change('none');
      this.#events.onError(error);
    });
  };

  readonly #devicesChanged = (): void => {
    void Microphone.list().then((microphones) => {
      if (!this.#closed) this.#events.onDevices(microphones);
    });
  };

  async #reopenDefault(): Promise<void> {
    const track = await this.#capture(undefined);
    if (this.#closed) track.stop();
    else this.#use(track);
  }

  #activeState(): MicrophoneState {
    return this.#muted ? 'muted' : 'active';
  }

  #change(state: MicrophoneState): void {
    if (state === this.#state || this.#closed) return;
    this.#state = state;
    this.#events.onState(state);
  }
}
