import { expect } from 'chai';
import { Emitter } from '../../client-sdk/src/emitter.ts';

describe('Emitter', () => {
  it('calls listeners until they are removed', () => {
    const emitter = new Emitter<{ said: string }>();
    const heard: string[] = [];
    const remove = emitter.on('said', (text) => heard.push(text));
    emitter.emit('said', 'one');
    remove();
    emitter.emit('said', 'two');
    expect(heard).to.deep.equal(['one']);
  });

  it('calls a listener of `once` a single time', () => {
    const emitter = new Emitter<{ said: string }>();
    const heard: string[] = [];
    emitter.once('said', (text) => heard.push(text));
    emitter.emit('said', 'one');
    emitter.emit('said', 'two');
    expect(heard).to.deep.equal(['one']);
  });

  it('calls those that were there when the event came, whatever they add or remove', () => {
    const emitter = new Emitter<{ said: number }>();
    const heard: string[] = [];
    const removeSecond = (): void => emitter.off('said', second);
    const second = (): void => void heard.push('second');
    emitter.on('said', () => {
      heard.push('first');
      emitter.on('said', () => heard.push('late'));
      removeSecond();
    });
    emitter.on('said', second);
    emitter.emit('said', 1);
    expect(heard).to.deep.equal(['first', 'second']);
  });

  it('forgets everyone', () => {
    const emitter = new Emitter<{ said: string }>();
    const heard: string[] = [];
    emitter.on('said', (text) => heard.push(text));
    emitter.removeAllListeners();
    emitter.emit('said', 'one');
    expect(heard).to.deep.equal([]);
  });
});
