import { expect } from 'chai';
import { TurnClock } from '../../../media/conversation/turn-timings.ts';

describe('TurnClock', () => {
  it('tells when each step of a turn happened, once its answer is on its way', () => {
    const clock = new TurnClock();
    clock.words(1900);
    clock.turnEnded(1500, 2000);
    clock.step('firstTokenMs', 2200);
    clock.step('firstAudioMs', 2300);
    expect(clock.audible(150)).to.equal(undefined);
    clock.step('firstPacketMs', 2310);
    clock.step('firstPacketMs', 9999);
    const steps = {
      endOfSpeechMs: 1500,
      transcriptMs: 1900,
      endpointMs: 2000,
      firstTokenMs: 2200,
      firstAudioMs: 2300,
      firstPacketMs: 2310,
    };
    expect(clock.audible(150)).to.deep.equal({ ...steps, heardMs: 2460 });
    expect(clock.audible(undefined), 'the client has not told').to.deep.equal(steps);
  });

  it('leaves out what did not happen, and forgets with the next reply', () => {
    const clock = new TurnClock();
    clock.turnEnded(1500, 2000);
    clock.step('firstPacketMs', 2010);
    expect(clock.audible(0)).to.deep.equal({
      endOfSpeechMs: 1500,
      endpointMs: 2000,
      firstPacketMs: 2010,
      heardMs: 2010,
    });
    clock.forget();
    expect(clock.audible(0)).to.equal(undefined);
  });
});
