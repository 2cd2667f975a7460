import { expect } from 'chai';
import { Standby } from '../../client-sdk/src/standby.ts';

/** Links are names here: what happens to them is the caller's affair. */
function standingBy(link: string, ownerEpoch = 7): Standby<string> {
  const standby = new Standby<string>();
  standby.begin(link, ownerEpoch);
  return standby;
}

describe('Standby', () => {
  it('waits while the present owner speaks', () => {
    const standby = standingBy('new');
    expect(standby.heardOf(7)).to.equal(undefined);
    expect(standby.link).to.equal('new');
  });

  it('is used from the first word of the next owner on, once', () => {
    const standby = standingBy('new');
    expect(standby.heardOf(8)).to.equal('new');
    expect(standby.heardOf(8)).to.equal(undefined);
    expect(standby.link).to.equal(undefined);
  });

  it('does nothing where nothing stands by', () => {
    expect(new Standby<string>().heardOf(9)).to.equal(undefined);
  });

  it('gives way to a newer one', () => {
    const standby = standingBy('first');
    expect(standby.begin('second', 7)).to.equal('first');
    expect(standby.heardOf(8)).to.equal('second');
  });

  it('is dropped when something else comes in between', () => {
    const standby = standingBy('new');
    expect(standby.drop()).to.equal('new');
    expect(standby.heardOf(8)).to.equal(undefined);
  });

  it('leaves the call where it is when it cannot be connected', () => {
    const standby = standingBy('new');
    expect(standby.failed('new')).to.equal(true);
    expect(standby.heardOf(8)).to.equal(undefined);
  });

  it('takes no notice of the failure of one that was replaced or is in use', () => {
    const standby = standingBy('first');
    standby.begin('second', 7);
    expect(standby.failed('first')).to.equal(false);
    standby.heardOf(8);
    expect(standby.failed('second')).to.equal(false);
  });
});
