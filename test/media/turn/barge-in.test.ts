import { expect } from 'chai';
import * as fc from 'fast-check';
import { interruption, type InterruptionOptions } from '../../../media/agent/agent.ts';
import { BargeIn, type BargeInAction } from '../../../media/turn/barge-in.ts';

const WINDOW_MS = 32;
const SPEECH_START_MS = 96;
const SPEECH_END_MS = 550;
const TICK_MS = 5;

/**
 * A caller as the speech detector tells of him: speech is told from 96 ms on, window by window, with its length so far
 * in a stretch that shorter pauses than 550 ms do not end. `actions` are what came of it, and when.
 */
class Caller {
  readonly bargeIn: BargeIn;
  readonly actions: [BargeInAction, number][] = [];
  nowMs = 10_000;
  #speechMs = 0;
  #silenceMs = Infinity;
  #speaking = false;

  constructor(options: Partial<InterruptionOptions> = {}) {
    this.bargeIn = new BargeIn(interruption.parse(options));
  }

  audible(audible = true): this {
    return this.#note(this.bargeIn.agentAudible(audible, this.nowMs));
  }

  pending(pending = true): this {
    return this.#note(this.bargeIn.agentPending(pending, this.nowMs));
  }

  speak(ms: number): this {
    for (let spoken = 0; spoken < ms; spoken += WINDOW_MS) {
      this.nowMs += WINDOW_MS;
      this.#speechMs += WINDOW_MS;
      this.#speaking ||= this.#speechMs >= SPEECH_START_MS;
      if (this.#speaking) this.#silenceMs = 0;
      const { bargeIn, nowMs } = this;
      this.#note(this.#speaking ? bargeIn.speech(this.#speechMs, nowMs) : bargeIn.silence(this.#silenceMs, nowMs));
    }
    return this;
  }

  pause(ms: number): this {
    for (let silent = 0; silent < ms; silent += WINDOW_MS) {
      this.nowMs += WINDOW_MS;
      this.#silenceMs += WINDOW_MS;
      if (!this.#speaking || this.#silenceMs >= SPEECH_END_MS) {
        this.#speaking = false;
        this.#speechMs = 0;
      }
      this.#note(this.bargeIn.silence(this.#silenceMs, this.nowMs));
    }
    return this;
  }

  /** Time goes by without any verdict. */
  wait(ms: number): this {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs += TICK_MS;
      if (this.nowMs >= this.bargeIn.nextDeadlineMs) this.#note(this.bargeIn.poll(this.nowMs));
    }
    return this;
  }

  get names(): BargeInAction[] {
    return this.actions.map(([action]) => action);
  }

  #note(action: BargeInAction | undefined): this {
    if (action) this.actions.push([action, this.nowMs]);
    return this;
  }
}

