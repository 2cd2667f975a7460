import { expect } from 'chai';
import { ConversationEvents } from '../../client-sdk/src/session-event.ts';
import type { SessionEvent } from '../../client-sdk/src/session-event.ts';

const position = { epoch: 1, seq: 1 };
const agentState = (state: 'listening' | 'thinking' | 'speaking', more = {}): SessionEvent => ({
  name: 'agent-state',
  payload: { ...position, state, output: 'normal', turnId: 't1', atMs: 100, ...more },
});

describe('ConversationEvents', () => {
  it('tells when the caller starts and stops speaking', () => {
    const events = new ConversationEvents();
    const speech = (speaking: boolean): SessionEvent => ({
      name: 'speech',
      payload: { ...position, speaking, turnId: 't1', atMs: 5 },
    });
    expect(events.translate(speech(true))).to.deep.equal([
      { name: 'userStartedSpeaking', payload: { turnId: 't1', atMs: 5 } },
    ]);
    expect(events.translate(speech(false))).to.deep.equal([
      { name: 'userStoppedSpeaking', payload: { turnId: 't1', atMs: 5 } },
    ]);
  });

  it('tells when the agent starts and stops, once each', () => {
    const events = new ConversationEvents();
    const names = [
      agentState('thinking'),
      agentState('speaking'),
      agentState('speaking', { output: 'ducked' }),
      agentState('listening', { interruptedAfterMs: 400 }),
      agentState('listening'),
    ].map((event) => events.translate(event).map(({ name }) => name));
    expect(names).to.deep.equal([
      ['agentState'],
      ['agentState', 'agentStartedSpeaking'],
      ['agentState'],
      ['agentState', 'agentStoppedSpeaking'],
      ['agentState'],
    ]);
  });

  it('keeps epoch and sequence number to itself', () => {
    const [emission] = new ConversationEvents().translate(agentState('listening', { interruptedAfterMs: 412 }));
    expect(emission).to.deep.equal({
      name: 'agentState',
      payload: { state: 'listening', output: 'normal', turnId: 't1', interruptedAfterMs: 412, atMs: 100 },
    });
  });

  it('leaves to others what is not about the conversation', () => {
    const ended: SessionEvent = { name: 'ended', payload: { ...position, reason: 'idle' } };
    expect(new ConversationEvents().translate(ended)).to.deep.equal([]);
  });
});
