import { expect } from 'chai';
import { packetsReceived, readStatistics } from '../../client-sdk/src/statistics.ts';

const inbound = {
  id: 'in',
  type: 'inbound-rtp',
  packetsReceived: 500,
  packetsLost: 4,
  jitter: 0.0025,
  concealedSamples: 9600,
  silentConcealedSamples: 4800,
  jitterBufferDelay: 12,
  jitterBufferEmittedCount: 480,
  nackCount: 2,
};

const outbound = { id: 'out', type: 'outbound-rtp', packetsSent: 300, retransmittedPacketsSent: 7 };

describe('readStatistics', () => {
  it('reads what Chromium gives', () => {
    const received = [
      inbound,
      { id: 'transport', type: 'transport', selectedCandidatePairId: 'pair2' },
      { id: 'pair1', type: 'candidate-pair', currentRoundTripTime: 0.9 },
      { id: 'pair2', type: 'candidate-pair', currentRoundTripTime: 0.023, remoteCandidateId: 'remote' },
      { id: 'remote', type: 'remote-candidate', protocol: 'udp' },
    ];
    expect(readStatistics(received, [outbound])).to.deep.equal({
      roundTripMs: 23,
      packetsReceived: 500,
      packetsSent: 300,
      packetsLost: 4,
      jitterMs: 2.5,
      concealedMs: 100,
      bufferMs: 25,
      retransmissionsAsked: 2,
      retransmissionsSent: 7,
      protocol: 'udp',
    });
  });

  it('finds the pair in use where the browser marks the pair itself', () => {
    const received = [
      { id: 'a', type: 'candidate-pair', selected: false, currentRoundTripTime: 1 },
      { id: 'b', type: 'candidate-pair', selected: true, currentRoundTripTime: 0.5 },
    ];
    expect(readStatistics(received, [])).to.deep.equal({ roundTripMs: 500 });
  });

  it('leaves out what is not there', () => {
    expect(readStatistics([], [])).to.deep.equal({});
    expect(
      readStatistics([{ id: 'in', type: 'inbound-rtp', jitterBufferEmittedCount: 0, jitterBufferDelay: 0 }], []),
    ).to.deep.equal({});
  });

  it('counts packets, and knows when there has been none', () => {
    expect(packetsReceived([inbound])).to.equal(500);
    expect(packetsReceived([])).to.equal(undefined);
  });
});
