import { expect } from 'chai';
import * as fc from 'fast-check';
import type { ConversationEvent } from '../../../media/conversation/conversation-events.ts';
import { Conversation } from '../../../media/conversation/conversation.ts';
import {
  answering,
  audible,
  cutIn,
  finished,
  gone,
  greeted,
  paused,
  ready,
  silent,
  started,
  stopped,
  Talk,
  turn,
  typed,
} from '../../support/talk.ts';

describe('Conversation', () => {
  describe('greeting', () => {
    it('greets when the client is ready, and once', () => {
      const talk = new Talk().tell(ready);
      expect(talk.requests).to.deep.equal([{ kind: 'greeting', turnId: 't1' }]);
      expect(talk.state).to.include({ state: 'thinking', turnId: 't1' });
      talk.tell(audible);
      expect(talk.state).to.include({ state: 'speaking', turnId: 't1' });
      talk.tell(finished, ready);
      expect(talk.requests).to.have.length(1);
      expect(talk.state).to.include({ state: 'listening' }).and.not.have.property('turnId');
    });

    it('greets anew when the client went before it heard anything of it', () => {
      const talk = new Talk().tell(ready, gone, ready);
      expect(talk.requests.map(({ kind }) => kind)).to.deep.equal(['greeting', 'greeting']);
    });
  });

  describe('turns', () => {
    it('answers the turn that the caller has ended', () => {
      const talk = greeted().tell(started, stopped, turn(5));
      expect(talk.request).to.deep.include({
        kind: 'answer',
        turnId: 't2',
        turnIndex: 0,
        turn: { startMs: 5, speechMs: 1000, endOfSpeechMs: 1005, endpointingMs: 550 },
      });
      expect(talk.state).to.include({ state: 'thinking', turnId: 't2' });
      talk.tell(audible, finished, started, turn(2000));
      expect(talk.request).to.include({ turnIndex: 1, turnId: 't3' });
    });

    it('tells of speech and of the turn it becomes under one name', () => {
      const talk = greeted().tell(started, stopped, { ...started }, turn(5, 1234));
      expect(talk.told('speech')).to.deep.equal([
        { speaking: true, turnId: 't2', atMs: 5 },
        { speaking: false, turnId: 't2', atMs: 50 },
        { speaking: true, turnId: 't2', atMs: 5 },
        { speaking: false, turnId: 't2', atMs: 70 },
      ]);
      expect(talk.told('turn')).to.have.length(1);
      expect(talk.told('turn')[0]).to.include({ turnId: 't2', startMs: 5, speechMs: 1234, atMs: 70 });
      expect(talk.told('transcript').at(-1)).to.include({ role: 'user', text: '[1.2 s of speech]', final: true });
    });

    it('takes speech during a reply that did not cut in for a noise', () => {
      const talk = answering().tell(started, stopped, turn(900, 200));
      expect(talk.requests).to.have.length(2);
      expect(talk.aborts).to.equal(0);
      expect(talk.told('turn')).to.have.length(1);
      expect(talk.state).to.include({ state: 'speaking', turnId: 't2' });
    });

    it('answers what the caller says after the agent has finished, also when it was begun before', () => {
      const talk = answering().tell(started, finished, turn(900));
      expect(talk.request).to.include({ kind: 'answer', turnIndex: 1 });
    });

    it('answers nobody who cannot hear it', () => {
      expect(new Talk().tell(started, turn(5)).requests).to.deep.equal([]);
      expect(answering().tell(gone, turn(5)).requests).to.have.length(2);
    });
  });

  describe('typed text', () => {
    it('is answered, and counts as no spoken turn', () => {
      const talk = greeted().tell(typed('count'));
      expect(talk.request).to.include({ kind: 'answer', text: 'count', turnIndex: 0 });
      expect(talk.told('transcript').at(-1)).to.include({ role: 'user', text: 'count', final: true });
      talk.tell(audible, finished, turn(5));
      expect(talk.request).to.include({ turnIndex: 0 }).and.not.have.property('text');
    });

    it('takes the place of the reply that is under way', () => {
      const talk = answering();
      talk.progress = { heard: 'What was heard', unheard: 'and the rest' };
      talk.tell(typed('stop'));
      expect(talk.aborts).to.equal(1);
      expect(talk.request).to.include({ text: 'stop' });
      expect(talk.told('transcript').at(-2)).to.include({ role: 'agent', text: 'What was heard', final: true });
      expect(talk.state).to.include({ state: 'thinking' });
    });
  });

  describe('cutting in', () => {
    it('ends the reply; the history keeps what was heard of it', () => {
      const talk = answering();
      talk.progress = { heard: 'One, two,', unheard: 'three.' };
      talk.tell(started, cutIn(100));
      expect(talk.aborts).to.equal(1);
      expect(talk.told('transcript').at(-1)).to.include({
        role: 'agent',
        text: 'One, two,',
        final: true,
        turnId: 't2',
      });
    });

    it('marks a line whose end is a guess', () => {
      const talk = answering();
      talk.progress = { heard: 'One, two,', unheard: 'three.', estimated: true };
      talk.tell(started, cutIn(100));
      expect(talk.told('transcript').at(-1)).to.include({ text: 'One, two,', estimated: true });
    });

    it('tells how long the agent took to fall silent, once it has, and tells the next reply too', () => {
      const talk = answering();
      talk.progress = { heard: 'One, two,', unheard: '' };
      talk.tell(cutIn(talk.nowMs - 490));
      expect(talk.state.state, 'still heard').to.equal('speaking');
      talk.tell(silent);
      expect(talk.state).to.deep.include({ state: 'listening', interruptedAfterMs: 510 });
      talk.tell(turn(5));
      expect(talk.request).to.deep.include({ cutIn: { silentAfterMs: 510, heard: 'One, two,' } });
      talk.tell(audible, finished, turn(5));
      expect(talk.request, 'the one after').to.not.have.property('cutIn');
    });

    it('counts from the pause where the voice had paused before', () => {
      const talk = answering();
      const onsetMs = talk.nowMs - 340;
      talk.tell(paused, silent);
      const silentAfterMs = talk.nowMs - onsetMs;
      talk.tell({ type: 'speech-started', startMs: onsetMs }, cutIn(onsetMs));
      expect(talk.state).to.deep.include({ state: 'listening', interruptedAfterMs: silentAfterMs });
      const count = talk.told('agent-state').length;
      expect(talk.told('agent-state')[count - 2], 'told once').to.include({ state: 'speaking', output: 'paused' });
    });

    it('counts the silence of its own voice, not that of the reply before', () => {
      const talk = answering().tell(typed('count'), silent, audible);
      const onsetMs = talk.nowMs;
      talk.tell(cutIn(onsetMs));
      expect(talk.state, 'still heard').to.not.have.property('interruptedAfterMs');
      talk.tell(silent);
      expect(talk.state).to.include({ interruptedAfterMs: talk.nowMs - onsetMs });
    });

    it('counts the first silence only', () => {
      const talk = answering().tell(cutIn(60), silent, silent, turn(5));
      expect(talk.request).to.deep.include({ cutIn: { silentAfterMs: 30, heard: '' } });
    });

    it('before anything is heard makes one turn of both parts', () => {
      const talk = greeted().tell(started, turn(1000, 800));
      talk.tell({ type: 'speech-started', startMs: 2400 }, cutIn(2400));
      expect(talk.aborts).to.equal(1);
      expect(talk.state).to.include({ state: 'listening' });
      talk.tell(turn(2400, 900));
      expect(talk.request).to.have.nested.property('turn.startMs', 1000);
      expect(talk.request).to.have.nested.property('turn.endOfSpeechMs', 3300);
    });

    it('by a click ends the reply as well', () => {
      const talk = answering().tell(cutIn(), silent);
      expect(talk.aborts).to.equal(1);
      expect(talk.state).to.include({ state: 'listening' }).and.not.have.property('interruptedAfterMs');
      expect(talk.tell(turn(5)).request).to.not.have.property('cutIn');
    });

    it('means nothing while the agent is silent', () => {
      const talk = greeted();
      const { length } = talk.events;
      talk.tell(cutIn(5), cutIn());
      expect(talk.aborts).to.equal(0);
      expect(talk.events).to.have.length(length);
    });
  });

  describe('the voice', () => {
    it('is told of as it is lowered, pauses and goes on', () => {
      const talk = answering();
      const outputs = () => talk.told('agent-state').slice(-1)[0]!.output;
      for (const output of ['ducked', 'paused', 'normal'] as const) {
        talk.tell({ type: 'output', output });
        expect(outputs()).to.equal(output);
      }
      const { length } = talk.events;
      talk.tell({ type: 'output', output: 'normal' });
      expect(talk.events, 'nothing new').to.have.length(length);
    });

    it('is full again with each reply', () => {
      const talk = answering().tell(paused, cutIn(5), silent, turn(5));
      expect(talk.state).to.include({ state: 'thinking', output: 'normal' });
    });

    it('is written down as it is heard, and whole when it has finished', () => {
      const talk = answering().tell({ type: 'reply-text', text: 'All' }, finished);
      expect(talk.told('transcript').slice(-2)).to.deep.equal([
        { turnId: 't2', role: 'agent', text: 'All', final: false, startMs: 70, endMs: 80 },
        { turnId: 't2', role: 'agent', text: 'All of it.', final: true, startMs: 70, endMs: 90 },
      ]);
    });
  });

  describe('failures', () => {
    it('are told in words, and the agent listens again', () => {
      const talk = greeted().tell(turn(5), { type: 'reply-failed' });
      expect(talk.told('problem')[0]).to.include({ code: 'reply_failed' });
      expect(talk.state).to.include({ state: 'listening' });
      expect(talk.tell(turn(900)).request).to.include({ turnIndex: 1 });
    });

    it('of a reply that is no more mean nothing', () => {
      const talk = greeted();
      expect(talk.tell({ type: 'reply-failed' }).told('problem')).to.deep.equal([]);
    });
  });

  describe('hanging up', () => {
    const hangUp = { type: 'hang-up' } as const;

    it('ends the call when what is being said has been heard, and not before', () => {
      const talk = answering().tell(hangUp);
      expect(talk.ended).to.deep.equal([]);
      expect(talk.tell(finished).ended).to.deep.equal(['agent']);
    });

    it('is undone where the caller cuts in, and means nothing without a reply', () => {
      const talk = answering().tell(hangUp, cutIn(), turn(9_000), audible, finished, hangUp);
      expect(talk.ended).to.deep.equal([]);
    });

    it('waits for a client that went before it had heard the farewell', () => {
      const talk = answering().tell(hangUp);
      talk.progress = { heard: 'It is done.', unheard: 'Goodbye.' };
      talk.tell(gone, ready, audible);
      expect(talk.ended).to.deep.equal([]);
      expect(talk.tell(finished).ended).to.deep.equal(['agent']);
    });

    it('goes on elsewhere: what was not heard is said, and then the call ends', () => {
      const before = answering().tell(hangUp);
      for (const unheard of ['Goodbye.', '']) {
        before.progress = { heard: 'It is done.', unheard };
        const after = new Talk();
        after.conversation = Conversation.restore(before.conversation.snapshot(), () => after.progress);
        after.tell(ready, audible, finished);
        expect(after.ended, unheard).to.deep.equal(['agent']);
      }
    });

    it('comes to pass elsewhere where all had been said, and only the end was to come', () => {
      const before = answering().tell(hangUp, finished, started);
      const after = new Talk();
      after.conversation = Conversation.restore(before.conversation.snapshot(), () => after.progress);
      expect(after.tell(ready).ended).to.deep.equal(['agent']);
      expect(after.requests).to.deep.equal([]);
    });
  });

  describe('a client that goes', () => {
    it('hears on its return what it had not heard', () => {
      const talk = answering();
      talk.progress = { heard: 'First.', unheard: 'Second. Third.' };
      talk.tell(gone);
      expect(talk.aborts).to.equal(1);
      talk.progress = { heard: '', unheard: '' };
      talk.tell(ready);
      expect(talk.request).to.deep.equal({ kind: 'repeat', turnId: 't3', text: 'Second. Third.' });
      talk.tell(gone, ready);
      expect(talk.request, 'still not heard').to.deep.include({ kind: 'repeat', text: 'Second. Third.' });
      talk.tell(audible, finished, ready);
      expect(talk.requests, 'once').to.have.length(4);
    });

    it('does not hear the description of a sound in its place', () => {
      const talk = answering();
      talk.progress = { heard: '', unheard: '[plays back what it heard] You spoke for one second.' };
      expect(talk.tell(gone, ready).request).to.include({ text: 'You spoke for one second.' });
      talk.progress = { heard: '', unheard: '[plays back what it heard]' };
      expect(talk.tell(audible, gone, ready).requests, 'nothing is left').to.have.length(3);
    });

    it('speaks no longer', () => {
      const talk = greeted().tell(started, gone);
      expect(talk.told('speech').at(-1)).to.include({ speaking: false });
      expect(talk.tell(stopped).told('speech')).to.have.length(2);
    });
  });

  describe('in another voice worker', () => {
    const restored = (talk: Talk): Talk => {
      const after = new Talk();
      after.conversation = Conversation.restore(talk.conversation.snapshot(), () => after.progress);
      return after;
    };

    it('goes on: no second greeting, turns counted on, no turn named twice', () => {
      const talk = restored(answering().tell(finished)).tell(ready);
      expect(talk.requests).to.deep.equal([]);
      talk.tell(turn(5));
      expect(talk.request).to.include({ turnIndex: 1, turnId: 't23' });
    });

    it('says what had not been heard', () => {
      const talk = answering();
      talk.progress = { heard: 'First.', unheard: 'Second.' };
      expect(restored(talk).tell(ready).request).to.deep.include({ kind: 'repeat', text: 'Second.' });
      talk.tell(gone);
      talk.progress = { heard: '', unheard: '' };
      expect(restored(talk).tell(ready).request, 'while the client is away').to.deep.include({ text: 'Second.' });
    });

    it('writes down what had been heard of the reply that was cut off, once', () => {
      const talk = answering();
      const whole = { text: 'First.', durationMs: 800 };
      talk.progress = { heard: 'First. Sec', unheard: 'Second.', whole };
      const after = restored(talk).tell(ready, audible, finished);
      expect(after.told('transcript').map(({ turnId, text, final }) => [turnId, text, final])).to.deep.equal([
        ['t2', 'First.', true],
        ['t23', 'All of it.', true],
      ]);
      const [line] = after.told('transcript');
      expect(line!.endMs - line!.startMs).to.equal(800);
      talk.progress = { heard: 'Fir', unheard: 'First.\nSecond.', whole: { text: '', durationMs: 0 } };
      expect(restored(talk).tell(ready).told('transcript'), 'of an unfinished first sentence').to.deep.equal([]);
    });

    it('asks to say again what was being said, or had been said and was not answered', () => {
      const text = 'Sorry, I lost that.\nPlease say it again.';
      const speaking = greeted().tell(started);
      expect(restored(speaking).tell(ready).request).to.deep.include({ kind: 'repeat', text });
      const thinking = greeted().tell(started, stopped, turn(5));
      expect(restored(thinking).tell(ready).request).to.deep.include({ kind: 'repeat', text });
    });

    it('greets where nothing of the greeting had been heard', () => {
      const talk = new Talk().tell(ready);
      expect(restored(talk).tell(ready).request).to.include({ kind: 'greeting' });
    });
  });

  it('tells once that a voice that had paused before is silent, though its end is silent too', () => {
    const talk = answering().tell(paused, silent, cutIn(3));
    const told = talk.told('agent-state').length;
    talk.tell(silent);
    expect(talk.told('agent-state')).to.have.length(told);
  });

  it('answers what was typed too early once somebody can hear it, in place of the greeting', () => {
    const talk = new Talk().tell(typed('Are you there?'));
    expect(talk.requests).to.deep.equal([]);
    expect(talk.told('transcript').at(-1)).to.include({ role: 'user', text: 'Are you there?' });
    talk.tell(ready);
    expect(talk.requests).to.have.length(1);
    expect(talk.request).to.include({ kind: 'answer', text: 'Are you there?' });
    talk.tell(audible, finished, gone, ready);
    expect(talk.requests).to.have.length(1);
  });

  it('is never stuck: whatever happened, a turn of a client that listens is answered or cuts in first', () => {
    const events: ConversationEvent[] = [
      ready, gone, audible, finished, silent, started, stopped, paused, turn(5), typed('text'), cutIn(3), cutIn(),
      { type: 'output', output: 'ducked' }, { type: 'output', output: 'normal' }, { type: 'reply-failed' },
      { type: 'reply-text', text: 'text' },
    ]; // prettier-ignore
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (history) => {
        const talk = new Talk();
        talk.tell(...history, ready, cutIn(5), silent);
        expect(talk.state.state).to.equal('listening');
        const { length } = talk.requests;
        talk.tell(turn(1000));
        expect(talk.requests).to.have.length(length + 1);
        expect(talk.state.state).to.equal('thinking');
        talk.tell(audible, finished);
        expect(talk.state).to.include({ state: 'listening', output: 'normal' });
        // What was typed, and of whose answer nothing was heard, is answered again under its own name.
        const named = talk.requests.filter((request) => request.kind !== 'answer' || request.text === undefined);
        expect(new Set(named.map(({ turnId }) => turnId)).size).to.equal(named.length);
      }),
    );
  });
});
