/** Workers that exit and hang under callers to whom the agent speaks without a pause. */
import { setTimeout as pause } from 'node:timers/promises';
import { ScriptedCaller } from '../test/support/scripted-caller.ts';
import type { Interruptible } from './interruptible.ts';
import type { Kept } from './struck-server.ts';
import { strikeFigures, STRIKES, type Gap, type StrikeFigures, type StrikeKind } from './time-figures.ts';
import type { TimeRig } from './time-rig.ts';

/** Of both pairs of workers some. */
const PROBES = 6;
const ADDRESS = '127.0.0.1';
/** Half a minute of speech, without pauses that would pass for gaps. */
const WITHOUT_PAUSES = Array.from({ length: 66 }, (_, i) => (i % 12 === 11 ? 'today and' : 'alone')).join(' ');
const SPEAK_MS = 20_000;
const BEFORE_MS = 3_000;
const AFTER_MS = 7_000;
/** Between two strikes: a worker that was replaced is as good as the one before. */
const REST_MS = 3_000;

export class SoakStrikes {
  readonly #rig: TimeRig;
  readonly #parts: Interruptible;
  readonly #probes: ScriptedCaller[] = [];

  constructor(rig: TimeRig, parts: Interruptible) {
    this.#rig = rig;
    this.#parts = parts;
    parts.open.defer(() => {
      for (const probe of this.#probes) probe.close();
      ScriptedCaller.cleanUp();
    });
  }

  async run(): Promise<StrikeFigures[]> {
    const { unlessInterrupted } = this.#parts;
    await unlessInterrupted(Promise.all(Array.from({ length: PROBES }, () => this.#connect())));
    const figures: StrikeFigures[] = [];
    for (const [index, kind] of STRIKES.entries()) {
      figures.push(strikeFigures(kind, await unlessInterrupted(this.#strike(kind, index % 2))));
      await unlessInterrupted(pause(REST_MS));
    }
    await Promise.all(this.#probes.map((probe) => probe.request('leave', {}).catch(() => undefined)));
    for (const probe of this.#probes) probe.close();
    return figures;
  }

  async #connect(): Promise<void> {
    const { url } = this.#rig.server;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ overrides: { greeting: '' } });
    const response = await fetch(new URL('/v2/sessions', url), { method: 'POST', headers, body });
    const { token } = (await response.json()) as { token: string };
    const probe = new ScriptedCaller({ url: url.replace(/\/$/, ''), token, bindAddress: ADDRESS });
    this.#probes.push(probe);
    await probe.whenConnected();
  }

  async #strike(kind: StrikeKind, index: number): Promise<Gap[]> {
    await Promise.all(this.#probes.map((probe) => this.#speak(probe)));
    const struckMs = performance.now();
    const undo = await this.#fail(kind, index);
    await pause(AFTER_MS);
    const endMs = performance.now();
    undo();
    return this.#probes.map(({ heard }) => ({
      beforeMs: heard.longestGapMs(struckMs - BEFORE_MS, struckMs),
      afterMs: heard.longestGapMs(struckMs, endMs),
    }));
  }

  /** The agent speaks to the caller, and has done so for long enough to compare with. */
  async #speak(probe: ScriptedCaller): Promise<void> {
    await probe.request('interrupt', {});
    const askedMs = performance.now();
    await probe.request('say', { text: WITHOUT_PAUSES });
    await probe.until(() => probe.heard.firstVoiceMs(askedMs) !== undefined, 'the agent', SPEAK_MS);
    await pause(BEFORE_MS + 500);
  }

  /** @returns what leaves nothing behind of it */
  async #fail(kind: StrikeKind, index: number): Promise<() => void> {
    const { server } = this.#rig;
    if (kind.startsWith('voice')) {
      server.tell({ type: 'strike', fate: { index, fate: kind.endsWith('exit') ? 'exit' : 'hang' } });
      return () => undefined;
    }
    const { mediaWorkerPids } = await server.ask<Kept>({ type: 'measure' });
    const pid = mediaWorkerPids[index]!;
    process.kill(pid, kind.endsWith('exit') ? 'SIGKILL' : 'SIGSTOP');
    return () => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // The server has ended it.
      }
    };
  }
}
