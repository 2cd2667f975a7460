import { expect } from 'chai';
import { codeOfStatus, ProviderError, retryAfterMs } from '../../../media/providers/errors.ts';
import { vendorsWords } from '../../../media/providers/vendor-fetch.ts';

describe("a vendor's failure", () => {
  it('may be gone the next time, or not, by its code alone', () => {
    const retryable = (status: number) =>
      new ProviderError(codeOfStatus(status), 'refused', { provider: 'a/b', status }).retryable;
    expect([408, 429, 500, 502, 503, 529].map(retryable)).to.deep.equal([true, true, true, true, true, true]);
    expect([400, 401, 402, 403, 404, 413, 422].map(retryable)).not.to.include(true);
  });

  it('names the provider', () => {
    const error = new ProviderError('stalled', 'nothing came', { provider: 'cartesia/sonic-3.5' });
    expect(error.message).to.equal('cartesia/sonic-3.5: nothing came');
    expect(error).to.include({ name: 'ProviderError', provider: 'cartesia/sonic-3.5' });
  });

  it('tells how long to wait, in seconds or as a date', () => {
    const nowMs = Date.parse('2026-11-25T12:00:00Z');
    expect(retryAfterMs('7', nowMs)).to.equal(7_000);
    expect(retryAfterMs('0.5', nowMs)).to.equal(500);
    expect(retryAfterMs('Wed, 25 Nov 2026 12:00:30 GMT', nowMs)).to.equal(30_000);
    expect(retryAfterMs('Wed, 25 Nov 2026 11:00:00 GMT', nowMs)).to.equal(0);
    expect(retryAfterMs('999999', nowMs)).to.equal(300_000);
    expect(retryAfterMs('soon', nowMs)).to.equal(undefined);
    expect(retryAfterMs('', nowMs)).to.equal(undefined);
    expect(retryAfterMs(null, nowMs)).to.equal(undefined);
  });

  it('is told in the words of the vendor, wherever these are', () => {
    expect(vendorsWords('{"error":{"message":"no","code":"c"}}')).to.deep.equal({ message: 'no', code: 'c' });
    expect(vendorsWords('{"message":"no"}')).to.deep.equal({ message: 'no' });
    expect(vendorsWords('{"error":"no"}')).to.deep.equal({ message: 'no' });
    expect(vendorsWords('{"err_code":"X","err_msg":"no"}')).to.deep.equal({ message: 'no' });
    expect(vendorsWords('{"title":"t","message":"no","error_code":"x"}')).to.deep.equal({ message: 'no', code: 'x' });
    expect(vendorsWords('<html>Bad Gateway</html>')).to.deep.equal({ message: '<html>Bad Gateway</html>' });
    for (const odd of ['null', '[]', '3', '{"error":null}', '{"error":{"message":3}}', '']) {
      expect(vendorsWords(odd).message, odd).to.be.a('string');
    }
  });
});
