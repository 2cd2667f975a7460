import { expect } from 'chai';
import type { ConversationSnapshot, HeardMeanwhile } from '../../media/conversation/conversation-events.ts';
import { courseOf, reconcile, type TranscriptLine } from '../../media/conversation/conversation-restore.ts';
import { Conversation } from '../../media/conversation/conversation.ts';
import { ENGLISH } from '../../media/languages/english.ts';
import {
  answering,
  audible,
  finished,
  gone,
  greeted,
  ready,
  started,
  stopped,
  Talk,
  turn,
  typed,
} from '../support/talk.ts';

const SAY_AGAIN = ENGLISH.texts.sayAgain;

const line = (role: 'user' | 'agent', turnId: string, text = 'text'): TranscriptLine => ({
  role,
  turnId,
  text,
  startMs: 100,
  endMs: 200,
});

/** What a conversation has said and heard so far, as the transcript keeps it. */
const transcriptOf = (talk: Talk): TranscriptLine[] => talk.told('transcript').filter(({ final }) => final);

/** The conversation in another pod, which knows the transcript and what was saved last. */
function elsewhere(transcript: TranscriptLine[], saved?: ConversationSnapshot): Talk {
  const talk = new Talk();
  talk.conversation = Conversation.restore(reconcile(saved, transcript), () => talk.progress);
  return talk;
}

/** The conversation that another pod takes over, which has heard this of the caller meanwhile. */
function takenOver(snapshot: ConversationSnapshot, heard: HeardMeanwhile): Talk {
  const talk = new Talk();
  const course = courseOf(snapshot, heard);
  talk.conversation = Conversation.restore(snapshot, () => talk.progress, course);
  return talk.tell({ type: 'lead', course, ready: true });
}

const ended = { startMs: 1000, speechMs: 900, endOfSpeechMs: 1900, endpointingMs: 550 };

