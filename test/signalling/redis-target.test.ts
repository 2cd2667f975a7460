import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseRedisTarget } from '../../signalling/redis-target.ts';

describe('parseRedisTarget', () => {
  it('reads the address of one Redis, with what is left out as usual', () => {
    expect(parseRedisTarget('redis://r')).to.deep.equal({
      kind: 'single',
      address: { host: 'r', port: 6379 },
      db: 0,
      tls: false,
    });
    expect(parseRedisTarget('rediss://u:p%2Fw@[::1]:7000/3')).to.deep.equal({
      kind: 'single',
      address: { host: '::1', port: 7000 },
      db: 3,
      tls: true,
      username: 'u',
      password: 'p/w',
    });
    expect(parseRedisTarget('redis://:secret@r')).to.include({ password: 'secret' }).and.not.have.property('username');
  });

  it('reads Sentinels and the name of what they watch, and the nodes of a cluster', () => {
    expect(parseRedisTarget('redis+sentinel://a,b:7/main')).to.deep.equal({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 7 },
      ],
      master: 'main',
      db: 0,
      tls: false,
    });
    expect(parseRedisTarget('redis+cluster://a,b:7')).to.deep.equal({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7 },
      ],
      tls: false,
    });
  });

  it('takes nothing else', () => {
    for (const url of [
      'r:6379',
      'http://r',
      'redis://',
      'redis://a,b',
      'redis://r:0',
      'redis://r:65536',
      'redis://r/db',
      'redis://r:6379/0/1',
      'redis://u:%zz@r',
      'redis+sentinel://a',
      'redis+cluster://a/0',
    ]) {
      expect(parseRedisTarget(url), url).to.equal(undefined);
    }
  });

  it('gives an answer to any text', () => {
    const schemes = fc.constantFrom('redis', 'rediss', 'redis+sentinel', 'redis+cluster');
    fc.assert(fc.property(schemes, fc.string(), (scheme, rest) => void parseRedisTarget(`${scheme}://${rest}`)));
  });
});
