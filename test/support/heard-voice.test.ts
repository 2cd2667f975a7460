import { expect } from 'chai';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../media/rtp/rtp.ts';
import { HeardVoice } from './heard-voice.ts';

describe('what a scripted caller has heard', () => {
  let heard: HeardVoice;
  let sequence = 0;

  beforeEach(() => {
    heard = new HeardVoice();
    heard.epochs.push(7, 8);
  });

  function hear(atMs: number, { link = 0, played = true, payloadBytes = 60 } = {}): void {
    const packet = Buffer.alloc(RTP_HEADER_BYTES + payloadBytes);
    writeRtpHeader(packet, 111, false, sequence++ & 0xffff, atMs * 48, 1);
    heard.note(packet, link, played, atMs);
  }

  it('tells voice from packets that say that there is none', () => {
    hear(0);
    hear(20, { payloadBytes: 3 });
    hear(40);
    expect(heard.voiceMs()).to.equal(40);
    expect(heard.played).to.equal(3);
  });

  it('finds the longest time without voice, up to both ends of the time asked about', () => {
    for (const atMs of [100, 120, 140, 300, 320]) hear(atMs);
    expect(heard.longestGapMs(100, 330)).to.equal(160);
    expect(heard.longestGapMs(0, 150)).to.equal(100);
    expect(heard.longestGapMs(300, 900)).to.equal(580);
    expect(heard.longestGapMs(400, 500), 'no voice at all').to.equal(100);
  });

  it('does not count what was not played', () => {
    hear(0, { played: false });
    hear(50);
    expect(heard.firstVoiceMs()).to.equal(50);
    expect(heard.epochAt(60)).to.equal(7);
  });

  it('finds an owner that speaks on after another one has begun, played or not', () => {
    hear(0);
    hear(20, { link: 1 });
    expect(heard.fromFormerOwners).to.deep.equal([]);
    hear(40, { played: false });
    hear(60, { played: false, payloadBytes: 3 });
    expect(heard.fromFormerOwners.map(({ atMs }) => atMs)).to.deep.equal([40]);
  });
});
