import { expect } from 'chai';
import { SignJWT } from 'jose';
import { TokenRejected } from '../../signalling/errors.ts';
import { SessionTokens } from '../../signalling/tokens.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const secret = 'a secret of more than thirty-two characters';

const problemOf = async (tokens: SessionTokens, token: string): Promise<unknown> =>
  tokens.verify(token).then(
    () => undefined,
    (error: unknown) => (error instanceof TokenRejected ? error.problem : error),
  );

const foreign = (claims: { issuer?: string; audience?: string; subject?: string; key?: string }): Promise<string> => {
  const jwt = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(2_000_000);
  if (claims.subject !== undefined) jwt.setSubject(claims.subject);
  jwt.setIssuer(claims.issuer ?? 'parley').setAudience(claims.audience ?? 'parley:join');
  return jwt.sign(new TextEncoder().encode(claims.key ?? secret));
};

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('SessionTokens', () => {
  let clock: VirtualClock;
  let tokens: SessionTokens;

  beforeEach(() => {
    clock = new VirtualClock();
    tokens = new SessionTokens({ secret, nowMs: clock.nowMs });
  });

  it('opens the one session that it was issued for', async () => {
    const { token, expiresAt } = await tokens.issue('session-1');
    expect(await tokens.verify(token)).to.deep.equal({ sessionId: 'session-1', expiresAt });
  });

  it('can be used for ten minutes', async () => {
    const { token, expiresAt } = await tokens.issue('session-1');
    expect(expiresAt).to.equal(clock.nowMs() + 600_000);
    clock.advance(599_000);
    expect(await problemOf(tokens, token)).to.equal(undefined);
    clock.advance(2_000);
    expect(await problemOf(tokens, token)).to.equal('expired');
  });

  it('never promises longer than it holds, though a token counts whole seconds', async () => {
    clock.advance(999);
    const { expiresAt } = await tokens.issue('session-1');
    expect(expiresAt).to.be.at.most(clock.nowMs() + 600_000);
    expect(expiresAt).to.be.above(clock.nowMs() + 598_000);
  });

  it('is refused as malformed when it is no token', async () => {
    for (const text of ['', 'abc', 'a.b.c', '..', 'x'.repeat(4_000)]) {
      expect(await problemOf(tokens, text), text).to.equal('malformed');
    }
  });

  it('is refused when another key, issuer or use made it, when it names no session, or was changed', async () => {
    expect(
      await problemOf(tokens, await foreign({ subject: 's', key: 'another secret, just as long as ours' })),
    ).to.equal('not_ours');
    expect(await problemOf(tokens, await foreign({ subject: 's', issuer: 'other' }))).to.equal('not_ours');
    expect(await problemOf(tokens, await foreign({ subject: 's', audience: 'other' }))).to.equal('not_ours');
    expect(await problemOf(tokens, await foreign({}))).to.equal('not_ours');
    const { token } = await tokens.issue('session-1');
    const [header = '', , signature = ''] = token.split('.');
    const payload = Buffer.from(JSON.stringify({ sub: 'session-2', exp: 9_999_999_999 })).toString('base64url');
    expect(await problemOf(tokens, `${header}.${payload}.${signature}`)).to.equal('not_ours');
  });

  it('is refused without a signature', async () => {
    const unsigned = `${encode({ alg: 'none' })}.${encode({ sub: 's', iss: 'parley', aud: 'parley:join', exp: 9_999_999 })}.`;
    expect(await problemOf(tokens, unsigned)).to.be.oneOf(['not_ours', 'malformed']);
  });
});
