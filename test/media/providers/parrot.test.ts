import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { agent } from '../../../media/agent/agent.ts';
import { ClauseSplitter } from '../../../media/speech/clauses.ts';
import { Parrot, PLAYBACK_TEXT } from '../../../media/providers/parrot.ts';
import type { Message, ReplyPart, TurnAudio, TurnInput } from '../../../media/providers/provider.ts';

const audio: TurnAudio = { durationMs: 2600, pcm: () => [new Int16Array(100)] };
const spoken: TurnInput = { turnId: 't1', audio, speechMs: 2130, endpointingMs: 552, turnIndex: 0 };
const MEASURED = 'You spoke for two point one seconds; I waited five hundred and fifty milliseconds.';
const COUNT_BEGINS = ['I will count to twenty. Cut in whenever you like.', 'One,', 'two,', 'three,'];

const typed = (text: string): TurnInput => ({ turnId: 't1', text, speechMs: 0, endpointingMs: 0, turnIndex: 0 });
const said = (text: string): Message => ({ role: 'agent', text });

/** What the parrot says, line by line as it would stand in the transcript. */
async function reply(turn: TurnInput, history: readonly Message[] = []): Promise<string[]> {
  const texts: string[] = [];
  for await (const part of new Parrot().respond(turn, history, new AbortController().signal))
    texts.push(part.text.trim());
  return texts;
}

describe('Parrot', () => {
  describe('after something said', () => {
    it('plays it back and says what it measured', async () => {
      expect(await reply(spoken)).to.deep.equal([PLAYBACK_TEXT, MEASURED]);
    });

    it('plays the very audio that it was given', async () => {
      const parts: ReplyPart[] = [];
      for await (const part of new Parrot().respond(spoken, [], new AbortController().signal)) parts.push(part);
      expect(parts[0]).to.deep.include({ type: 'audio', audio });
    });

    it('rounds the waiting to what a caller can hear the difference of', async () => {
      const [, measured] = await reply({ ...spoken, speechMs: 1000, endpointingMs: 304 });
      expect(measured).to.equal('You spoke for one second; I waited three hundred milliseconds.');
    });

    it('gets brief from the fourth turn on', async () => {
      expect((await reply({ ...spoken, turnIndex: 2 }))[1]).to.equal(MEASURED);
      const [, measured] = await reply({ ...spoken, turnIndex: 3 });
      expect(measured).to.equal('Two point one seconds; five hundred and fifty milliseconds.');
    });

    it('first says how fast it stopped, when the caller cut in', async () => {
      const interruption = { silentAfterMs: 207, heard: 'One, two, thr' };
      expect(await reply({ ...spoken, turnIndex: 2, interruption })).to.deep.equal([
        'I stopped two hundred and ten milliseconds after you began.',
        PLAYBACK_TEXT,
        MEASURED,
      ]);
    });
  });

  describe('inviting the caller to cut in', () => {
    it('counts to twenty after the second turn, then says how to cut in', async () => {
      const lines = await reply({ ...spoken, turnIndex: 1 });
      expect(lines.slice(0, 6)).to.deep.equal([PLAYBACK_TEXT, MEASURED, ...COUNT_BEGINS]);
      expect(lines.slice(-3, -1)).to.deep.equal(['nineteen,', 'twenty.']);
      expect(lines.at(-1)).to.match(/^You did not cut in\./);
      expect(lines).to.have.length(2 + 1 + 20 + 1);
    });

    it('has each number spoken, and so kept, as a clause of its own', async () => {
      const splitter = new ClauseSplitter();
      const clauses: string[] = [];
      for await (const { text } of new Parrot().respond(typed('count'), [], new AbortController().signal)) {
        clauses.push(...splitter.push(text));
      }
      expect(clauses).to.include.members(['One,', 'two,', 'thirteen,', 'nineteen,', 'twenty.']);
    });

    it('does not invite after any other turn', async () => {
      for (const turnIndex of [0, 2, 3, 10]) expect(await reply({ ...spoken, turnIndex })).to.have.length(2);
    });

    it('does not invite twice in a conversation', async () => {
      const history = [said('I will count to twenty. Cut in when')];
      expect(await reply({ ...spoken, turnIndex: 1 }, history)).to.have.length(2);
    });

    it('takes only its own words for an invitation', async () => {
      const history: Message[] = [{ role: 'user', text: 'I will count to twenty' }, said('Hello, I am a parrot.')];
      expect(await reply({ ...spoken, turnIndex: 1 }, history)).to.have.length(24);
    });

    for (const text of [
      'count',
      'Count!',
      '  COUNT to twenty. ',
      'count to 20',
      'Please count.',
      'count up to twenty, please',
    ]) {
      it(`counts when asked by "${text}", as often as asked`, async () => {
        const history = [said('I will count to twenty. Cut in whenever you like.')];
        expect((await reply(typed(text), history)).slice(0, 4)).to.deep.equal(COUNT_BEGINS);
      });
    }

    it('does not count for everything that has counting in it', async () => {
      for (const text of ['Do not count', 'count to three', 'Countess', 'My account']) {
        expect(await reply(typed(text))).to.deep.equal([text]);
      }
    });
  });

  describe('after something typed', () => {
    it('reads it aloud as it is', async () => {
      expect(await reply(typed('The answer is 42.'))).to.deep.equal(['The answer is 42.']);
    });

    it('has nothing to say to nothing', async () => {
      expect(await reply(typed(' \n '))).to.deep.equal([]);
    });
  });

  it('comes with an agent whose greeting begins with a short clause, for an early first sound', async () => {
    const file = await readFile(new URL('../../../agents/parrot.yaml', import.meta.url), 'utf8');
    const { responder, greeting } = agent.parse(parse(file));
    expect(responder).to.equal('parrot');
    expect(new ClauseSplitter().push(greeting)[0]).to.equal('Hello,');
  });

  it('says nothing more after an abort', async () => {
    const aborting = new AbortController();
    const parts: ReplyPart[] = [];
    for await (const part of new Parrot().respond({ ...spoken, turnIndex: 1 }, [], aborting.signal)) {
      parts.push(part);
      if (parts.length === 5) aborting.abort();
    }
    expect(parts).to.have.length(5);
  });
});
