/**
 * The send loop of a voice worker, one for all its calls: every tick first sends what is due, then has the next frames
 * made. Sending is done at once; the rest in slices, with a turn of the event loop after each.
 */
import { WorkRound } from '../runtime/work-round.ts';

export type SendLoopOptions = {
  calls: ReadonlyMap<string, LoopedCall>;
  now: () => number;
  /** Told how long after its time a tick began, and how late a packet or a frame of silence was, in ms. */
  onTick: (latenessMs: number) => void;
  onSent: (latenessMs: number) => void;
  onFault: (callId: string, code: string, fault: unknown) => void;
};

export type LoopedCall = {
  /** Sends what is due. @returns how late it was in ms, or −1 when nothing was due */
  send: (nowMs: number) => number;
  /** What is to be done after the packets of a tick have left. */
  work: (nowMs: number) => void;
};

/**
 * Each call's frames fall on one of the grid's points, so that a frame leaves when a tick runs. Smaller: more wake-ups;
 * larger: turn ends and conceals are later by as much.
 */
export const TICK_MS = 5;
/**
 * In a turn of the event loop libuv reads 32 packets of a socket, however many there are: what can be received is 32 for
 * each turn's length. One turn with the work of 200 calls takes 10 ms and more, and the rest piles up until the kernel
 * drops it. Larger: fewer packets get in when there is too much to do; smaller: more turns, of some 20 µs each.
 */
const SLICE_MS = 1;

export class SendLoop {
  readonly #options: SendLoopOptions;
  readonly #round: WorkRound;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  readonly #hurried = new Set<string>();
  #hurry: NodeJS.Immediate | undefined;
  #dueMs = 0;
  #closed = false;

  constructor(options: SendLoopOptions) {
    this.#options = options;
    this.#round = new WorkRound(SLICE_MS, options.now);
  }

  /** Ticks for as long as there are calls. */
  start(): void {
    if (!this.#timer && !this.#closed) this.#schedule();
  }

  /** Does the work of one call before the next tick. Called while another call is worked for, it is done right after. */
  hurry(callId: string): void {
    if (this.#hurried.size === 0 && !this.#closed) this.#hurry = setImmediate(this.#workForHurried);
    this.#hurried.add(callId);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    clearImmediate(this.#hurry);
  }

  #schedule(): void {
    const nowMs = this.#options.now();
    this.#dueMs = Math.floor(nowMs / TICK_MS + 1) * TICK_MS;
    this.#timer = setTimeout(this.#tick, Math.max(0, this.#dueMs - nowMs));
  }

  readonly #tick = (): void => {
    const { calls, now, onTick } = this.#options;
    const nowMs = now();
    onTick(Math.max(0, nowMs - this.#dueMs));
    // Not as entries: each would be an array, 200 times a second and call.
    for (const call of calls.values()) this.#send(call, nowMs);
    if (this.#round.isDone) {
      this.#round.begin(calls.keys());
      this.#work();
    }
    this.#timer = undefined;
    if (calls.size > 0) this.start();
  };

  #send(call: LoopedCall, nowMs: number): void {
    const { calls, onSent, onFault } = this.#options;
    try {
      const latenessMs = call.send(nowMs);
      if (latenessMs >= 0) onSent(latenessMs);
    } catch (fault) {
      const [callId = ''] = [...calls].find(([, candidate]) => candidate === call) ?? [];
      onFault(callId, 'send_failed', fault);
    }
  }

  readonly #work = (): void => {
    this.#immediate = this.#closed || this.#round.slice(this.#workFor) ? undefined : setImmediate(this.#work);
  };

  readonly #workForHurried = (): void => {
    const callIds = [...this.#hurried];
    this.#hurried.clear();
    for (const callId of callIds) this.#workFor(callId);
  };

  readonly #workFor = (callId: string): void => {
    const { calls, now, onFault } = this.#options;
    try {
      // One that has ended since the round began is not among them.
      calls.get(callId)?.work(now());
    } catch (fault) {
      onFault(callId, 'call_failed', fault);
    }
  };
}
