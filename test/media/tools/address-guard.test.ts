import { expect } from 'chai';
import { AddressGuard } from '../../../media/tools/address-guard.ts';
import { HttpTools } from '../../../media/tools/http-tools.ts';
import { tool, type HttpTool } from '../../../media/agent/tool-schema.ts';
import { rejection } from '../../support/rejection.ts';

const METADATA = ['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192'];
const OTHERS = ['0.0.0.0', '224.0.0.1', '255.255.255.255', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', '::', 'ff02::1'];
/** The same address in other words. */
const DISGUISED = [
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::a9fe:a9fe',
  '::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
];

describe('the addresses that tools may reach', () => {
  for (const address of [...METADATA, ...OTHERS, ...DISGUISED, 'no address']) {
    it(`are not ${address}`, () => expect(new AddressGuard().allows(address)).to.equal(false));
  }

  for (const address of ['93.184.216.34', '10.1.2.3', '127.0.0.1', '::1', '2606:2800:220:1::1', '64:ff9b::5db8:d822']) {
    it(`may be ${address}`, () => expect(new AddressGuard().allows(address)).to.equal(true));
  }

  it('are opened and barred by configuration', () => {
    const guard = new AddressGuard({ allow: ['169.254.169.254/32'], deny: ['10.0.0.0/8', '::1'] });
    expect(guard.allows('169.254.169.254')).to.equal(true);
    expect(guard.allows('169.254.169.253')).to.equal(false);
    expect(guard.allows('10.1.2.3')).to.equal(false);
    expect(guard.allows('::ffff:10.1.2.3')).to.equal(false);
    expect(guard.allows('::1')).to.equal(false);
    expect(() => new AddressGuard({ deny: ['ten'] })).to.throw(RangeError);
  });

  it('are looked at however they are written in a URL', async () => {
    const http = new HttpTools();
    const hosts = [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '0251.0376.0251.0376',
      '[::ffff:a9fe:a9fe]',
      '169.254.43518',
    ];
    for (const host of [...hosts, 'metadata.google.internal', 'metadata.google.internal.']) {
      const declared = tool.parse({
        type: 'http',
        name: 'a',
        description: 'a',
        url: `http://${host}/latest`,
      }) as HttpTool;
      const values = { variables: {}, arguments: {}, secrets: {} };
      const error = await rejection(http.run(declared, values, 'key', new AbortController().signal));
      expect(error, host).to.have.property('code', 'forbidden_address');
    }
    http.close();
  });

  it('are those that a name is looked up to when it is connected to', async () => {
    const guard = new AddressGuard({ deny: ['127.0.0.0/8', '::1'] });
    for (const all of [true, false]) {
      const error = await new Promise((resolve) => guard.lookup('localhost', { all }, resolve));
      expect(error).to.have.property('code', 'forbidden_address');
    }
    const open = new AddressGuard({ deny: ['::1'] });
    const found = await new Promise((resolve) => open.lookup('localhost', {}, (_, address) => resolve(address)));
    expect(found).to.equal('127.0.0.1');
  });
});
