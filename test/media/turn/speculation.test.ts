import { expect } from 'chai';
import * as fc from 'fast-check';
import { preemptiveGeneration } from '../../../media/agent/agent.ts';
import { sameWords, Speculation, type Heard, type SpeculationAction } from '../../../media/turn/speculation.ts';
import { WINDOW_MS } from '../../../media/vad/speech-detector.ts';

/** A caller, window by window, and the recogniser that hears them. */
class Turn {
  readonly speculation: Speculation;
  readonly actions: SpeculationAction[] = [];
  free = true;
  #nowMs = 0;
  #silenceMs = 0;
  #text = '';

  constructor(options: Partial<ReturnType<typeof preemptiveGeneration.parse>> = {}) {
    this.speculation = new Speculation(preemptiveGeneration.parse(options));
  }

  speaks(ms: number): this {
    this.#silenceMs = 0;
    for (let at = 0; at < ms; at += WINDOW_MS) this.#window();
    return this;
  }

  pauses(ms: number): this {
    for (let at = 0; at < ms; at += WINDOW_MS) {
      this.#silenceMs += WINDOW_MS;
      this.#window();
    }
    return this;
  }

  hears(heard: Heard, text = this.#text): this {
    this.#text = text;
    this.actions.push(...this.speculation.recognised(heard, text, this.free, this.#nowMs));
    return this;
  }

  ends(text = this.#text): this {
    this.#text = '';
    this.actions.push(...this.speculation.turnEnded(text));
    return this;
  }

  get did(): string[] {
    return this.actions.map((action) => ('reason' in action ? `${action.do}: ${action.reason}` : action.do));
  }

  #window(): void {
    this.#nowMs += WINDOW_MS;
    this.actions.push(...this.speculation.window(this.#silenceMs, this.free, this.#nowMs));
  }
}

describe('a speculation', () => {
  it('begins in the first window of silence where no word will change, and is used for the same words', () => {
    const turn = new Turn().speaks(960).hears('final', 'Two pizzas');
    expect(turn.did).to.deep.equal([]);
    turn.pauses(WINDOW_MS);
    expect(turn.actions).to.deep.equal([{ do: 'begin', text: 'Two pizzas', reason: 'final words' }]);
    turn.pauses(300).ends('Two pizzas.');
    expect(turn.did).to.deep.equal(['begin: final words', 'use']);
  });

  it('waits for words that may change until they have not for 160 ms', () => {
    const turn = new Turn().speaks(960).hears('partial', 'two pizzas').pauses(128);
    expect(turn.did).to.deep.equal([]);
    expect(turn.pauses(64).did).to.deep.equal(['begin: stable words']);
  });

  it('waits for words that the recogniser cannot have told yet', () => {
    const turn = new Turn().speaks(500).hears('final', 'I would like').speaks(480).pauses(192);
    expect(turn.did).to.deep.equal([]);
    expect(turn.hears('final', 'I would like two pizzas').did).to.deep.equal(['begin: final words']);
  });

  it('begins when the recogniser says that the turn is likely to be over, or that all is told', () => {
    const eager = new Turn().speaks(960).hears('partial', 'two pizzas').hears('eager-end').pauses(WINDOW_MS);
    expect(eager.did).to.deep.equal(['begin: eager end']);
    const flushed = new Turn().speaks(960).pauses(200).hears('partial', 'two').hears('flushed');
    expect(flushed.did).to.deep.equal(['begin: eager end']);
  });

  it('is discarded when the recogniser says that the caller goes on', () => {
    const turn = new Turn().speaks(960).hears('partial', 'two pizzas').hears('eager-end').pauses(64).hears('resumed');
    expect(turn.did).to.deep.equal(['begin: eager end', 'discard: resumed']);
  });

  it('is discarded for other words, and begun again with those', () => {
    const turn = new Turn().speaks(960).hears('final', 'two pizzas').pauses(64).hears('final', 'two pizzas and a cola');
    expect(turn.did).to.deep.equal(['begin: final words', 'discard: words', 'begin: final words']);
    expect(turn.actions.at(-1)).to.include({ text: 'two pizzas and a cola' });
  });

  it('is discarded where the turn ends with other words, or with none', () => {
    for (const text of ['three pizzas', '']) {
      const turn = new Turn().speaks(960).hears('final', 'two pizzas').pauses(64).ends(text);
      expect(turn.did).to.deep.equal(['begin: final words', 'discard: words']);
    }
  });

  it('outlives a click, and not speech', () => {
    const turn = new Turn().speaks(960).hears('final', 'two pizzas').pauses(64).speaks(WINDOW_MS).pauses(64);
    expect(turn.did).to.deep.equal(['begin: final words']);
    expect(turn.speaks(96).did).to.deep.equal(['begin: final words', 'discard: speech']);
  });

  it('is begun three times a turn at most, and anew in the next', () => {
    const turn = new Turn();
    for (const text of ['pizza', 'pizza now', 'pizza now please', 'pizza now please sir']) {
      turn.speaks(320).hears('final', text).pauses(64);
    }
    expect(turn.did.filter((action) => action.startsWith('begin'))).to.have.length(3);
    turn.ends().speaks(320).hears('final', 'cola').pauses(64);
    expect(turn.did.at(-1)).to.equal('begin: final words');
  });

  it('is not begun after ten seconds of speech', () => {
    const turn = new Turn().speaks(9_000).pauses(64).speaks(1_300).hears('final', 'a long story').pauses(300);
    expect(turn.did).to.deep.equal([]);
  });

  it('is begun late in the midst of a sentence or a number', () => {
    for (const text of ['two pizzas and', 'my number is five five five']) {
      const turn = new Turn().speaks(960).hears('final', text).pauses(960);
      expect(turn.did).to.deep.equal([]);
      expect(turn.pauses(64).did).to.deep.equal(['begin: final words']);
    }
  });

  it('is not begun where the turn would not be answered, nor without words', () => {
    const turn = new Turn();
    turn.free = false;
    expect(turn.speaks(960).hears('final', 'two pizzas').pauses(300).did).to.deep.equal([]);
    expect(new Turn().speaks(960).hears('flushed').pauses(300).did).to.deep.equal([]);
  });

  it('is not tried again with the words with which it failed', () => {
    const turn = new Turn().speaks(960).hears('final', 'two pizzas').pauses(64);
    turn.actions.push(...turn.speculation.failed());
    turn.pauses(64);
    expect(turn.did).to.deep.equal(['begin: final words', 'discard: failed']);
    expect(turn.ends('two pizzas').did).to.have.length(2);
  });

  it('has one reply under way at a time, each of which ends, whatever happens', () => {
    const step = fc.oneof(
      fc.integer({ min: 1, max: 20 }).map((windows) => (turn: Turn) => turn.speaks(windows * WINDOW_MS)),
      fc.integer({ min: 1, max: 20 }).map((windows) => (turn: Turn) => turn.pauses(windows * WINDOW_MS)),
      fc
        .tuple(
          fc.constantFrom<Heard>('partial', 'final', 'flushed', 'eager-end', 'resumed', 'end', 'start'),
          fc.constantFrom('', 'one', 'one two', 'One two.'),
        )
        .map(
          ([heard, text]) =>
            (turn: Turn) =>
              turn.hears(heard, text),
        ),
      fc.constantFrom('', 'one', 'one two').map((text) => (turn: Turn) => turn.ends(text)),
      fc.boolean().map((free) => (turn: Turn) => Object.assign(turn, { free })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const turn = new Turn();
        for (const take of steps) take(turn);
        turn.ends('nothing of that');
        let running = 0;
        for (const action of turn.actions) {
          running += action.do === 'begin' ? 1 : -1;
          expect(running).to.be.within(0, 1);
        }
        expect(running).to.equal(0);
      }),
    );
  });
});

describe('sameWords', () => {
  for (const [before, after] of [
    ['what time is it', 'What time is it?'],
    ['Two  pizzas', 'two pizzas.'],
    ['It’s five', "It's five"],
    ['well, I think so', 'Well I think so!'],
  ] as const) {
    it(`takes "${before}" for "${after}"`, () => expect(sameWords(before, after)).to.equal(true));
  }

  for (const [before, after] of [
    ['two pizzas', 'two pizzas please'],
    ['You are open.', 'You are open?'],
    ['it costs 4.99', 'it costs 499'],
    ['five', '5'],
    ['five %', 'five'],
    ['', 'five'],
  ] as const) {
    it(`does not take "${before}" for "${after}"`, () => expect(sameWords(before, after)).to.equal(false));
  }
});
