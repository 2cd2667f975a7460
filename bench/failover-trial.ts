/** One call whose pod fails: what is done to it, and what its caller notices. */
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../test/support/eventually.ts';
import { FleetCall } from '../test/support/fleet-call.ts';
import type { Fleet } from '../test/support/fleet.ts';
import type { HeardPacket } from '../test/support/heard-voice.ts';
import type { Pod } from '../test/support/pod.ts';
import type { FailoverKind, FailoverTrial } from './failover-figures.ts';

/** Half a minute of speech, without pauses that would pass for gaps. */
const WITHOUT_PAUSES = Array.from({ length: 66 }, (_, i) => (i % 12 === 11 ? 'today and' : 'alone')).join(' ');
/** The agent has spoken for so long, or been silent, and up to half a second more: at any moment of a clause, or packet. */
const BEFORE_MS = 1_000;
const FROZEN_MS = 10_000;
const REDIS_CUT_MS = 6_000;
/** A pod that is back would be heard by then. */
const AFTERWARDS_MS = 1_500;
const PATIENCE_MS = 20_000;

export class FailoverTrialRun {
  readonly #fleet: Fleet;
  readonly #kind: FailoverKind;
  /** What the caller says once it hears the agent again, in packets of 20 ms. */
  readonly #words: readonly Uint8Array[];

  constructor(fleet: Fleet, kind: FailoverKind, words: readonly Uint8Array[]) {
    this.#fleet = fleet;
    this.#kind = kind;
    this.#words = words;
  }

  /**
   * @param ready resolves when all pods are up: they may still be starting while the call begins
   * @param onFailed told which pod was killed
   */
  async run(ready: () => Promise<unknown>, onFailed: (pod: Pod) => void): Promise<FailoverTrial> {
    const socketOn = this.#kind === 'kill-relayed' ? 'another' : 'owner';
    const call = await FleetCall.open(this.#fleet, { socketOn, session: { overrides: { greeting: '' } } });
    try {
      await call.haveRead('Noted.');
      await call.listens();
      const owner = await call.owner();
      await ready();
      if (this.#kind === 'redis-cut') await call.haveRead(WITHOUT_PAUSES);
      else if (this.#kind !== 'kill-silent') await call.haveRead(sentences());
      await pause(BEFORE_MS + Math.random() * 500);
      return await (this.#kind === 'redis-cut' ? this.#cutRedis(call, owner) : this.#fail(call, owner, onFailed));
    } finally {
      await call.end();
    }
  }

  async #fail(call: FleetCall, owner: Pod, onFailed: (pod: Pod) => void): Promise<FailoverTrial> {
    const { caller, told } = call;
    const { epoch } = caller;
    const failedMs = performance.now();
    const undo = await this.#strike(owner);
    if (!owner.process.running) onFailed(owner);
    try {
      await call.whenLedAgain(epoch, PATIENCE_MS);
      if (this.#kind === 'kill-silent') await caller.request('say', { text: 'I am here.' });
      let voice: HeardPacket | undefined;
      const heard = () => (voice = voiceAfter(call, epoch)) !== undefined;
      await eventually(heard, PATIENCE_MS);
      await caller.voice.say(this.#words);
      const speech = await caller.event('speech', { speaking: true, epoch: caller.epoch }, failedMs, PATIENCE_MS);
      const trial = {
        noticedMs: noticedAt(call, failedMs) - failedMs,
        ...stagesOf(call, failedMs),
        voiceMs: voice!.atMs - failedMs,
        bothMs: speech.atMs - failedMs,
        gapMs: NaN,
        claimed: true,
      };
      await undo(failedMs);
      return { ...trial, ...(await this.#safety(call, told)) };
    } catch (error) {
      await undo(failedMs);
      throw error;
    }
  }

  /** @returns what makes it good again, where it can be */
  async #strike(owner: Pod): Promise<(failedMs: number) => Promise<void>> {
    const { network, balancer } = this.#fleet;
    switch (this.#kind) {
      case 'freeze': {
        await owner.process.freeze();
        return async (failedMs) => {
          await pause(Math.max(0, failedMs + FROZEN_MS - performance.now()));
          await owner.process.thaw();
          await pause(AFTERWARDS_MS);
        };
      }
      case 'partition': {
        const ends = [network.outside, balancer!.process.host, this.#fleet.redis!.host];
        await Promise.all(ends.map((end) => network.cut(owner.host, end)));
        return async () => {
          await Promise.all(ends.map((end) => network.heal(owner.host, end)));
          await pause(AFTERWARDS_MS);
        };
      }
      default: {
        await owner.process.kill();
        return async () => undefined;
      }
    }
  }

  async #cutRedis(call: FleetCall, owner: Pod): Promise<FailoverTrial> {
    const { caller, told } = call;
    const { network, redis } = this.#fleet;
    const { epoch } = caller;
    const failedMs = performance.now();
    await network.cut(owner.host, redis!.host);
    await pause(REDIS_CUT_MS);
    await network.heal(owner.host, redis!.host);
    await pause(AFTERWARDS_MS);
    const gapMs = caller.heard.longestGapMs(failedMs, performance.now() - 100);
    await eventually(async () => (await call.owner().catch(() => undefined)) !== undefined, PATIENCE_MS);
    const stages = { helloMs: NaN, joinedMs: NaN, mediaMs: NaN };
    const times = { ...stages, noticedMs: NaN, voiceMs: NaN, bothMs: NaN, gapMs };
    return { ...times, claimed: caller.epoch > epoch, ...(await this.#safety(call, told)) };
  }

  async #safety(
    call: FleetCall,
    told: FleetCall['told'],
  ): Promise<Pick<FailoverTrial, 'linesTold' | 'linesKept' | 'twoHeard'>> {
    const kept = new Set((await call.transcript()).map(keyOf));
    return {
      linesTold: told.length,
      linesKept: told.filter((line) => kept.has(keyOf(line))).length,
      twoHeard: call.caller.heard.fromFormerOwners.length > 0,
    };
  }
}

/** Half a minute of speech that no pod has spoken before: none has it ready. */
const sentences = (): string => {
  const number = (): number => 100 + Math.floor(Math.random() * 900);
  return Array.from({ length: 8 }, () => `Number ${number()} is on its way, and number ${number()} will follow.`).join(
    ' ',
  );
};

const keyOf = ({ turnId, role, text }: FleetCall['told'][number]): string => `${turnId} ${role} ${text}`;

const voiceAfter = ({ caller }: FleetCall, epoch: number): HeardPacket | undefined =>
  caller.heard.packets.find(({ voice, played, link }) => voice && played && (caller.heard.epochs[link] ?? 0) > epoch);

const noticedAt = ({ caller: { signalling } }: FleetCall, failedMs: number): number => {
  const lost = signalling.connections.map(({ lostMs = Infinity }) => lostMs);
  return Math.min(...[...lost, ...signalling.probesMs].filter((atMs) => atMs > failedMs));
};

/** The last of each: of several attempts the one that led somewhere. NaN where the connection stayed. */
const stagesOf = ({ caller }: FleetCall, failedMs: number): Pick<FailoverTrial, 'helloMs' | 'joinedMs' | 'mediaMs'> => {
  const since = (atMs: number | undefined): number => (atMs !== undefined && atMs > failedMs ? atMs - failedMs : NaN);
  return {
    helloMs: since(caller.signalling.connections.at(-1)?.helloMs),
    joinedMs: since(caller.joins.at(-1)?.answeredMs),
    mediaMs: since(caller.links.at(-1)?.usedMs),
  };
};
