import { expect } from 'chai';
import { agent } from '../../../media/agent/agent.ts';
import type { ConversationEvent } from '../../../media/conversation/conversation-events.ts';
import { Initiative, type InitiativeSnapshot } from '../../../media/voice-call/initiative.ts';
import { encodeLine, type JournalLine } from '../../../media/journal/journal-line.ts';
import { replay } from '../../../media/journal/replay.ts';
import {
  answering,
  audible,
  cutIn,
  finished,
  greeted,
  ready,
  silent,
  started,
  stopped,
  Talk,
} from '../../support/talk.ts';

const definition = { name: 'a', limits: { sessionMinutes: 5, idle: { askAfterSeconds: 10, endAfterSeconds: 20 } } };

/** The silence of a call, polled as its worker does. */
class Silence {
  readonly told: ConversationEvent[] = [];
  readonly decided: string[] = [];
  readonly lines: (JournalLine & { t: number })[] = [];
  readonly initiative: Initiative;
  nowMs = 0;

  constructor(over: object = {}, from?: InitiativeSnapshot) {
    const journal = { note: (line: JournalLine) => void this.lines.push({ t: this.nowMs, ...line }) };
    this.initiative = new Initiative({
      agent: agent.parse({ ...definition, ...over }),
      journal: journal as never,
      tell: (event) => void this.told.push(event),
      decide: (decision, reason) => void this.decided.push(`${decision} ${reason}`),
    });
    if (from) this.initiative.restore(from, true);
  }

  /** @returns what was said in this time */
  for(seconds: number, quiet = true): ConversationEvent[] {
    const before = this.told.length;
    for (const untilMs = this.nowMs + seconds * 1000; this.nowMs < untilMs; this.nowMs += 5) {
      this.initiative.poll(quiet, this.nowMs, this.nowMs);
    }
    return this.told.slice(before);
  }
}

describe('The initiative of an agent', () => {
  it('asks with its texts, one after another, and says goodbye', () => {
    const silence = new Silence();
    expect(silence.for(10)).to.deep.equal([]);
    expect(silence.for(0.1)).to.deep.equal([{ type: 'volunteer', text: 'Are you still there?' }]);
    silence.for(2, false);
    expect(silence.for(11)).to.deep.equal([{ type: 'volunteer', text: 'Hello?\nCan you hear me?' }]);
    silence.for(2, false);
    const [goodbye] = silence.for(21);
    expect(goodbye).to.include({ type: 'volunteer', ends: 'idle' });
    expect(silence.decided).to.deep.equal(['idle ask', 'idle ask', 'idle end']);
  });

  it('speaks the language of the agent, and the agent’s own words before those', () => {
    expect(new Silence({ language: 'de-AT' }).for(11)[0]).to.include({ text: 'Sind Sie noch da?' });
    const own = { language: 'de', texts: { areYouThere: ['Na?'] } };
    expect(new Silence(own).for(11)[0]).to.include({ text: 'Na?' });
  });

  it('has the model ask where that is set, with words for when it cannot', () => {
    const limits = { idle: { askAfterSeconds: 10, askBy: 'model' } };
    const [asked] = new Silence({ limits, responder: 'llm' }).for(11);
    expect(asked).to.have.property('instruction').that.includes('10 seconds');
    expect(asked).to.include({ text: 'Are you still there?' });
    const refused = agent.safeParse({ name: 'a', limits });
    expect(refused.error?.issues[0]?.message).to.include('set responder to llm');
  });

  it('says nothing about silence where the agent does not ask it to', () => {
    expect(new Silence({ limits: {} }).for(200)).to.deep.equal([]);
  });

  it('announces the end of the time, and says goodbye before it is over', () => {
    const silence = new Silence({ limits: { sessionMinutes: 5 } });
    silence.for(269);
    expect(silence.for(2)).to.deep.equal([{ type: 'volunteer', text: 'By the way, our time is almost up.' }]);
    silence.for(16);
    const [goodbye] = silence.for(2);
    expect(goodbye).to.include({ ends: 'expired', insists: true });
    expect(silence.for(30)).to.deep.equal([]);
    expect(silence.decided).to.deep.equal(['limit warn', 'limit end']);
  });

  it('goes on in another pod as if it had been there', () => {
    const here = new Silence();
    here.for(11);
    here.for(2, false);
    here.for(8);
    const there = new Silence({}, JSON.parse(JSON.stringify(here.initiative.snapshot())) as InitiativeSnapshot);
    there.nowMs = here.nowMs;
    expect(there.for(1.9)).to.deep.equal([]);
    expect(there.for(0.2)[0]).to.include({ text: 'Hello?\nCan you hear me?' });
  });

  it('is in the journal, and decides the same again', () => {
    const silence = new Silence();
    silence.for(11);
    silence.for(2, false);
    silence.initiative.note({
      name: 'transcript',
      data: { turnId: 't1', role: 'user', text: 'Yes.', final: true, startMs: 0, endMs: 1 },
    });
    silence.for(11);
    silence.for(260, false);
    silence.for(6);
    expect(silence.told.map((event) => 'text' in event && event.text.slice(0, 9))).to.deep.equal([
      'Are you s',
      'Are you s',
      'By the wa',
      'I am sorr',
    ]);
    expect(silence.lines.length, 'lines for what happens, none for each look').to.be.below(20);
    const journal = JSON.parse(encodeLine(silence.lines)) as typeof silence.lines;
    const opening = { journal: 1 as const, callId: '', savedAt: '', startedAtMs: 0, agent: agent.parse(definition) };
    expect(replay({ opening, lines: journal, end: 'closed' })).to.not.have.property('difference');
  });
});

