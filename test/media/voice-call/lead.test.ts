import { expect } from 'chai';
import { HandOver, type Moment } from '../../../media/conversation/hand-over.ts';
import { Lead } from '../../../media/voice-call/lead.ts';
import { PlayoutLine, spoken } from '../../support/playout-line.ts';

const moment = (changes: Partial<Moment> = {}): Moment => ({
  atRest: true,
  isPause: () => true,
  complete: true,
  ...changes,
});

describe('HandOver', () => {
  it('is due in the first pause of both sides', () => {
    const handOver = new HandOver(0, 5000);
    expect(handOver.isDue(moment({ isPause: () => false }), 10)).to.equal(false);
    expect(handOver.isDue(moment({ atRest: false }), 20)).to.equal(false);
    expect(handOver.isDue(moment(), 30)).to.equal(true);
  });

  it('waits until all that is to be said is known', () => {
    const handOver = new HandOver(0, 100);
    expect(handOver.isDue(moment({ complete: false }), 10)).to.equal(false);
    expect(handOver.isDue(moment({ complete: false }), 2099), 'for a moment beyond the time').to.equal(false);
    expect(handOver.isDue(moment({ complete: false }), 2100)).to.equal(true);
  });

  it('is due in any case when the time is over', () => {
    const speaking = moment({ atRest: false, isPause: () => false });
    expect(new HandOver(100, 5000).isDue(speaking, 5099)).to.equal(false);
    expect(new HandOver(100, 5000).isDue(speaking, 5100)).to.equal(true);
  });
});

describe('Lead', () => {
  const conversation = { greeted: true, turnIndex: 1, turnNumber: 3 };
  const order = { conversation, history: [], startedAtMs: 0 };

  it('waits for a tool that runs, and for no longer than for the rest of a reply', () => {
    const line = new PlayoutLine();
    const lead = new Lead(true);
    lead.handOver(100, 0);
    expect(lead.isDue(true, true, line.playout, 50)).to.equal(false);
    expect(lead.isDue(true, true, line.playout, 2099)).to.equal(false);
    expect(lead.isDue(true, true, line.playout, 2100)).to.equal(true);
    expect(lead.isDue(true, false, line.playout, 50)).to.equal(true);
  });

  it('gives the voice up within a frame and a fade, and says so once', () => {
    const line = new PlayoutLine();
    line.playout.play(spoken('t1', 3000));
    line.run(1000);
    const lead = new Lead(true);
    lead.handOver(0, line.nowMs);
    expect(lead.isDue(false, false, line.playout, line.nowMs)).to.equal(true);
    line.playout.stop();
    lead.giveUp();
    const askedMs = line.nowMs;
    while (!lead.hasHandedOver(line.playout.isSilent)) line.run(5);
    expect(line.nowMs - askedMs).to.be.within(20, 50);
    const { length } = line.since(askedMs);
    expect(lead.hasHandedOver(true)).to.equal(false);
    line.run(1000);
    const after = line.since(askedMs).slice(length);
    for (const { payload } of after) expect(payload, 'silence alone').to.have.length(3);
  });

  it('keeps what is heard of the caller, and tells nothing of it while another pod leads', () => {
    const lead = new Lead(false);
    expect(lead.note({ type: 'client-ready' })).to.equal(false);
    expect(lead.note({ type: 'speech-started', startMs: 500 })).to.equal(false);
    lead.takeOver({ ...order, startedAtMs: -100 }, 1000);
    expect(lead.taken(0, 1000)).to.deep.include({
      ready: true,
      course: { type: 'caller', startMs: 600, speaking: true },
    });
    expect(lead.note({ type: 'speech-stopped' }), 'from now on').to.equal(true);
    expect(lead.taken(0, 1005), 'once').to.equal(undefined);
  });

  it('waits a moment for speech that the other pod has noticed sooner', () => {
    const speaking = { ...order, conversation: { ...conversation, speaking: { turnId: 't3', startMs: 900 } } };
    const lead = new Lead(false);
    lead.note({ type: 'client-ready' });
    lead.takeOver(speaking, 1000);
    expect(lead.taken(0, 1000)).to.equal(undefined);
    lead.note({ type: 'speech-started', startMs: 910 });
    expect(lead.taken(0, 1100)?.course).to.deep.equal({ type: 'caller', turnId: 't3', startMs: 900, speaking: true });
  });

  it('waits no longer than that', () => {
    const speaking = { ...order, conversation: { ...conversation, speaking: { turnId: 't3', startMs: 900 } } };
    const lead = new Lead(false);
    lead.note({ type: 'client-ready' });
    lead.takeOver(speaking, 1000);
    expect(lead.taken(0, 1249)).to.equal(undefined);
    expect(lead.taken(0, 1250)?.course).to.deep.equal({ type: 'none' });
  });

  it('means nothing to a call that leads', () => {
    const lead = new Lead(true);
    lead.takeOver(order, 0);
    expect(lead.taken(0, 0)).to.equal(undefined);
  });
});
