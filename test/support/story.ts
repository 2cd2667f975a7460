/**
 * Conversations told as stories on virtual time. The call is the server's own, from the caller's packets to the agent's;
 * what is simulated is who surrounds it: the caller, recogniser, language model, voice, tools, and the clock. A story ends by
 * saying exactly what was heard and when, what the history keeps, and what was decided.
 */
import { expect } from 'chai';
import { StoryListener, StoryUser, type StoryLine } from './story/story-people.ts';
import { StoryPod, type StoryRecord } from './story/story-pod.ts';
import { StoryWorld, type StoryAgent } from './story/story-world.ts';

export type StoryEnd = {
  /**
   * Lines of both sides as they began: `agent: Hello.`, `+655 agent: …` (ms after the end of the line before) or
   * `@800 user: …` (ms after the beginning of the line before, into which it was said). Times are right within a frame.
   * Words that broke off end with a dash, those in a lowered voice are in brackets.
   */
  heard: readonly string[];
  /** Final lines of the transcript, in order. */
  history: readonly string[];
  /** Kind and reason of each decision. */
  decided?: readonly string[];
  /** Codes of what was told to have failed. */
  faults?: readonly string[];
  /** Why the call ended, where it did. */
  ended?: string;
};

/** A tick of the worker, and of everybody else. */
const TICK_MS = 5;
const PATIENCE_MS = 30_000;
/** A frame, and a tick. */
const TOLERANCE_MS = 25;
/** Quiet for so long on both sides, a story is over. */
const QUIET_MS = 2_000;

