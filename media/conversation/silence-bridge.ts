/** When words are to bridge the silence in a reply that stalls: before its first sound, or in the midst of it. Pure. */

/** From the caller's last sound, or the agent's; with the synthesis of nothing, it is heard within 2 s. */
const BRIDGE_AFTER_MS = 1_400;
/** A reply has at least this time of its own: one that was begun after a long pause is not late yet. */
const OWN_TIME_MS = 600;
/** The second comes later: the caller knows by then. */
const BRIDGE_AGAIN_AFTER_MS = 4_000;

/** Times in one reply. */
const MOST = 2;

export class SilenceBridge {
  #dryMs: number | undefined;
  #used = 0;

  /** A reply begins. @param silentSinceMs when the caller stopped */
  begin(silentSinceMs: number, nowMs: number): void {
    this.#dryMs = Math.max(silentSinceMs, nowMs - BRIDGE_AFTER_MS + OWN_TIME_MS);
    this.#used = 0;
  }

  /** There is nothing to bridge: no reply, all of it is known, or the caller has the word. */
  end(): void {
    this.#dryMs = undefined;
  }

  /** @param dry the reply goes on, and nothing of it is left to be played @returns which of the texts `bridges` is to be said */
  poll(dry: boolean, nowMs: number): number | undefined {
    if (!dry) {
      this.#dryMs = undefined;
      return undefined;
    }
    this.#dryMs ??= nowMs;
    const afterMs = this.#used === 0 ? BRIDGE_AFTER_MS : BRIDGE_AGAIN_AFTER_MS;
    if (this.#used >= MOST || nowMs - this.#dryMs < afterMs) return undefined;
    this.#dryMs = nowMs;
    return this.#used++;
  }
}
