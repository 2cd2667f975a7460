import { expect } from 'chai';
import { endpointing } from '../../../media/agent/agent.ts';
import { endpointDelay, SpeakersPauses } from '../../../media/turn/endpoint-delay.ts';
import { TurnText } from '../../../media/turn/turn-text.ts';

const OPTIONS = endpointing.parse({});

describe('endpointDelay', () => {
  for (const [text, reason, delayMs] of [
    ['I would like two pizzas.', 'sentence', 300],
    ['Can you help me?', 'sentence', 300],
    ['I would like two pizzas and', 'unfinished', 2500],
    ['two pizzas,', 'unfinished', 2500],
    ['well...', 'pause', 550],
    ['my number is 555 123', 'reading', 1600],
    ['five five five one', 'reading', 1600],
    ['it is spelled J O N', 'reading', 1600],
    ['five five five one two three four five six seven', 'pause', 550],
    ['two pizzas', 'pause', 550],
  ] as const) {
    it(`waits ${delayMs} ms after "${text}"`, () => {
      expect(endpointDelay(text, OPTIONS, 550)).to.deep.equal({ delayMs, reason });
    });
  }
});

describe('SpeakersPauses', () => {
  it('learns that a speaker pauses for long, and that another does not, within the agent’s bounds', () => {
    const slow = new SpeakersPauses(OPTIONS);
    for (const ms of [700, 800, 750, 900]) slow.note(ms);
    expect(slow.ordinaryMs).to.be.within(900, 1100);
    const quick = new SpeakersPauses(OPTIONS);
    for (const ms of [150, 130, 200, 160]) quick.note(ms);
    expect(quick.ordinaryMs).to.equal(300);
    expect(new SpeakersPauses(OPTIONS).ordinaryMs).to.equal(550);
  });
});

describe('TurnText', () => {
  const streaming = () => new TurnText({ endpointing: OPTIONS, perUtterance: false, endsTurns: false });

  it('asks for what is pending in the first silence, once, and again after more speech', () => {
    const text = streaming();
    text.speech();
    expect(text.silence(100, 100)).to.equal(false);
    expect(text.silence(200, 200)).to.equal(true);
    expect(text.silence(232, 232)).to.equal(false);
    text.speech();
    expect(text.silence(200, 600)).to.equal(true);
  });

  it('holds the turn open for words that are on their way, but not for good', () => {
    const text = streaming();
    text.speech();
    text.note({ type: 'partial', text: 'I would like two pizzas.' });
    text.silence(200, 200);
    expect(text.vote()).to.deep.equal({ delayMs: 1000, reason: 'unsettled' });
    text.note({ type: 'final', text: 'I would like two pizzas.' });
    text.note({ type: 'flushed' });
    expect(text.vote()).to.deep.equal({ delayMs: 300, reason: 'sentence' });
  });

  it('does not wait for an answer where all was told before it asks', () => {
    const text = streaming();
    text.speech();
    text.note({ type: 'final', text: 'I would like two pizzas.' });
    text.speech();
    expect(text.silence(200, 200)).to.equal(true);
    expect(text.vote()).to.deep.equal({ delayMs: 300, reason: 'sentence' });
  });

  it('gives up on a recogniser that tells nothing at all', () => {
    const text = streaming();
    text.speech();
    text.silence(200, 200);
    expect(text.vote()).to.deep.equal({ delayMs: 1600, reason: 'unsettled' });
    expect(text.take()).to.deep.equal({ text: '', settled: false });
  });

  it('puts finals together, and lets a partial take the place of the one before', () => {
    const text = streaming();
    text.speech();
    text.note({ type: 'final', text: 'I would like' });
    text.note({ type: 'partial', text: 'two' });
    text.note({ type: 'partial', text: 'two pizzas' });
    expect(text.text).to.equal('I would like two pizzas');
    text.take();
    expect(text.text).to.equal('');
  });

  it('believes a vendor that tells the end of the turn, until it takes that back', () => {
    const text = new TurnText({ endpointing: OPTIONS, perUtterance: false, endsTurns: true });
    text.speech();
    text.silence(300, 300);
    text.note({ type: 'final', text: 'two pizzas and' });
    text.note({ type: 'turn', event: 'end' });
    expect(text.vote()).to.deep.equal({ delayMs: 300, reason: 'vendor' });
    text.note({ type: 'turn', event: 'resumed' });
    expect(text.vote()).to.deep.equal({ delayMs: 2500, reason: 'unfinished' });
  });
});
