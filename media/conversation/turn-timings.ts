/** When each step of a turn happened, for its waterfall: from the caller's last sound to the agent's first, heard. Pure. */

/** Milliseconds from the start of the session; what did not happen is missing. */
export type TurnTimings = {
  endOfSpeechMs: number;
  /** The last of the caller's words that were known when the turn ended. */
  transcriptMs?: number;
  /** The turn was taken as ended. */
  endpointMs: number;
  /** Of a language model. */
  firstTokenMs?: number;
  firstAudioMs?: number;
  /** It left the server. */
  firstPacketMs?: number;
  /** It was heard: as much later as the client reports that it hears. */
  heardMs?: number;
};

export class TurnClock {
  #transcriptMs: number | undefined;
  #timings: TurnTimings | undefined;

  words(nowMs: number): void {
    this.#transcriptMs = nowMs;
  }

  turnEnded(endOfSpeechMs: number, nowMs: number): void {
    const transcriptMs = this.#transcriptMs;
    this.#transcriptMs = undefined;
    this.#timings = { endOfSpeechMs, endpointMs: nowMs, ...(transcriptMs !== undefined && { transcriptMs }) };
  }

  /** Only the first of each kind counts. */
  step(name: 'firstTokenMs' | 'firstAudioMs' | 'firstPacketMs', nowMs: number): void {
    if (this.#timings) this.#timings[name] ??= nowMs;
  }

  /**
   * Those of the turn that is being answered, once its answer is on its way.
   * @param hearsAfterMs from a packet's leaving to its sound, where that is known
   */
  audible(hearsAfterMs: number | undefined): TurnTimings | undefined {
    const { firstPacketMs } = this.#timings ?? {};
    if (!this.#timings || firstPacketMs === undefined) return undefined;
    return { ...this.#timings, ...(hearsAfterMs !== undefined && { heardMs: firstPacketMs + hearsAfterMs }) };
  }

  /** Its answer is begun, or begun anew. */
  answerBegins(): void {
    if (!this.#timings) return;
    delete this.#timings.firstTokenMs;
    delete this.#timings.firstAudioMs;
    delete this.#timings.firstPacketMs;
  }

  /** Another reply begins, which answers no spoken turn. */
  forget(): void {
    this.#timings = undefined;
  }
}
