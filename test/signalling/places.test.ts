import { expect } from 'chai';
import { Places } from '../../signalling/places.ts';

describe('Places', () => {
  it('gives each session one place and refuses when all are taken', () => {
    const places = new Places({ capacity: 2 });
    expect([places.reserve('a', 0), places.take('a', 0), places.take('b', 0)]).to.deep.equal([true, true, true]);
    expect(places.occupied(0)).to.equal(2);
    expect(places.reserve('c', 0)).to.equal(false);
    expect(places.take('c', 0)).to.equal(false);
  });

  it('keeps a reservation for 60 s, and the place of a connected client for good', () => {
    const places = new Places({ capacity: 2 });
    places.reserve('waiting', 0);
    places.take('talking', 0);
    expect(places.occupied(59_999)).to.equal(2);
    expect(places.occupied(60_000)).to.equal(1);
    expect(places.occupied(86_400_000)).to.equal(1);
  });

  it('lets a session whose reservation ran out take a place while there is room', () => {
    const places = new Places({ capacity: 1, reservationMs: 10 });
    places.reserve('late', 0);
    places.reserve('other', 20);
    expect(places.take('late', 25)).to.equal(false);
    expect(places.take('late', 30)).to.equal(true);
  });

  it('turns the place of a client that is gone into a reservation, and frees it at the end', () => {
    const places = new Places({ capacity: 1, reservationMs: 10 });
    places.take('a', 0);
    places.reserve('a', 100);
    expect(places.occupied(109)).to.equal(1);
    expect(places.occupied(110)).to.equal(0);
    places.take('a', 200);
    places.free('a');
    places.free('a');
    expect(places.occupied(200)).to.equal(0);
  });
});
