/** One history: a fleet, its callers, and what goes wrong, all of it decided by a seed. */
import { FAULTS } from './faults.ts';
import type { Fault, Heal } from './faults.ts';
import type { Violation } from './ownership-rules.ts';
import { SimulatedClient } from './simulated-client.ts';
import { SimulatedPod } from './simulated-pod.ts';
import { World } from './world.ts';

export type History = {
  seed: number;
  violations: Violation[];
  /** What happened, one line each. */
  lines: string[];
  /** Virtual ms. */
  lastedMs: number;
  steps: number;
};

/** Longer than everything that waits: ICE that gives up, transports that cannot be connected, a join without an answer. */
const SETTLE_WITHIN_MS = 40_000;
const LOOK_MS = 500;
/** As it should be for so long: nothing is about to change that. */
const SETTLED_MS = 1_500;

/** @param faults what may go wrong; by default all of it */
export const runHistory = (seed: number, faults: readonly Fault[] = FAULTS): Promise<History> =>
  playHistory(seed, async (fleet) => {
    await fleet.open();
    await fleet.suffer(faults);
    await fleet.settle();
  });

/** @param play what happens; chance decides the rest, such as how long messages take */
export const playHistory = async (seed: number, play: (fleet: FaultyFleet) => Promise<void>): Promise<History> => {
  const world = new World(seed);
  const { time } = world;
  const startedMs = time.nowMs;
  const onRejection = (error: unknown) =>
    world.rules.violated('no internal error', error instanceof Error ? String(error.stack) : String(error));
  process.on('unhandledRejection', onRejection);
  time.install();
  try {
    await play(new FaultyFleet(world));
  } catch (error) {
    onRejection(error);
  } finally {
    for (const pod of world.livePods) pod.process.alive = false;
    time.uninstall();
    await new Promise((resolve) => void setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
  }
  const { violations } = world.rules;
  return { seed, violations, lines: world.lines, lastedMs: time.nowMs - startedMs, steps: time.steps };
};

export class FaultyFleet {
  readonly world: World;
  readonly #changes = new Map<string, number>();
  /** Of which a change is under way, or has an unknown outcome: it may still come, and undo a later one. */
  readonly #changing = new Set<string>();
  #started = 0;

  constructor(world: World) {
    this.world = world;
  }

  async startPod(id = `pod-${(this.#started += 1)}`): Promise<SimulatedPod> {
    const { time } = this.world;
    const pod = await SimulatedPod.start(this.world, id, time.chance(0.5) ? time.between(-5_000, 5_000) : 0);
    // The process of that name before it is the one that is dead.
    this.world.pods.delete(id);
    this.world.pods.set(id, pod);
    this.world.trace(`${id} starts`);
    return pod;
  }

  anyPod(): SimulatedPod | undefined {
    const { time, livePods } = this.world;
    return time.oneOf(livePods);
  }

  async open(): Promise<void> {
    const { time } = this.world;
    const pods = time.chance(0.3) ? 2 : 3;
    for (let i = 0; i < pods; i += 1) await this.startPod();
    await this.#pass(1_100);
    const sessions = time.chance(0.5) ? 1 : 2;
    for (let i = 0; i < sessions; i += 1) await this.#openSession(`client-${i + 1}`);
    await this.#pass(time.between(500, 4_000));
  }

  async suffer(faults: readonly Fault[]): Promise<void> {
    const { time } = this.world;
    const pending = new Set<Heal>();
    const number = 1 + Math.floor(time.random() * 5);
    for (let i = 0; i < number; i += 1) {
      const fault = time.oneOf(faults);
      if (!fault) break;
      const heal = await fault(this);
      pending.add(heal);
      time.after(time.chance(0.3) ? time.between(20, 500) : time.between(500, 8_000), () => {
        if (pending.delete(heal)) void heal();
      });
      if (time.chance(0.4)) void this.#change();
      await this.#pass(time.chance(0.4) ? time.between(0, 300) : time.between(300, 5_000));
    }
    this.world.trace('everything is healed');
    for (const heal of pending) {
      pending.delete(heal);
      await heal();
    }
    this.world.redis.lossRate = 0;
    while (this.world.livePods.filter(({ signalling }) => !signalling.sessions.draining).length < 2)
      await this.startPod();
  }

  async settle(): Promise<void> {
    const { time, rules } = this.world;
    const untilMs = time.nowMs + SETTLE_WITHIN_MS;
    let sinceMs = time.nowMs;
    for (;;) {
      await this.#pass(LOOK_MS);
      const why = await rules.unsettled();
      if (why) sinceMs = time.nowMs;
      else if (time.nowMs - sinceMs >= SETTLED_MS) return;
      if (why && time.nowMs > untilMs) return rules.violated(why.rule, why.text);
      if (rules.violations.length > 0) return;
    }
  }

  async #openSession(name: string): Promise<void> {
    const { time, rules } = this.world;
    const pod = this.anyPod();
    const record = await this.#within(
      pod?.process && time.in(pod.process, () => pod.signalling.fleet.open({ agent: 'parrot' })),
    );
    if (record === undefined) throw new Error('no session could be opened');
    this.world.trace(`${name} is opened on ${record.ownerPod} by ${pod?.id}`);
    new SimulatedClient(this.world, name, record.id).start();
    rules.acknowledged(record.id, '', record.ownerPod);
  }

  /** Somebody changes a session through the HTTP interface of any pod. */
  async #change(): Promise<void> {
    const { time, rules, clients } = this.world;
    const client = time.oneOf(clients);
    const pod = this.anyPod();
    if (!client || !pod || !pod.works || this.#changing.has(client.sessionId)) return;
    this.#changing.add(client.sessionId);
    const change = (this.#changes.get(client.sessionId) ?? 0) + 1;
    this.#changes.set(client.sessionId, change);
    const amended = time.in(pod.process, () => pod.signalling.fleet.amend(client.sessionId, { metadata: { change } }));
    const record = await amended?.catch(() => undefined);
    // One that died meanwhile tells nobody.
    if (record === undefined || !pod.process.alive) return;
    this.#changing.delete(client.sessionId);
    this.world.trace(`change ${change} of ${client.name} is acknowledged by ${pod.id}`);
    rules.changed(client.sessionId, change, record.ownerPod);
  }

  async #within<Result>(promise: Promise<Result> | undefined): Promise<Result | undefined> {
    let result: Result | undefined;
    void promise?.then((value) => (result = value));
    await this.#pass(300);
    return result;
  }

  async #pass(ms: number): Promise<void> {
    await this.world.time.run(this.world.time.nowMs + ms);
  }
}
