import { expect } from 'chai';
import { endpointing } from '../../../media/agent/agent.ts';
import type { ConversationEvent } from '../../../media/conversation/conversation-events.ts';
import { TurnText } from '../../../media/turn/turn-text.ts';
import { audible, cutIn, finished, gone, greeted, ready, started, stopped, Talk } from '../../support/talk.ts';

const said = (text: string): ConversationEvent => ({
  type: 'turn-ended',
  turn: { startMs: 5, speechMs: 1000, endOfSpeechMs: 1005, endpointingMs: 550 },
  words: { text, settled: true },
});
const late = (text: string): ConversationEvent => ({ type: 'late-words', text });
const lines = (talk: Talk) =>
  talk
    .told('transcript')
    .filter(({ final }) => final)
    .map(({ role, text }) => `${role}: ${text}`);

describe('words that come after their turn was taken as ended', () => {
  const asked = () => greeted().tell(started, stopped, said('I would like two pizzas'));

  it('have the whole answered, where nothing of the answer was heard', () => {
    const talk = asked().tell(late('with olives'));
    expect(talk.aborts).to.equal(1);
    expect(talk.requests).to.have.length(3);
    expect(talk.request).to.deep.include({ kind: 'answer', text: 'I would like two pizzas with olives' });
    expect(talk.request).to.have.property('turn').that.deep.includes({ startMs: 5, speechMs: 1000 });
    expect(lines(talk).slice(1)).to.deep.equal(['user: I would like two pizzas', 'user: with olives']);
    expect(talk.request!.turnId).to.not.equal(talk.requests.at(-2)!.turnId);
  });

  it('are added once more, where more of them come', () => {
    const talk = asked().tell(late('with olives'), late('and cheese'));
    expect(talk.request).to.deep.include({ text: 'I would like two pizzas with olives and cheese' });
  });

  it('are answered after what the caller hears, where that is not stopped', () => {
    const talk = asked().tell(audible, late('with olives'));
    expect(talk.aborts).to.equal(0);
    talk.tell(finished);
    expect(talk.request).to.deep.include({ kind: 'answer', text: 'with olives' });
    expect(lines(talk).slice(-2)).to.deep.equal(['agent: All of it.', 'user: with olives']);
  });

  it('are answered at once, where they have stopped it', () => {
    const talk = asked().tell(audible);
    talk.progress = { heard: 'Which', unheard: '' };
    talk.tell(cutIn(), late('with olives'));
    expect(talk.request).to.deep.include({ kind: 'answer', text: 'with olives' });
    expect(lines(talk).slice(-2)).to.deep.equal(['agent: Which', 'user: with olives']);
  });

  it('are put before what the caller says meanwhile', () => {
    const talk = asked().tell(audible, late('with olives'), started, finished, stopped, said('and a cola'));
    expect(talk.request).to.deep.include({ kind: 'answer', text: 'with olives and a cola' });
    expect(lines(talk).at(-1)).to.equal('user: with olives and a cola');
  });

  it('are answered where nothing was, as those that were too soft for a turn', () => {
    const talk = greeted().tell(late('hello'));
    expect(talk.request).to.deep.include({ kind: 'answer', text: 'hello' });
  });

  it('are not lost to the greeting', () => {
    const talk = new Talk().tell(ready, audible, late('is somebody there'), finished);
    expect(talk.request).to.deep.include({ kind: 'answer', text: 'is somebody there' });
  });

  it('are forgotten with the client', () => {
    const talk = asked().tell(audible, late('with olives'), gone, ready, audible, finished);
    expect(talk.requests.map(({ kind }) => kind)).to.deep.equal(['greeting', 'answer']);
  });
});

describe('TurnText, of words that its turn was ended without', () => {
  const ended = (partial: string) => {
    const text = new TurnText({ endpointing: endpointing.parse({}), perUtterance: false, endsTurns: false });
    text.speech();
    text.note({ type: 'partial', text: partial });
    expect(text.take().text).to.equal(partial);
    return text;
  };

  it('tells only those that it did not have', () => {
    expect(ended('what time is it').late('What time is it?')).to.equal('');
    expect(ended('what time is it').late('What time is it, in Paris?')).to.equal('in Paris?');
    expect(ended('what time').late('What day is it?')).to.equal('What day is it?');
    expect(ended('').late(' Hello. ')).to.equal('Hello.');
  });

  it('has them once: the next final is all new', () => {
    const text = ended('yes');
    expect(text.late('Yes.')).to.equal('');
    expect(text.late('Yes.')).to.equal('Yes.');
  });

  it('does not take them for the next turn’s, where that begins meanwhile', () => {
    const text = ended('two pizzas');
    text.speech();
    text.note({ type: 'partial', text: 'Two pizzas and a' });
    expect(text.text).to.equal('and a');
    text.note({ type: 'final', text: 'Two pizzas and a cola.' });
    expect(text.text).to.equal('and a cola.');
    text.note({ type: 'final', text: 'Two pizzas.' });
    expect(text.text).to.equal('and a cola. Two pizzas.');
  });
});

describe('TurnText, where turns may end soon', () => {
  it('asks for what is pending so early that the answer is in time', () => {
    const askedAfterMs = (minimumDelayMs: number) => {
      const options = endpointing.parse({ minimumDelayMs, speechEndMs: 550 });
      const text = new TurnText({ endpointing: options, perUtterance: false, endsTurns: false });
      text.speech();
      for (let ms = 32; ; ms += 32) if (text.silence(ms, ms)) return ms;
    };
    expect(askedAfterMs(300)).to.equal(192);
    expect(askedAfterMs(200)).to.equal(128);
    expect(askedAfterMs(0)).to.equal(64);
  });
});
