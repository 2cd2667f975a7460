import { expect } from 'chai';
import {
  ParleyError,
  afterRefusedJoin,
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

  describe('afterRefusedJoin', () => {
    it('asks a server again that has no room, also at first', () => {
      for (const joinedOnce of [false, true]) {
        expect(afterRefusedJoin(new ParleyError('server_busy'), joinedOnce)).to.equal('retry');
      }
    });

    it('comes back to a call in spite of what may pass, but does not begin one with it', () => {
      expect(afterRefusedJoin(new ParleyError('request_failed'), true)).to.equal('retry');
      expect(afterRefusedJoin(new ParleyError('request_failed'), false)).to.equal('fail');
    });

    it('gives up for what another attempt cannot mend', () => {
      for (const code of ['session_ended', 'session_not_found', 'unsupported', 'token_refused'] as const) {
        expect(afterRefusedJoin(new ParleyError(code), true), code).to.equal('fail');
      }
    });
  });
});
