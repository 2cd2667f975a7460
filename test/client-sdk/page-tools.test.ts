import { expect } from 'chai';
import { Emitter } from '../../client-sdk/src/emitter.ts';
import { ParleyError } from '../../client-sdk/src/errors.ts';
import { PageTools, type PageToolsEvents } from '../../client-sdk/src/page-tools.ts';
import type { Request } from '../../signalling/protocol.ts';
import { eventually } from '../support/eventually.ts';

/** Takes requests, or refuses them, as the connection to the server does. */
class Line extends Emitter<PageToolsEvents> {
  readonly answers: Request<'tool-result'>[] = [];
  refusals: Error[] = [];
  seq = 0;

  async request(_name: 'tool-result', answer: Request<'tool-result'>): Promise<object> {
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    this.answers.push(answer);
    return {};
  }

  call(callId: string, name = 'show', timeoutMs = 5_000): void {
    const payload = { callId, turnId: 't1', name, arguments: { place: 3 }, timeoutMs, atMs: 1 };
    this.emit('event', { name: 'tool-call', payload: { ...payload, epoch: 1, seq: ++this.seq } });
  }

  cancel(callId: string): void {
    this.emit('event', { name: 'tool-cancel', payload: { callId, atMs: 2, epoch: 1, seq: ++this.seq } });
  }
}

const refused = (code: string) => new ParleyError('request_failed', { cause: { code, message: '' } });

describe('the tools of a page', () => {
  let line: Line;
  let tools: PageTools;

  beforeEach(() => {
    [line, tools] = [new Line(), new PageTools()];
    tools.serve(line);
  });

  const answered = async (count = 1) => {
    await eventually(() => line.answers.length >= count);
    return line.answers;
  };

  it('are called with their arguments, and answer with what they return', async () => {
    tools.register('show', async ({ place }, { callId, turnId, signal }) => ({
      place,
      callId,
      turnId,
      over: signal.aborted,
    }));
    line.call('t1:c1');
    expect(await answered()).to.deep.equal([
      { callId: 't1:c1', result: { place: 3, callId: 't1:c1', turnId: 't1', over: false } },
    ]);
  });

  it('answer that there is none, where none was registered, or it was taken away', async () => {
    const remove = tools.register('show', () => 1);
    remove();
    line.call('a');
    expect(await answered()).to.deep.equal([{ callId: 'a', error: 'no_handler' }]);
  });

  it('are replaced by the one that was registered last, which the former cannot take away', async () => {
    const remove = tools.register('show', () => 'former');
    tools.register('show', () => 'latter');
    remove();
    line.call('a');
    expect(await answered()).to.deep.equal([{ callId: 'a', result: 'latter' }]);
  });

  it('answer with what they throw', async () => {
    tools.register('show', () => {
      throw new RangeError('There is no place 3.');
    });
    line.call('a');
    expect(await answered()).to.deep.equal([{ callId: 'a', error: 'failed', message: 'There is no place 3.' }]);
  });

  it('run each call once, however often it is told of', async () => {
    let runs = 0;
    tools.register('show', () => ++runs);
    line.call('a');
    await answered();
    line.call('a');
    line.call('b');
    expect((await answered(2)).map(({ callId }) => callId)).to.deep.equal(['a', 'b']);
    expect(runs).to.equal(2);
  });

  it('hear when nobody waits any more: cancelled, late, or the call is over', async () => {
    const over: string[] = [];
    tools.register('show', (_args, { callId, signal }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => (over.push(callId), resolve()));
      return promise;
    });
    line.call('cancelled');
    line.call('late', 'show', 5);
    line.call('ended');
    line.cancel('cancelled');
    await eventually(() => over.length === 2);
    line.emit('closed', undefined);
    expect(over).to.deep.equal(['cancelled', 'late', 'ended']);
  });

  it('send an answer again that a lost connection kept, once the session was joined anew', async () => {
    for (const refusal of [new ParleyError('reconnecting'), refused('not_joined')]) {
      line = new Line();
      tools = new PageTools();
      tools.serve(line);
      tools.register('show', () => 'shown');
      line.refusals = [refusal];
      line.call('a');
      await eventually(() => line.refusals.length === 0);
      line.emit('joined', undefined);
      line.emit('joined', undefined);
      expect((await answered())[0]).to.deep.equal({ callId: 'a', result: 'shown' });
    }
  });

  it('send an answer again that the server could not take just now', async () => {
    tools.register('show', () => 'shown');
    line.refusals = [new ParleyError('server_busy')];
    line.call('a');
    expect(await answered()).to.deep.equal([{ callId: 'a', result: 'shown' }]);
  });

  it('say that there is no result where the server does not take it', async () => {
    tools.register('show', () => 'much');
    line.refusals = [refused('message_too_large')];
    line.call('a');
    expect(await answered()).to.deep.equal([{ callId: 'a', error: 'failed', message: 'The result cannot be sent.' }]);
  });
});
