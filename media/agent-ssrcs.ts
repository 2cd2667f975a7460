/** The SSRCs under which the agents of this process speak: all differ, since their packets share paths. */
import { randomInt } from 'node:crypto';

export class AgentSsrcs {
  readonly #byCall = new Map<string, number>();

  take(callId: string): number {
    const used = new Set(this.#byCall.values());
    let ssrc = 0;
    while (ssrc === 0 || used.has(ssrc)) ssrc = randomInt(1, 0x1_0000_0000);
    this.#byCall.set(callId, ssrc);
    return ssrc;
  }

  free(callId: string): void {
    this.#byCall.delete(callId);
  }
}
