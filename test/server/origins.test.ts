import { expect } from 'chai';
import { OriginPolicy } from '../../server/origins.ts';

describe('OriginPolicy', () => {
  it("takes pages of the server's own address, whichever name it was reached by", () => {
    const policy = new OriginPolicy({ allowedOrigins: [], loopbackOnly: false });
    expect(policy.allowsOrigin('https://voice.example', 'voice.example')).to.equal(true);
    expect(policy.allowsOrigin('http://192.168.0.7:3000', '192.168.0.7:3000')).to.equal(true);
    expect(policy.allowsOrigin('http://192.168.0.7:3001', '192.168.0.7:3000')).to.equal(false);
    expect(policy.allowsOrigin('https://other.example', 'voice.example')).to.equal(false);
  });

  it('takes pages of the public address behind a proxy, and of allowed origins', () => {
    const policy = new OriginPolicy({
      publicUrl: 'https://voice.example',
      allowedOrigins: ['https://friend.example'],
      loopbackOnly: false,
    });
    expect(policy.allowsOrigin('https://voice.example', '10.0.0.2:3000')).to.equal(true);
    expect(policy.allowsOrigin('https://friend.example', '10.0.0.2:3000')).to.equal(true);
    expect(policy.allowsOrigin('http://friend.example', '10.0.0.2:3000')).to.equal(false);
    expect(policy.allowsOrigin('https://friend.example.evil', '10.0.0.2:3000')).to.equal(false);
  });

  it('takes all with *, and nothing that is no origin', () => {
    expect(new OriginPolicy({ allowedOrigins: ['*'], loopbackOnly: false }).allowsOrigin('null', 'a')).to.equal(true);
    const policy = new OriginPolicy({ allowedOrigins: [], loopbackOnly: false });
    for (const origin of ['null', '', 'file://', 'nonsense', 'data:text/html,x']) {
      expect(policy.allowsOrigin(origin, ''), origin).to.equal(false);
      expect(policy.allowsOrigin(origin, undefined), origin).to.equal(false);
    }
  });

  it('without keys answers to the names of this machine and of the public address alone', () => {
    const policy = new OriginPolicy({ publicUrl: 'https://voice.example', allowedOrigins: [], loopbackOnly: true });
    for (const host of ['localhost:3000', '127.0.0.1', '127.0.0.1:3000', '[::1]:3000', 'voice.example']) {
      expect(policy.allowsHost(host), host).to.equal(true);
    }
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:3000', '', ':', undefined]) {
      expect(policy.allowsHost(host), String(host)).to.equal(false);
    }
    expect(new OriginPolicy({ allowedOrigins: [], loopbackOnly: false }).allowsHost('any.example')).to.equal(true);
  });
});
