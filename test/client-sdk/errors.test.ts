import { expect } from 'chai';
import {
  ParleyError,
  endsTheCall,
  fatalSignallingError,
  microphoneError,
  refusedRequest,
} from '../../client-sdk/src/errors.ts';

const thrown = (name: string): Error => Object.assign(new Error('from the browser'), { name });

describe('errors of the SDK', () => {
  describe('microphoneError', () => {
    const expected = {
      NotAllowedError: 'microphone_denied',
      SecurityError: 'microphone_denied',
      NotFoundError: 'microphone_missing',
      OverconstrainedError: 'microphone_missing',
      NotReadableError: 'microphone_in_use',
      AbortError: 'microphone_in_use',
    };
    for (const [name, code] of Object.entries(expected)) {
      it(`takes ${name} as ${code}, which the call survives`, () => {
        const error = microphoneError(thrown(name));
        expect(error.code).to.equal(code);
        expect(error.recoverable).to.equal(true);
        expect(error.cause).to.have.property('name', name);
      });
    }
  });

  describe('fatalSignallingError', () => {
    it('knows what ends a session for this client', () => {
      expect(fatalSignallingError('unauthorized')?.code).to.equal('token_refused');
      expect(fatalSignallingError('session_not_found')?.code).to.equal('session_not_found');
      expect(fatalSignallingError('session_ended')?.code).to.equal('session_ended');
      expect(fatalSignallingError('superseded')?.code).to.equal('superseded');
      expect(fatalSignallingError('unsupported_version')?.code).to.equal('version_mismatch');
    });

    it('leaves the rest to another attempt', () => {
      for (const code of ['server_busy', 'internal', 'too_many_requests', 'websocket error']) {
        expect(fatalSignallingError(code)).to.equal(undefined);
      }
    });
  });

  describe('refusedRequest', () => {
    it('keeps what the server said, for people and for programs', () => {
      const error = refusedRequest('say', { code: 'invalid_message', message: 'text: too long' });
      expect(error.code).to.equal('request_failed');
      expect(error.message).to.equal('say: text: too long (invalid_message)');
      expect(error.cause).to.deep.equal({ code: 'invalid_message', message: 'text: too long' });
    });

    it('tells a full server from a refusal', () => {
      expect(refusedRequest('join', { code: 'server_busy', message: 'full' }).code).to.equal('server_busy');
    });
  });

  it('has a sentence for people for every code', () => {
    const codes = ['microphone_denied', 'insecure_origin', 'ice_failed', 'autoplay_blocked', 'unsupported'] as const;
    for (const code of codes) expect(new ParleyError(code).message).to.match(/^[A-Z].*\.$/);
  });

  it('ends a call only for what another attempt cannot mend', () => {
    expect(endsTheCall(new ParleyError('session_ended'))).to.equal(true);
    expect(endsTheCall(new ParleyError('server_busy'))).to.equal(false);
    expect(endsTheCall(new ParleyError('request_failed'))).to.equal(false);
  });
});