describe('A conversation that goes on in another pod', () => {
  describe('after its pod has died', () => {
    it('says from the beginning of its clause on what was not heard', () => {
      const talk = answering();
      talk.progress = { heard: 'One', unheard: 'One, two,\nthree.' };
      const after = elsewhere(transcriptOf(talk), talk.conversation.snapshot()).tell(ready);
      expect(after.requests).to.have.length(1);
      expect(after.request).to.include({ kind: 'repeat', text: 'One, two,\nthree.' });
    });

    it('ends the call whose last words had been heard, unless the caller has said something since', () => {
      const talk = answering().tell({ type: 'hang-up' }, finished);
      const [transcript, saved] = [transcriptOf(talk), talk.conversation.snapshot()];
      expect(elsewhere(transcript, saved).tell(ready).ended).to.deep.equal(['agent']);
      const more = [...transcript, line('user', 't9', 'Wait, one more thing.')];
      expect(elsewhere(more, saved).tell(ready).ended).to.deep.equal([]);
    });

    it('says nothing again of a reply that ended after it was saved', () => {
      const talk = answering();
      talk.progress = { heard: 'One', unheard: 'One, two.' };
      const saved = talk.conversation.snapshot();
      talk.tell(finished);
      expect(elsewhere(transcriptOf(talk), saved).tell(ready).requests).to.deep.equal([]);
    });

    it('answers what was typed and not answered, once, under its name', () => {
      const talk = greeted().tell(typed('count'));
      const after = elsewhere(transcriptOf(talk), talk.conversation.snapshot()).tell(ready);
      expect(after.request).to.include({ kind: 'answer', text: 'count', turnId: 't2' });
      after.tell(audible, finished, gone, ready);
      expect(after.requests).to.have.length(1);
    });

    it('answers also what was typed after it was saved', () => {
      const talk = greeted();
      const saved = talk.conversation.snapshot();
      talk.tell(typed('count'));
      expect(elsewhere(transcriptOf(talk), saved).tell(ready).request).to.include({ kind: 'answer', text: 'count' });
    });

    it('does not answer again a turn whose answer was heard after it was saved', () => {
      const talk = greeted().tell(typed('count'));
      const saved = talk.conversation.snapshot();
      talk.tell(audible, finished);
      expect(elsewhere(transcriptOf(talk), saved).tell(ready).requests).to.deep.equal([]);
    });

    it('asks for a spoken turn again that nobody answered, whether it was saved or not', () => {
      const talk = greeted().tell(started);
      const before = talk.conversation.snapshot();
      talk.tell(stopped, turn(5));
      for (const saved of [before, talk.conversation.snapshot()]) {
        const after = elsewhere(transcriptOf(talk), saved).tell(ready);
        expect(after.requests).to.have.length(1);
        expect(after.request).to.include({ kind: 'repeat', text: SAY_AGAIN });
      }
    });

    it('asks a caller who was cut off in the midst of an utterance to say it again', () => {
      const talk = greeted().tell(started);
      const after = elsewhere(transcriptOf(talk), talk.conversation.snapshot()).tell(ready);
      expect(after.request).to.include({ kind: 'repeat', text: SAY_AGAIN });
    });

    it('names no turn as one of the transcript', () => {
      const after = elsewhere([line('agent', 't1'), line('user', 't40'), line('agent', 't40')]);
      after.tell(ready, turn(5));
      expect(after.request).to.have.property('turnId', 't61');
    });

    it('goes by the transcript where nothing was saved: it greets only a caller who has heard nothing', () => {
      expect(elsewhere([]).tell(ready).request).to.include({ kind: 'greeting' });
      expect(elsewhere([line('agent', 't1')]).tell(ready).requests).to.deep.equal([]);
      expect(elsewhere([line('user', 't1', 'hello?')]).tell(ready).request).to.include({ text: 'hello?' });
    });
  });

  describe('by a hand-over', () => {
    it('ends the reply at the word that it has come to, and says so, without a word on its state', () => {
      const talk = answering();
      talk.progress = {
        heard: 'You spoke',
        unheard: 'You spoke for one second;\nI waited.',
        rest: 'for one second;\nI waited.',
        broken: { clause: 'You spoke for one second;', key: 'k', heardMs: 300 },
      };
      const states = talk.told('agent-state').length;
      talk.tell({ type: 'hand-over' });
      expect(talk.aborts).to.equal(1);
      expect(talk.told('agent-state')).to.have.length(states);
      expect(talk.told('transcript').at(-1)).to.include({ role: 'agent', text: 'You spoke', final: true });
      const after = takenOver(talk.conversation.snapshot(), {});
      expect(after.request).to.deep.include({
        kind: 'repeat',
        text: 'for one second;\nI waited.',
        broken: { clause: 'You spoke for one second;', key: 'k', heardMs: 300 },
      });
    });

    it('changes nothing where the agent is silent, and the other pod says nothing either', () => {
      const talk = answering().tell(finished);
      const { length } = talk.events;
      talk.tell({ type: 'hand-over' });
      expect(talk.events).to.have.length(length);
      expect(takenOver(talk.conversation.snapshot(), {}).requests).to.deep.equal([]);
    });

    it('leaves the other pod a greeting that was not heard', () => {
      const talk = new Talk().tell(ready, { type: 'hand-over' });
      expect(takenOver(talk.conversation.snapshot(), {}).request).to.include({ kind: 'greeting' });
    });

    it('goes on with the turn that the caller is in the midst of, under its name', () => {
      const talk = greeted().tell(started, { type: 'hand-over' });
      const after = takenOver(talk.conversation.snapshot(), { speech: { startMs: 30, speaking: true } });
      expect(after.requests).to.deep.equal([]);
      expect(after.told('speech'), 'it was told of').to.deep.equal([]);
      after.tell(stopped, turn(30));
      expect(after.request).to.include({ kind: 'answer', turnId: 't2', turnIndex: 0 });
    });

    it('answers a turn that ended between the two', () => {
      const talk = greeted().tell(started, { type: 'hand-over' });
      const after = takenOver(talk.conversation.snapshot(), { turn: ended });
      expect(after.request).to.deep.include({ kind: 'answer', turnId: 't2', turn: { ...ended, startMs: 5 } });
      expect(after.told('turn')).to.have.length(1);
    });

    it('answers a turn that was told of from its own ears, and counts it once', () => {
      const talk = greeted().tell(started, stopped, turn(1000), { type: 'hand-over' });
      const after = takenOver(talk.conversation.snapshot(), { turn: { ...ended, startMs: 1040 } });
      expect(after.request).to.include({ kind: 'answer', turnId: 't2', turnIndex: 0 });
      expect(after.told('turn'), 'told before').to.deep.equal([]);
      after.tell(audible, finished, turn(9000));
      expect(after.request).to.include({ turnIndex: 1 });
    });

    it('asks again for what it has not heard itself', () => {
      const talk = greeted().tell(started, stopped, turn(1000), { type: 'hand-over' });
      const after = takenOver(talk.conversation.snapshot(), {
        turn: { ...ended, startMs: -9000, endOfSpeechMs: -8000 },
      });
      expect(after.request).to.include({ kind: 'repeat', text: SAY_AGAIN });
    });

    it('says what is owed though the caller makes a noise', () => {
      const talk = answering();
      talk.progress = { heard: '', unheard: 'All of it.', rest: 'All of it.' };
      talk.tell({ type: 'hand-over' });
      const after = takenOver(talk.conversation.snapshot(), { speech: { startMs: 90, speaking: true } });
      expect(after.request).to.include({ kind: 'repeat', text: 'All of it.' });
    });
  });
});