describe('A conversation whose agent speaks of its own accord', () => {
  const asks: ConversationEvent = { type: 'volunteer', text: 'Are you there?' };
  const ends: ConversationEvent = { type: 'volunteer', text: 'Goodbye.', ends: 'idle' };
  const failed: ConversationEvent = { type: 'reply-failed' };

  it('says it where nobody speaks', () => {
    const talk = greeted().tell(asks);
    expect(talk.request).to.deep.equal({ kind: 'repeat', turnId: 't2', text: 'Are you there?' });
  });

  it('does not where one of them speaks or is about to, or nobody is there', () => {
    for (const talk of [answering(), greeted().tell(started), greeted().tell(started, stopped), new Talk()]) {
      const before = talk.requests.length;
      expect(talk.tell(asks).requests).to.have.length(before);
    }
  });

  it('gives its reply up for what it insists on', () => {
    const talk = answering().tell({ type: 'volunteer', text: 'Time is up.', ends: 'expired', insists: true });
    expect(talk.aborts).to.equal(1);
    expect(talk.request).to.include({ text: 'Time is up.', ends: 'expired' });
  });

  it('ends the call when its goodbye was heard, or could not be said', () => {
    expect(greeted().tell(ends, audible, finished).ended).to.deep.equal(['idle']);
    expect(greeted().tell(ends, failed).ended).to.deep.equal(['idle']);
  });

  it('goes on when the caller cuts in on the goodbye', () => {
    const talk = greeted().tell(ends, audible, started, cutIn(5), silent, stopped);
    expect(talk.ended).to.deep.equal([]);
    expect(talk.state).to.include({ state: 'listening' });
  });

  it('says its goodbye in another pod, and ends the call there', () => {
    const talk = greeted().tell(ends, audible);
    talk.progress = { heard: '', unheard: 'Goodbye.' };
    const after = new Talk(talk.conversation.snapshot());
    expect(after.tell(ready).request).to.include({ text: 'Goodbye.', ends: 'idle' });
    expect(after.tell(audible, finished).ended).to.deep.equal(['idle']);
  });

  it('says known words where the model finds none', () => {
    const talk = greeted().tell({ ...asks, instruction: 'Ask.' });
    expect(talk.request).to.include({ kind: 'prompt', instruction: 'Ask.' });
    expect(talk.tell(failed).request).to.deep.equal({ kind: 'repeat', turnId: 't2', text: 'Are you there?' });
    expect(talk.told('problem')).to.deep.equal([]);
  });
});
