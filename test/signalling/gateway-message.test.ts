import { expect } from 'chai';
import * as fc from 'fast-check';
import { SignallingFailure } from '../../signalling/errors.ts';
import { parseMessage, splitAcknowledge } from '../../signalling/gateway-message.ts';
import { requestSchemas } from '../../signalling/protocol.ts';
import { JOIN } from '../support/socket-client.ts';

const refusal = (name: unknown, ...payloads: unknown[]): SignallingFailure => {
  try {
    parseMessage(name, payloads);
  } catch (error) {
    if (error instanceof SignallingFailure) return error;
    throw error;
  }
  throw new Error('was not refused');
};

const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);

describe('parseMessage', () => {
  it('gives a request its type', () => {
    expect(parseMessage('say', [{ text: '  hello ' }])).to.deep.equal({ name: 'say', request: { text: 'hello' } });
    expect(parseMessage('join', [JOIN]).request).to.deep.equal(JOIN);
  });

  it('takes a request that carries nothing with and without an object', () => {
    expect(parseMessage('leave', [])).to.deep.equal({ name: 'leave', request: {} });
    expect(parseMessage('leave', [{}])).to.deep.equal({ name: 'leave', request: {} });
  });

  it('refuses events that there are not, names of the language itself included', () => {
    for (const name of ['nothing', 'hello', 'toString', '__proto__', 'constructor', '', 7, null]) {
      expect(refusal(name, {}).code, String(name)).to.equal('unknown_event');
    }
  });

  it('names the field that is wrong, and never the value', () => {
    const { code, message } = refusal('produce', { transportId: 'a', rtpParameters: { codecs: 'sesame' } });
    expect(code).to.equal('invalid_message');
    expect(message).to.include('rtpParameters.codecs').and.not.include('sesame');
    expect(refusal('mute', { muted: 'yes' }).message).to.include('muted');
    expect(refusal('mute', 'yes').code).to.equal('invalid_message');
    expect(refusal('mute', [true]).code).to.equal('invalid_message');
  });

  it('refuses more than one payload', () => {
    expect(refusal('mute', { muted: true }, { muted: false }).code).to.equal('invalid_message');
  });

  it('refuses what is larger than 64 KiB in any shape, before looking at it', () => {
    const long = 'x'.repeat(65_537);
    const large: unknown[] = [
      { text: long },
      { text: 'é'.repeat(32_769) },
      { [long]: 1 },
      { text: Buffer.alloc(70_000) },
      Array.from({ length: 40_000 }, () => 1),
      nested(70_000),
    ];
    for (const payload of large) expect(refusal('say', payload).code).to.equal('message_too_large');
    expect(refusal('nothing', { text: long }).code).to.equal('message_too_large');
    expect(refusal('say', nested(10_000)).code).to.equal('invalid_message');
  });

  it('answers any JSON with a request or a refusal', () => {
    const names = fc.oneof(fc.constantFrom(...Object.keys(requestSchemas)), fc.string());
    fc.assert(
      fc.property(names, fc.array(fc.jsonValue(), { maxLength: 3 }), (name, payloads) => {
        try {
          expect(parseMessage(name, payloads).name).to.equal(name);
        } catch (error) {
          expect(error).to.be.instanceOf(SignallingFailure);
        }
      }),
      { numRuns: 500 },
    );
  });
});

const callback = () => undefined;

describe('splitAcknowledge', () => {
  it('takes the callback off the end, where there is one', () => {
    expect(splitAcknowledge([{ a: 1 }, callback])).to.deep.equal({ payloads: [{ a: 1 }], acknowledge: callback });
    expect(splitAcknowledge([{ a: 1 }])).to.deep.equal({ payloads: [{ a: 1 }], acknowledge: undefined });
    expect(splitAcknowledge([])).to.deep.equal({ payloads: [], acknowledge: undefined });
  });
});
