import { expect } from 'chai';
import { Watchdog } from '../../../media/conversation/watchdog.ts';

describe('Watchdog', () => {
  it('has words of which nothing comes for 4 s answered, and apologises after 4 s more', () => {
    const watchdog = new Watchdog();
    watchdog.words('two pizzas', 1_000);
    expect(watchdog.poll(false, 4_999)).to.equal(undefined);
    expect(watchdog.poll(false, 5_000)).to.deep.equal({ action: 'restart', text: 'two pizzas', waitedMs: 4_000 });
    expect(watchdog.poll(false, 8_999)).to.equal(undefined);
    expect(watchdog.poll(false, 9_000)).to.deep.equal({ action: 'apologise', text: 'two pizzas', waitedMs: 4_000 });
    expect(watchdog.poll(false, 60_000), 'no more than that').to.equal(undefined);
  });

  it('waits while one of the two speaks', () => {
    const watchdog = new Watchdog();
    watchdog.words('two', 1_000);
    for (let nowMs = 1_000; nowMs <= 9_000; nowMs += 100) expect(watchdog.poll(true, nowMs)).to.equal(undefined);
    expect(watchdog.poll(false, 12_999)).to.equal(undefined);
    expect(watchdog.poll(false, 13_000)).to.include({ action: 'restart' });
  });

  it('is silent where the words were answered, or need no answer', () => {
    const watchdog = new Watchdog();
    watchdog.words('mm-hm', 1_000);
    watchdog.settled();
    expect(watchdog.poll(false, 60_000)).to.equal(undefined);
  });
});
