import { expect } from 'chai';
import * as fc from 'fast-check';
import { endpointing, type EndpointingOptions } from '../../../media/agent/agent.ts';
import { TurnDetector } from '../../../media/turn/turn-detector.ts';

const TICK_MS = 5;
const WINDOW_MS = 32;

function detector(options: Partial<EndpointingOptions> = {}): TurnDetector {
  return new TurnDetector(endpointing.parse(options));
}

/** Speech from `startMs` to `endMs`, told of window by window as it is heard. */
function speak(turns: TurnDetector, startMs: number, endMs: number): void {
  turns.speechStarted(startMs, startMs + 96);
  for (let ms = startMs + 96; ms < endMs; ms += WINDOW_MS) turns.speechActive(ms, ms);
  turns.speechActive(endMs, endMs);
}

/** Polls every 5 ms, as the worker's loop does. @returns the first decision and when it fell */
function waitFrom(turns: TurnDetector, fromMs: number, untilMs = fromMs + 20_000) {
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += TICK_MS) {
    const turn = nowMs >= turns.nextDeadlineMs ? turns.poll(nowMs) : undefined;
    if (turn) return { ...turn, nowMs };
  }
  return undefined;
}

describe('TurnDetector', () => {
  it('ends the turn 550 ms after the last speech, by the clock', () => {
    const turns = detector();
    speak(turns, 1000, 3100);
    expect(turns.nextDeadlineMs).to.equal(3650);
    expect(turns.poll(3649)).to.equal(undefined);
    expect(turns.poll(3650)).to.deep.equal({
      type: 'turn-ended',
      startMs: 1000,
      speechMs: 2100,
      endOfSpeechMs: 3100,
      endpointingMs: 550,
    });
  });

  it('ends it once, and has nothing to decide then', () => {
    const turns = detector();
    speak(turns, 0, 500);
    expect(waitFrom(turns, 500)?.nowMs).to.equal(1050);
    expect(turns.nextDeadlineMs).to.equal(Infinity);
    expect(waitFrom(turns, 1050)).to.equal(undefined);
  });

  it('decides nothing before anybody has spoken', () => {
    const turns = detector();
    expect(turns.nextDeadlineMs).to.equal(Infinity);
    expect(turns.poll(1e9)).to.equal(undefined);
  });

  it('waits for speech that goes on', () => {
    const turns = detector();
    speak(turns, 0, 500);
    expect(turns.poll(1040)).to.equal(undefined);
    turns.speechActive(1030, 1045);
    expect(turns.poll(1050)).to.equal(undefined);
    expect(waitFrom(turns, 1050)).to.include({ nowMs: 1580, speechMs: 1030 });
  });

  it('is told of the same last speech again and again while it is silent', () => {
    const turns = detector();
    speak(turns, 0, 500);
    for (let nowMs = 532; nowMs < 1050; nowMs += WINDOW_MS) turns.speechActive(500, nowMs);
    expect(turns.nextDeadlineMs).to.equal(1050);
  });

  describe('delays count from the last speech and the largest wins', () => {
    const delays = [
      [{ speechEndMs: 550, minimumDelayMs: 300, maximumDelayMs: 2500 }, 550],
      [{ speechEndMs: 250, minimumDelayMs: 300, maximumDelayMs: 2500 }, 300],
      [{ speechEndMs: 550, minimumDelayMs: 900, maximumDelayMs: 2500 }, 900],
      [{ speechEndMs: 3000, minimumDelayMs: 300, maximumDelayMs: 2500 }, 2500],
    ] as const;
    for (const [options, delayMs] of delays) {
      it(`${JSON.stringify(options)}: ${delayMs} ms`, () => {
        const turns = detector(options);
        speak(turns, 0, 500);
        expect(waitFrom(turns, 500)).to.include({ nowMs: 500 + delayMs, endpointingMs: delayMs });
      });
    }
  });

  it('takes speech that starts again before the end as the same turn, less the pause', () => {
    const turns = detector({ speechEndMs: 300, minimumDelayMs: 1500 });
    speak(turns, 1000, 2000);
    expect(waitFrom(turns, 2000, 2800)).to.equal(undefined);
    speak(turns, 2800, 3000);
    expect(waitFrom(turns, 3000)).to.include({ startMs: 1000, speechMs: 1200, endOfSpeechMs: 3000 });
  });

  it('counts the next turn for itself', () => {
    const turns = detector();
    speak(turns, 0, 1000);
    waitFrom(turns, 1000);
    speak(turns, 5000, 5200);
    expect(waitFrom(turns, 5200)).to.include({ startMs: 5000, speechMs: 200 });
  });

  it('loses no speech that is told of after its turn has ended by the clock', () => {
    const turns = detector();
    speak(turns, 0, 500);
    expect(waitFrom(turns, 500)?.nowMs).to.equal(1050);
    // Captured before the end, judged after it; the speech detector never saw a pause.
    turns.speechActive(500, 1051);
    expect(turns.nextDeadlineMs).to.equal(Infinity);
    for (let ms = 1048; ms <= 1400; ms += WINDOW_MS) turns.speechActive(ms, ms + 10);
    expect(waitFrom(turns, 1400)).to.include({ startMs: 1016, endOfSpeechMs: 1400 });
  });

  describe('when the microphone is turned off', () => {
    it('ends the turn at once', () => {
      const turns = detector();
      speak(turns, 0, 500);
      turns.mute();
      expect(turns.nextDeadlineMs).to.be.below(510);
      expect(turns.poll(510)).to.include({ speechMs: 500, endpointingMs: 10 });
    });

    it('begins none for speech that was still on its way', () => {
      const turns = detector();
      speak(turns, 0, 500);
      turns.mute();
      turns.poll(510);
      turns.speechActive(508, 530);
      expect(turns.nextDeadlineMs).to.equal(Infinity);
    });

    it('hears the next words when it is on again', () => {
      const turns = detector();
      speak(turns, 0, 500);
      turns.mute();
      turns.poll(510);
      for (let ms = 700; ms <= 900; ms += 20) turns.speechActive(ms, ms + 20);
      expect(waitFrom(turns, 920)).to.include({ startMs: 668, endOfSpeechMs: 900 });
    });

    it('ends nothing where nothing runs', () => {
      const turns = detector();
      turns.mute();
      expect(turns.poll(0)).to.equal(undefined);
      speak(turns, 0, 500);
      expect(turns.poll(501)).to.equal(undefined);
    });
  });

  describe('after the thread has stood still', () => {
    it('hears first what the caller said meanwhile', () => {
      const turns = detector();
      speak(turns, 0, 500);
      // A second later the timers run before the packets are read.
      expect(turns.poll(1500)).to.equal(undefined);
      for (let ms = 532; ms <= 1500; ms += WINDOW_MS) turns.speechActive(ms, 1502);
      expect(waitFrom(turns, 1505)).to.include({ startMs: 0, endOfSpeechMs: 1492, nowMs: 2045 });
    });

    it('ends the turn soon after, if the caller said nothing', () => {
      const turns = detector();
      speak(turns, 0, 500);
      expect(turns.poll(6000)).to.equal(undefined);
      expect(waitFrom(turns, 6005)).to.include({ nowMs: 6060, endpointingMs: 5560 });
    });

    it('hears the caller first after every stall', () => {
      const turns = detector();
      speak(turns, 0, 500);
      expect(turns.poll(1500)).to.equal(undefined);
      turns.speechActive(1490, 1502);
      expect(turns.poll(3000)).to.equal(undefined);
      turns.speechActive(2990, 3002);
      expect(waitFrom(turns, 3005)).to.include({ startMs: 0, endOfSpeechMs: 2990 });
    });

    it('waits no second time when it stalls without a word in between', () => {
      const turns = detector();
      speak(turns, 0, 500);
      expect(turns.poll(6000)).to.equal(undefined);
      expect(turns.poll(9000)).to.include({ endOfSpeechMs: 500 });
    });
  });

  it('gives every stretch of speech exactly one turn, in order', () => {
    const stretch = fc.record({
      pauseMs: fc.integer({ min: 1, max: 3000 }),
      speechMs: fc.integer({ min: 96, max: 4000 }),
    });
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 12 }), (stretches) => {
        const turns = detector();
        const ended: { startMs: number; speechMs: number; endOfSpeechMs: number }[] = [];
        let nowMs = 0;
        let spokenMs = 0;
        for (const { pauseMs, speechMs } of stretches) {
          const turn = waitFrom(turns, nowMs, nowMs + pauseMs);
          if (turn) ended.push(turn);
          nowMs += pauseMs;
          speak(turns, nowMs, nowMs + speechMs);
          nowMs += speechMs;
          spokenMs += speechMs;
        }
        ended.push(waitFrom(turns, nowMs)!);
        expect(ended.reduce((sum, turn) => sum + turn.speechMs, 0)).to.equal(spokenMs);
        for (const [index, turn] of ended.entries()) {
          expect(turn.endOfSpeechMs).to.be.above(turn.startMs);
          if (index > 0) expect(turn.startMs).to.be.above(ended[index - 1]!.endOfSpeechMs);
        }
      }),
    );
  });
});