describe('BargeIn', () => {
  describe('while the agent is audible', () => {
    it('ducks after 96 ms of speech, pauses after 350 and interrupts after 500', () => {
      const { actions } = new Caller().audible().speak(1000);
      expect(actions).to.deep.equal([
        ['duck', 10_096],
        ['pause', 10_352],
        ['interrupt', 10_512],
      ]);
    });

    it('does nothing for speech that the detector does not count', () => {
      expect(new Caller().audible().speak(64).pause(1000).names).to.deep.equal([]);
    });

    it('raises the voice again 400 ms after a short noise', () => {
      const { actions, bargeIn } = new Caller().audible().speak(200).pause(1000);
      expect(actions).to.deep.equal([
        ['duck', 10_096],
        ['unduck', 10_224 + 416],
      ]);
      expect(bargeIn).to.include({ state: 'idle', nextDeadlineMs: Infinity });
    });

    it('goes on 400 ms after speech that was too short to interrupt', () => {
      const { actions } = new Caller().audible().speak(400).pause(1000);
      expect(actions.at(-1)).to.deep.equal(['resume', 10_416 + 416]);
    });

    it('goes on by the clock where no verdict comes', () => {
      const caller = new Caller().audible().speak(400);
      expect(caller.bargeIn.nextDeadlineMs).to.equal(10_816);
      expect(caller.wait(1000).actions.at(-1)).to.deep.equal(['resume', 10_816]);
      expect(caller.bargeIn.nextDeadlineMs).to.equal(Infinity);
    });

    it('takes speech with short pauses as one', () => {
      const { names } = new Caller().audible().speak(200).pause(300).speak(200).pause(300).speak(200);
      expect(names).to.deep.equal(['duck', 'pause', 'interrupt']);
    });

    it('adds no noises together that lie 400 ms apart, in one stretch of the detector or in many', () => {
      for (const pauseMs of [416, 448, 544, 600, 2000]) {
        const caller = new Caller().audible();
        for (let noise = 0; noise < 20; noise++) caller.speak(160).pause(pauseMs);
        expect(new Set(caller.names), `${pauseMs} ms apart`).to.deep.equal(new Set(['duck', 'unduck']));
        expect(caller.names).to.have.lengthOf(40);
      }
    });

    it('adds none together either where the silence between them brought no verdict', () => {
      const caller = new Caller().audible();
      for (let noise = 0; noise < 20; noise++) caller.speak(160).wait(500).pause(96);
      expect(caller.names).to.not.include('interrupt').and.not.include('pause');
    });

    it('starts to count again with the speech that follows', () => {
      const caller = new Caller().audible().speak(450).pause(500).speak(320);
      expect(caller.names).to.deep.equal(['duck', 'pause', 'resume', 'duck']);
      expect(caller.speak(200).names.slice(4)).to.deep.equal(['pause', 'interrupt']);
    });

    it('counts a stretch that is as long as the one before it', () => {
      const caller = new Caller().audible().speak(96).pause(600).speak(96);
      expect(caller.names).to.deep.equal(['duck', 'unduck', 'duck']);
    });

    it('keeps the pause while the caller goes on', () => {
      const caller = new Caller().audible().speak(384).pause(200).speak(32);
      expect(caller.names).to.deep.equal(['duck', 'pause']);
      expect(caller.bargeIn.state).to.equal('paused');
    });

    it('interrupts once', () => {
      const caller = new Caller().audible().speak(2000);
      expect(caller.names.filter((name) => name === 'interrupt')).to.have.lengthOf(1);
      expect(caller.audible(false).speak(2000).pause(1000).names).to.have.lengthOf(3);
    });
  });

  it('goes straight to the largest limit that was reached', () => {
    const { names } = new Caller({ duckAfterMs: 96, pauseAfterMs: 96, interruptAfterMs: 96 }).audible().speak(200);
    expect(names).to.deep.equal(['interrupt']);
    expect(new Caller({ duckAfterMs: 96, pauseAfterMs: 96 }).audible().speak(200).names).to.deep.equal(['pause']);
  });

  describe('before the agent is audible', () => {
    it('lets the caller speak when there is nothing to hold', () => {
      expect(new Caller().speak(5000).pause(1000).names).to.deep.equal([]);
    });

    it('counts the speech that goes on when the agent becomes audible', () => {
      expect(new Caller().speak(320).audible().names).to.deep.equal(['duck']);
      expect(new Caller().speak(416).audible().names).to.deep.equal(['pause']);
      expect(new Caller().speak(200).audible().speak(200).names).to.deep.equal(['duck', 'pause']);
    });

    it('does not count speech that is over', () => {
      expect(new Caller().speak(3000).pause(550).audible().wait(1000).names).to.deep.equal([]);
    });

    it('does not count it either where the silence after it brought no verdict', () => {
      expect(new Caller().speak(3000).wait(1000).audible().names).to.deep.equal([]);
    });

    it('holds a reply that is being prepared, from the first speech on', () => {
      const { actions, bargeIn } = new Caller().pending().speak(200);
      expect(actions).to.deep.equal([['hold', 10_096]]);
      expect(bargeIn.state).to.equal('held');
    });

    it('releases it 400 ms after a short noise', () => {
      const { actions } = new Caller().pending().speak(200).pause(1000);
      expect(actions.at(-1)).to.deep.equal(['release', 10_224 + 416]);
      expect(new Caller().pending().speak(200).wait(1000).actions.at(-1)).to.deep.equal(['release', 10_624]);
    });

    it('gives it up after 500 ms of speech', () => {
      expect(new Caller().pending().speak(1000).names).to.deep.equal(['hold', 'interrupt']);
    });

    it('holds a reply that is begun while the caller speaks, and counts from there', () => {
      const caller = new Caller().speak(5000).pending();
      expect(caller.names).to.deep.equal(['hold']);
      expect(caller.speak(400).names).to.deep.equal(['hold']);
      expect(caller.speak(200).names).to.deep.equal(['hold', 'interrupt']);
    });

    it('does not hold the reply to a turn because of that turn, however soon it ended', () => {
      for (const silenceMs of [160, 320, 550]) {
        expect(new Caller().speak(3000).pause(silenceMs).pending().audible().wait(500).names).to.deep.equal([]);
      }
    });

    it('holds again when another reply takes the place of the one that is held', () => {
      expect(new Caller().pending().speak(200).pending().names).to.deep.equal(['hold', 'hold']);
    });

    it('releases when the reply is given up by others', () => {
      const caller = new Caller().pending().speak(200).pending(false);
      expect(caller.names).to.deep.equal(['hold', 'release']);
      expect(caller.speak(1000).names).to.have.lengthOf(2);
    });

    it('lets speech that held it count when it is audible all the same', () => {
      expect(new Caller().pending().speak(384).audible().names).to.deep.equal(['hold', 'pause']);
    });
  });

  it('forgets what it did when the agent has finished', () => {
    const caller = new Caller().audible().speak(200).audible(false);
    expect(caller.bargeIn).to.include({ state: 'idle', nextDeadlineMs: Infinity });
    expect(caller.speak(5000).pause(1000).names).to.deep.equal(['duck']);
    expect(new Caller().pending().audible().audible(false).speak(5000).names).to.deep.equal([]);
  });

  it('never acts when it is off', () => {
    const caller = new Caller({ enabled: false }).speak(200).pending().speak(2000).audible().speak(2000).pause(1000);
    expect(caller.pending(false).audible(false).wait(1000).names).to.deep.equal([]);
  });

  it('follows the limits it is given', () => {
    const limits = { duckAfterMs: 192, pauseAfterMs: 640, interruptAfterMs: 960, resumeAfterMs: 1000 };
    expect(new Caller(limits).audible().speak(700).pause(1100).actions).to.deep.equal([
      ['duck', 10_192],
      ['pause', 10_640],
      ['resume', 10_704 + 1024],
    ]);
  });

  it('takes back whatever it did, once, or interrupts', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('speak' as const, 'pause' as const, 'wait' as const), ms: fc.nat(900) }),
      fc.record({ do: fc.constantFrom('audible' as const, 'pending' as const), ms: fc.nat(1) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const caller = new Caller();
        for (const { do: name, ms } of steps) {
          if (name === 'audible' || name === 'pending') caller[name](ms === 1);
          else caller[name](ms);
        }
        caller.pause(1000);
        expect(caller.bargeIn.state).to.equal('idle');
        expect(caller.bargeIn.nextDeadlineMs).to.equal(Infinity);
        for (const [index, name] of caller.names.entries()) {
          const before = caller.names[index - 1];
          if (name === 'release') expect(before).to.equal('hold');
          if (name === 'unduck') expect(before).to.equal('duck');
          if (name === 'resume') expect(before).to.equal('pause');
        }
      }),
    );
  });
});
