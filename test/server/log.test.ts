import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { createLog, humanLine } from '../../server/log.ts';

const captured = (isTTY: boolean) => {
  const destination = Object.assign(new PassThrough(), { isTTY });
  return { log: createLog({ level: 'info', destination }), text: () => String(destination.read() ?? '') };
};

describe('the log', () => {
  it('is one JSON object a line for machines', () => {
    const { log, text } = captured(false);
    log.info({ sessionId: 's1' }, 'joined');
    log.debug('not shown');
    const line = JSON.parse(text()) as Record<string, unknown>;
    expect(line).to.include({ msg: 'joined', sessionId: 's1', level: 30 });
    expect(line['time']).to.match(/^\d{4}-\d\d-\d\dT/);
  });

  it('is a short line for people at a terminal', () => {
    const { log, text } = captured(true);
    log.warn({ sessionId: 's1', places: { taken: 2 } }, 'nearly full');
    expect(stripVTControlCharacters(text())).to.match(
      /^\d\d:\d\d:\d\d warn {2}nearly full sessionId=s1 places=\{"taken":2\}\n$/,
    );
  });

  it('shows where an error came from', () => {
    const { log, text } = captured(true);
    log.error({ err: new Error('broken') }, 'failed');
    expect(text()).to.include('failed').and.include('Error: broken').and.include('log.test.ts');
  });

  it('never shows tokens and authorisations, even when they are handed to it', () => {
    for (const isTTY of [true, false]) {
      const { log, text } = captured(isTTY);
      log.info({ token: 'sesame', request: { authorization: 'Bearer sesame' } }, 'oops');
      expect(text()).to.include('oops').and.not.include('sesame');
    }
  });

  it('lets nothing that is logged pass for another line or change the terminal', () => {
    const { log, text } = captured(true);
    log.warn(
      { path: '/\n12:00:00 info  all is well', sdk: '\u001b[2J\u009b1m', err: new Error('\u001b]0;x\u0007') },
      'no',
    );
    const lines = stripVTControlCharacters(text()).split('\n');
    expect(lines[0]).to.match(/ warn {2}no path=\/\\u000a12:00:00 info {2}all is well sdk=\\u001b\[2J\\u009b1m$/);
    expect(lines[1]).to.equal('Error: \\u001b]0;x\\u0007');
  });

  it('has a line for anything', () => {
    expect(humanLine('{"level":35,"time":"nonsense"}')).to.be.a('string');
  });
});
