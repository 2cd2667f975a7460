import { expect } from 'chai';
import { cpuMsOf, dropsOf, residentBytesOf } from '../../bench/process-usage.ts';

describe("a process's usage", () => {
  it('adds user and system time, whatever the name of the process', () => {
    const stat = '4211 (voice) R 3 (0)) S 1 4211 4211 0 -1 4194560 900 0 0 0 125 17 0 0 20 0 11 0 8812 1123 99';
    expect(cpuMsOf(stat)).to.equal(1420);
  });

  it('reads resident memory', () => {
    expect(residentBytesOf('Name:\tnode\nVmHWM:\t  90000 kB\nVmRSS:\t   81234 kB\n')).to.equal(81234 * 1024);
    expect(residentBytesOf('Name:\tnode\n')).to.be.NaN;
  });
});

describe('kernel drops', () => {
  const table = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    '  901: 0100007F:9C40 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 51 2 0000000000000000 12',
    '  902: 0100007F:9C41 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 52 2 0000000000000000 5',
    '',
  ].join('\n');

  it('are those of the local port', () => {
    expect(dropsOf(table, 40_000)).to.equal(12);
    expect(dropsOf(table, 40_001)).to.equal(5);
  });

  it('are none where nobody listens', () => {
    expect(dropsOf(table, 40_002)).to.equal(0);
  });
});