export class Story {
  readonly #world: StoryWorld;
  readonly #record: StoryRecord = {
    events: [],
    transcript: [],
    continuation: undefined,
    faults: [],
    ended: undefined,
  };
  #pods: StoryPod[] = [];
  readonly user: StoryUser;
  readonly agent: StoryListener;

  private constructor(agent: StoryAgent) {
    this.#world = new StoryWorld(agent);
    const time = { passes: this.passes, until: this.until };
    this.agent = new StoryListener(this.#world, time);
    this.user = new StoryUser(this.#world, time, this.agent, () => this.#pods[0]!);
  }

  /**
   * A call whose client has just become ready. @param agent fields of its configuration; by default a language model
   * without a greeting
   * @param prepare what is to be as it is from the start
   */
  static async begins(agent: StoryAgent = {}, prepare?: (story: Story) => void): Promise<Story> {
    const story = new Story(agent);
    prepare?.(story);
    story.#pods = [new StoryPod(story.#world, story.#record)];
    // What is spoken ahead is there by then.
    await story.passes(1_000);
    story.client.arrives();
    await story.passes(20);
    return story;
  }

  get model() {
    return this.#world.model;
  }

  get voice() {
    return this.#world.voice;
  }

  get recogniser() {
    return this.#world.recogniser;
  }

  get spare() {
    return this.#world.spare;
  }

  get tool() {
    return this.#world.tool;
  }

  readonly client = {
    arrives: (): void => {
      this.#world.microphone.on = true;
      for (const pod of this.#pods) {
        pod.connect();
        pod.call.clientReady();
      }
    },
    /** Its connection is lost for good: nothing arrives, and it is known to be gone. */
    goesAway: (): void => {
      this.#world.microphone.on = false;
      this.#world.microphone.ssrc++;
      this.#pods[0]!.call.clientGone();
    },
    /** The agent comes out of a loudspeaker, and gets into the microphone. */
    usesLoudspeaker: (): void => {
      this.#world.loudspeaker = true;
    },
  };

  readonly pod = {
    /** It is gone, with all that it had not told. After `ms` another one has the call and its client. */
    dies: async (ms = 1_500): Promise<void> => {
      this.#pods.splice(0).forEach((pod) => pod.close());
      await this.passes(ms);
      this.#pods = [StoryPod.goesOn(this.#world, this.#record)];
      this.client.arrives();
    },
    /** Another one stands by, takes the call over in the first pause, and goes on. */
    handsOver: async (withinMs = 5_000): Promise<void> => {
      const [leads] = this.#pods as [StoryPod];
      const { startedAtMs } = leads;
      const next = new StoryPod(this.#world, this.#record, { standby: true, startedAtMs });
      this.#pods.push(next);
      next.connect();
      next.call.clientReady();
      await this.passes(500);
      let conversation: Awaited<ReturnType<StoryPod['handOver']>> | undefined;
      void leads.handOver(withinMs).then((stands) => (conversation = stands));
      await this.until(
        () => conversation !== undefined,
        () => 'the call to be handed over',
      );
      next.takeOver(conversation!, startedAtMs);
      this.#pods = [next];
      leads.close();
    },
  };

  readonly passes = async (ms: number): Promise<void> => {
    const { timing, microphone } = this.#world;
    const untilMs = timing.nowMs() + ms;
    while (timing.nowMs() < untilMs) {
      await timing.advance(TICK_MS);
      microphone.tick(timing.nowMs());
      for (const pod of this.#pods) pod.tick(timing.nowMs());
    }
  };

  readonly until = async (holds: () => boolean, what: () => string, limitMs = PATIENCE_MS): Promise<void> => {
    const untilMs = this.#world.timing.nowMs() + limitMs;
    while (!holds()) {
      if (this.#world.timing.nowMs() >= untilMs) this.#fails(`waited for ${what()}`);
      if (this.model.speechless) this.#fails('the model was asked, and the story has no answer');
      await this.passes(TICK_MS);
    }
  };

  /** What was heard so far. */
  get heard(): string[] {
    const lines = [...this.user.lines, ...this.agent.lines].sort((left, right) => left.startMs - right.startMs);
    return lines.map((line, index) => `${timeOf(line, lines[index - 1])}${line.who}: ${line.text}`);
  }

  get history(): string[] {
    return this.#record.transcript.map(({ role, text }) => `${role}: ${text}`);
  }

  get decided(): string[] {
    return this.#record.events.flatMap((event) =>
      event.name === 'decision' ? [`${event.data.decision} ${event.data.reason}`] : [],
    );
  }

  /** Lets both sides come to rest, says how it was, and closes the call. */
  async ends({ heard, history, decided, faults = [], ended }: StoryEnd): Promise<void> {
    const lastMs = () => Math.max(this.#world.ear.lastHeardMs, this.user.lines.at(-1)?.endMs ?? 0);
    const isOver = () => this.#isListening && this.#world.timing.nowMs() - lastMs() >= QUIET_MS;
    await this.until(isOver, () => 'the end of the story');
    for (const pod of this.#pods) pod.close();
    const told = { heard: withinTolerance(this.heard, heard), history: this.history };
    expect(told).to.deep.equal({ heard, history });
    if (decided) expect(this.decided).to.deep.equal(decided);
    expect(this.#record.faults.map(({ code }) => code)).to.deep.equal(faults);
    expect(this.#record.ended).to.equal(ended);
    expect(this.model.unused + this.spare.model.unused, 'answers for which nobody asked').to.equal(0);
  }

  #fails(why: string): never {
    throw new Error([why, ...this.heard, ...this.history, ...this.decided].join('\n'));
  }

  get #isListening(): boolean {
    const state = this.#record.events.findLast(({ name }) => name === 'agent-state');
    return this.#record.ended !== undefined || (state?.name === 'agent-state' && state.data.state === 'listening');
  }
}

function timeOf(line: StoryLine, before: StoryLine | undefined): string {
  if (!before) return '';
  const overlaps = line.startMs < before.endMs;
  return overlaps ? `@${line.startMs - before.startMs} ` : `+${line.startMs - before.endMs} `;
}

/** The lines with the times that were expected, where theirs are as good. */
function withinTolerance(lines: readonly string[], expected: readonly string[]): string[] {
  return lines.map((line, index) => {
    const [one, other] = [parted(line), parted(expected[index] ?? '')];
    const close = one.kind === other.kind && Math.abs(one.ms - other.ms) <= TOLERANCE_MS;
    return close ? `${other.kind}${other.ms} ${one.rest}` : line;
  });
}

function parted(line: string): { kind: string; ms: number; rest: string } {
  const [, kind = '', ms = 'NaN', rest = line] = /^([+@])(\d+) (.*)$/.exec(line) ?? [];
  return { kind, ms: Number(ms), rest };
}
