import type { IceServer, MediaOptions, Sequenced, SessionEvents } from '../../signalling/protocol.ts';
import type { CallMedia } from './call-media.ts';
import type { CallFacts } from './call-state.ts';
import type { ParleyEvents } from './client-events.ts';
import { ParleyError } from './errors.ts';
import type { TranscriptLedger } from './transcript-ledger.ts';
import type { MoveReason } from './types.ts';

export type MovingOptions = {
  media: CallMedia;
  /** Which lines of the conversation the application was told. */
  ledger: TranscriptLedger;
  iceServers: () => IceServer[];
  facts: () => Readonly<CallFacts>;
  note: (change: Partial<CallFacts>) => void;
  emit: <Name extends keyof ParleyEvents>(name: Name, payload: ParleyEvents[Name]) => void;
  /** New transports stand. `pod`: where, as far as the server has said so. */
  onDone: (pod: string | undefined) => void;
  onFailed: (error: ParleyError) => void;
};

type Move = {
  /** `undefined` where the client has asked for new transports itself. */
  reason: MoveReason | undefined;
  pod: string | undefined;
  startedMs: number;
};

/** Takes the call to other transports, and tells of it. */
export class Moving {
  /** How often the call has been moved. */
  count = 0;
  readonly #options: MovingOptions;
  /** The one that goes on, or the last one; a newer one takes its place. */
  #move: Move | undefined;

  constructor(options: MovingOptions) {
    this.#options = options;
  }

  /** `move` has come. While a server drains, the call stays where it is until the next owner is heard of. */
  follow({ epoch, media, pod, reason, transcript = [] }: SessionEvents['move'] & Sequenced): void {
    const { emit, ledger } = this.#options;
    for (const entry of ledger.missing(transcript)) emit('transcript', entry);
    if (reason === 'drain' && this.#options.media.link) {
      this.#begin(reason, pod);
      void this.#options.media.standBy(media, this.#options.iceServers(), epoch);
    } else void this.adopt(media, epoch, reason, pod);
  }

  /** Goes to new transports at once. */
  async adopt(media: MediaOptions, epoch: number, reason?: MoveReason, pod?: string): Promise<void> {
    const { iceServers, note, onFailed } = this.#options;
    const move = this.#begin(reason, pod);
    try {
      const adopted = await this.#options.media.adopt(media, iceServers(), epoch);
      if (move !== this.#move || this.#options.facts().closed) return;
      if (adopted) this.#done(move);
      else note({ moving: false });
    } catch (error) {
      onFailed(error instanceof ParleyError ? error : new ParleyError('request_failed', { cause: error }));
    }
  }

  /** An event of this epoch has come: where it is of the next owner, the call goes over to it now. */
  heardOf(epoch: number): void {
    if (this.#options.media.heardOf(epoch) && this.#move) this.#done(this.#move);
  }

  #begin(reason: MoveReason | undefined, pod: string | undefined): Move {
    const { emit, facts, note } = this.#options;
    const move = { reason, pod, startedMs: performance.now() };
    this.#move = move;
    if (reason && facts().connectedOnce) emit('moving', { reason });
    note({ moving: true, queued: false });
    return move;
  }

  #done({ pod, reason, startedMs }: Move): void {
    const { emit, facts, note, onDone } = this.#options;
    const moved = reason !== undefined && facts().connectedOnce;
    if (moved) this.count++;
    note({ moving: false, connectedOnce: true, silent: false });
    onDone(pod);
    if (moved) emit('moved', { reason, afterMs: Math.round(performance.now() - startedMs) });
  }
}
