import { expect } from 'chai';
import { preemptiveGeneration } from '../../../media/agent/agent.ts';
import type { EndedTurn } from '../../../media/conversation/conversation-events.ts';
import type { ReadJournal } from '../../../media/journal/journal-line.ts';
import { replyTimes } from '../../../media/journal/reply-times.ts';
import { SimulatedSpeculation } from '../../../media/journal/what-if-speculation.ts';
import { WINDOW_MS } from '../../../media/vad/speech-detector.ts';

const turn: EndedTurn = { startMs: 0, speechMs: 960, endOfSpeechMs: 960, endpointingMs: 500 };
const answer = { kind: 'answer', turnId: 't2', turn, turnIndex: 0, text: 'Two pizzas.' } as const;

describe('a reply that would be begun ahead', () => {
  let told: string[];
  let answerable: string | undefined;
  let ahead: SimulatedSpeculation;

  beforeEach(() => {
    [told, answerable] = [[], 't2'];
    const note = ({ what, turnId, atMs }: { what: string; turnId: string; atMs: number }) =>
      void told.push(`${what} ${turnId} ${atMs}`);
    ahead = new SimulatedSpeculation(preemptiveGeneration.parse({}), () => answerable, note);
    for (let atMs = 0; atMs < 960; atMs += WINDOW_MS) ahead.window(0, atMs);
    ahead.window(WINDOW_MS, 992);
    ahead.recognised({ type: 'final', text: 'Two pizzas.' }, 'Two pizzas.', 1_000);
  });

  it('is used where the turn ends with its words, and was begun so much sooner', () => {
    ahead.turnEnded('Two pizzas.', 1_460);
    expect(ahead.take(answer, 1_460)).to.equal(460);
    expect(told).to.deep.equal(['speculate t2 1000', 'use t2 1460']);
  });

  it('is discarded where the turn ends with others, or its answer is not asked for', () => {
    ahead.turnEnded('Two pizzas and a salad.', 1_460);
    expect(ahead.take(answer, 1_460)).to.equal(0);
    expect(told).to.deep.equal(['speculate t2 1000', 'discard t2 1460']);
    ahead.recognised({ type: 'final', text: 'Hello.' }, 'Hello.', 2_000);
    ahead.window(WINDOW_MS, 2_032);
    answerable = undefined;
    ahead.poll(2_100);
    expect(told.slice(2)).to.deep.equal(['speculate t2 2032', 'discard t2 2100']);
  });
});

describe('the times of replies', () => {
  it('tell how long before it was ordered a reply was begun, where it was used', () => {
    const speculation = (t: number, ...gives: object[]) => ({
      t,
      part: 'speculation',
      call: 'window',
      with: [],
      gives,
    });
    const conversation = (t: number, type: string, ...gives: object[]) => {
      return { t, part: 'conversation', call: 'handle', with: [{ type }], gives };
    };
    const lines = [
      speculation(1_000, { do: 'begin', text: 'One', reason: 'final words' }),
      speculation(1_100, { do: 'discard', reason: 'words' }),
      speculation(1_200, { do: 'begin', text: 'One two', reason: 'final words' }),
      speculation(1_500, { do: 'use' }),
      conversation(1_500, 'turn-ended', { type: 'reply', request: answer }),
      conversation(1_520, 'reply-audible'),
      conversation(3_520, 'reply-finished'),
      conversation(9_000, 'typed', { type: 'reply', request: answer }),
      conversation(9_400, 'reply-audible'),
    ];
    expect(replyTimes({ lines } as unknown as ReadJournal)).to.deep.equal([
      { audibleAfterMs: 20, aheadMs: 300, lengthMs: 2_000 },
      { audibleAfterMs: 400, aheadMs: 0, lengthMs: 3_000 },
    ]);
  });
});
