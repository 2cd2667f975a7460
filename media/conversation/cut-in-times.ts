/** How long the agent took to fall silent when the caller cut in: from the onset of the speech to the silence. Pure. */
import type { CutIn } from './conversation-events.ts';

export class CutInTimes {
  #cutIn: { onsetMs: number; heard: string; silentAfterMs?: number } | undefined;
  #silentAtMs: number | undefined;
  #fading = false;

  /** A reply begins, or its voice has changed. */
  restart(): void {
    this.#silentAtMs = undefined;
  }

  replyStarted(): void {
    this.restart();
    this.#fading = false;
  }

  forget(): void {
    this.#cutIn = undefined;
  }

  /** The caller has cut in, and was not answered yet. */
  get pending(): boolean {
    return this.#cutIn !== undefined;
  }

  /** @returns that of the last interruption, once */
  take(): CutIn | undefined {
    const { silentAfterMs, heard } = this.#cutIn ?? {};
    this.#cutIn = undefined;
    return silentAfterMs === undefined ? undefined : { silentAfterMs, heard: heard ?? '' };
  }

  begin(onsetMs: number, heard: string): void {
    this.#cutIn = { onsetMs, heard };
  }

  /** The reply was given up. @returns whether its voice had gone silent before, and this is to be told now */
  gaveUp(audible: boolean): { silentSinceMs: number } | undefined {
    this.#fading = audible && this.#silentAtMs === undefined;
    return this.#silentAtMs === undefined ? undefined : { silentSinceMs: this.#silentAtMs };
  }

  /** The agent's voice has gone. @returns whether that was the end of a fade */
  silent(paused: boolean, nowMs: number): boolean {
    if (this.#fading) return true;
    // Else it may be the voice of the reply before.
    if (paused) this.#silentAtMs = nowMs;
    return false;
  }

  /** The agent is silent since `sinceMs`, and the reply has been given up. @returns ms from the onset, where known */
  fellSilent(sinceMs: number): number | undefined {
    this.#silentAtMs = undefined;
    this.#fading = false;
    const cutIn = this.#cutIn;
    if (cutIn) cutIn.silentAfterMs ??= Math.max(0, Math.round(sinceMs - cutIn.onsetMs));
    return cutIn?.silentAfterMs;
  }
}
