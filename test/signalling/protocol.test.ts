import { expect } from 'chai';
import { isSignallingErrorCode, SignallingFailure, toFailure } from '../../signalling/errors.ts';
import { MAX_SAY_CHARACTERS, requestSchemas } from '../../signalling/protocol.ts';
import { DTLS_PARAMETERS, FakeMediaError, RTP_PARAMETERS } from '../support/fake-calls.ts';
import { JOIN } from '../support/socket-client.ts';

/** For each request one that is right, and some that are not. */
const examples: Record<keyof typeof requestSchemas, { right: object[]; wrong: unknown[] }> = {
  join: {
    right: [
      JOIN,
      { ...JOIN, playback: 'blocked', lastSeen: { epoch: 1, seq: 2 } },
      { ...JOIN, keep: { send: 'a', receive: 'b', consumer: 'c' } },
    ],
    wrong: [
      {},
      { ...JOIN, protocol: '1' },
      { ...JOIN, playback: 'perhaps' },
      { ...JOIN, lastSeen: { epoch: 1, seq: -1 } },
      { ...JOIN, keep: { send: 'a' } },
      { ...JOIN, rtpCapabilities: { codecs: Array.from({ length: 65 }, () => JOIN.rtpCapabilities.codecs[0]) } },
    ],
  },
  'connect-transport': {
    right: [{ transportId: 'a', dtlsParameters: DTLS_PARAMETERS }],
    wrong: [
      { transportId: 'a' },
      { transportId: '', dtlsParameters: DTLS_PARAMETERS },
      { transportId: 'a', dtlsParameters: { fingerprints: [] } },
      { transportId: 'a', dtlsParameters: { fingerprints: [{ algorithm: 'md5', value: 'AA' }] } },
    ],
  },
  produce: {
    right: [{ transportId: 'a', rtpParameters: RTP_PARAMETERS }],
    wrong: [
      { transportId: 'a', rtpParameters: { codecs: [] } },
      { transportId: 'a', rtpParameters: { ...RTP_PARAMETERS, encodings: [{ ssrc: 2 ** 32 }] } },
      { transportId: 'x'.repeat(129), rtpParameters: RTP_PARAMETERS },
    ],
  },
  consume: { right: [{ participant: 'agent' }], wrong: [{}, { participant: 'somebody' }] },
  'restart-ice': { right: [{ transportId: 'a' }], wrong: [{}, { transportId: 5 }] },
  interrupt: { right: [{}], wrong: [7] },
  say: {
    right: [{ text: 'hello' }, { text: 'x'.repeat(MAX_SAY_CHARACTERS) }],
    wrong: [{}, { text: '  ' }, { text: 'x'.repeat(MAX_SAY_CHARACTERS + 1) }, { text: ['hello'] }],
  },
  'tool-result': {
    right: [
      { callId: 't1:c1', result: { shown: [1, null, 'x'] } },
      { callId: 't1:c1' },
      { callId: 't1:c1', error: 'no_handler' },
      { callId: 't1:c1', error: 'failed', message: 'It is closed.' },
    ],
    wrong: [
      {},
      { callId: '', result: 1 },
      { callId: 'x'.repeat(257), result: 1 },
      { callId: 'c', error: 'other' },
      { callId: 'c', error: 'failed', result: 1 },
      { callId: 'c', result: Array.from({ length: 50 }).reduce<unknown>((inner) => [inner], 1) },
    ],
  },
  mute: { right: [{ muted: true }], wrong: [{}, { muted: 1 }] },
  report: {
    right: [
      {},
      { playback: 'running' },
      { microphone: 'none' },
      { statistics: { roundTripMs: 20.5, packetsLost: -1, playoutDelayMs: 87.5 } },
    ],
    wrong: [
      { playback: 'yes' },
      { noPacketsForMs: -1 },
      { statistics: { jitterMs: 'much' } },
      { statistics: { playoutDelayMs: -1 } },
    ],
  },
  leave: { right: [{}], wrong: ['now'] },
};

describe('the signalling protocol', () => {
  for (const [name, { right, wrong }] of Object.entries(examples)) {
    it(`takes a ${name} that is right and refuses one that is not`, () => {
      const schema = requestSchemas[name as keyof typeof requestSchemas];
      for (const example of right) expect(schema.safeParse(example).success, JSON.stringify(example)).to.equal(true);
      for (const example of wrong) expect(schema.safeParse(example).success, JSON.stringify(example)).to.equal(false);
    });
  }
});

describe('toFailure', () => {
  it('keeps a failure of our own', () => {
    const failure = new SignallingFailure('not_joined');
    expect(toFailure(failure)).to.equal(failure);
  });

  it('takes a known code from the media side and none of its words', () => {
    const failure = toFailure(new FakeMediaError('unknown_transport'));
    expect(failure).to.have.property('code', 'unknown_transport');
    expect(failure.message).to.not.include('10.0.0.7');
  });

  it('makes everything else internal', () => {
    for (const thrown of [new Error('at /srv/secret'), new FakeMediaError('ENOENT'), 'text', undefined, null, 7]) {
      expect(toFailure(thrown)).to.include({ code: 'internal', message: 'Something went wrong on the server.' });
    }
  });

  it('knows no code by inheritance', () => {
    expect(isSignallingErrorCode('toString')).to.equal(false);
    expect(isSignallingErrorCode('internal')).to.equal(true);
  });
});
