import { expect } from 'chai';
import { wordsFor } from '../../web/src/status-words.ts';
import type { Situation } from '../../web/src/status-words.ts';

const listening: Situation = {
  call: 'connected',
  agent: 'listening',
  output: 'normal',
  userSpeaking: false,
  microphone: 'active',
  interrupted: false,
  resuming: false,
  audioLost: false,
  poorLine: false,
  queuePosition: undefined,
  busy: false,
  moveReason: undefined,
  ending: undefined,
};
const status = (change: Partial<Situation>): string => wordsFor({ ...listening, ...change }).status;

const hint = (change: Partial<Situation>): string => wordsFor({ ...listening, ...change }).hint;

describe('wordsFor', () => {
  it('says what the agent does', () => {
    expect(status({})).to.equal('Listening');
    expect(status({ agent: 'thinking' })).to.equal('Thinking');
    expect(status({ agent: 'speaking' })).to.equal('Speaking');
    expect(status({ agent: 'speaking', output: 'ducked' })).to.equal('Speaking, quieter');
    expect(status({ agent: 'speaking', output: 'paused' })).to.equal('Holding back');
  });

  it('tells the caller that they are heard, and that they have the floor', () => {
    expect(status({ userSpeaking: true })).to.equal('Hearing you');
    expect(status({ userSpeaking: true, interrupted: true })).to.equal('You have the floor');
  });

  it('says what is missing', () => {
    expect(status({ microphone: 'muted' })).to.equal('You are muted');
    expect(status({ microphone: 'none' })).to.equal('Listening for text');
    expect(status({ audioLost: true, agent: 'speaking' })).to.equal('No sound arrives');
  });

  it('invites only those to cut in who can be heard', () => {
    expect(hint({ agent: 'speaking' })).to.equal('Cut in whenever you like.');
    expect(hint({ agent: 'speaking', microphone: 'muted' })).to.match(/unmute/);
    expect(hint({ agent: 'speaking', microphone: 'none' })).to.equal('You can type meanwhile.');
  });

  it('says why the call is over', () => {
    const over = (ending: Situation['ending']): Partial<Situation> => ({ call: 'ended', ending });
    expect(hint(over('left'))).to.include('You hung up');
    expect(hint(over('agent'))).to.include('agent hung up');
    expect(hint(over('deleted'))).to.include('The server ended it');
    expect(hint(over('idle'))).to.include('Nobody had spoken');
    expect(status(over('expired'))).to.equal('The time is up');
    expect(status(over('failed'))).to.equal('The call broke off');
    expect(status(over('lost'))).to.equal('The call broke off');
    expect(status(over('shutdown'))).to.equal('The server is closing');
    expect(status(over('superseded'))).to.equal('Continued elsewhere');
    expect(status(over('gone'))).to.equal('The call has ended');
    expect(status(over('unreachable'))).to.equal('Could not connect');
  });

  it('says what happens with the connection', () => {
    expect(status({ call: 'connecting' })).to.equal('Connecting…');
    expect(status({ call: 'connecting', resuming: true })).to.equal('Resuming…');
    expect(status({ call: 'connecting', busy: true })).to.equal('The server is busy');
    expect(status({ call: 'queued', queuePosition: 3 })).to.equal('Number 3 in line');
    expect(status({ call: 'queued', queuePosition: 1 })).to.equal('You are next');
    expect(status({ call: 'reconnecting' })).to.equal('Reconnecting…');
    expect(status({ call: 'moving' })).to.equal('Moving…');
    expect(status({ call: 'ended' })).to.equal('The call has ended');
    expect(status({ call: 'idle' })).to.equal('Ready when you are');
  });

  it('tells sound that is lost from a server that does not answer', () => {
    expect(hint({ call: 'reconnecting' })).to.include('If you still hear each other');
    expect(status({ call: 'reconnecting', audioLost: true })).to.equal('No sound arrives');
    expect(hint({ call: 'reconnecting', queuePosition: 2 })).to.include('Your place in the queue is kept');
  });

  it('explains a voice that breaks up', () => {
    expect(status({ poorLine: true, agent: 'speaking' })).to.equal('Speaking');
    expect(hint({ poorLine: true, agent: 'speaking' })).to.include('The line is poor');
    expect(status({ poorLine: true, audioLost: true })).to.equal('No sound arrives');
  });

  it('goes on telling what the agent does while a server drains, for nothing is interrupted', () => {
    const draining = { call: 'moving', moveReason: 'drain', agent: 'speaking' } as const;
    expect(status(draining)).to.equal('Speaking');
    expect(hint(draining)).to.include('another server');
    expect(status({ ...draining, audioLost: true })).to.equal('Moving…');
    expect(status({ ...draining, moveReason: 'pod' })).to.equal('Moving…');
  });

  it('always says what to do or what comes next', () => {
    const calls = ['idle', 'ended', 'connecting', 'queued', 'connected', 'reconnecting', 'moving'] as const;
    for (const call of calls) expect(wordsFor({ ...listening, call }).hint).to.match(/\.$/);
  });
});
