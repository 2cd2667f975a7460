/** A call whose pod fails, and what must hold of it once another one leads it. */
import { expect } from 'chai';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import { FleetCall, type FleetCallOptions } from './fleet-call.ts';
import type { Fleet } from './fleet.ts';
import { opusSpeech } from './opus-speech.ts';

const GREETING = 'Hello there.';
const FIRST_WORDS = 'First things first.';
const SENTENCES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'].map((n) => `This is line number ${n}.`);
const PATIENCE_MS = 30_000;

export class LedCall {
  readonly call: FleetCall;
  /** Of the pod that led it at first. */
  readonly epoch: number;
  #told: TranscriptEntry[] = [];

  private constructor(call: FleetCall) {
    this.call = call;
    this.epoch = call.caller.epoch;
  }

  /** A call whose agent has greeted and said something. */
  static async begin(fleet: Fleet, options: Omit<FleetCallOptions, 'session'>): Promise<LedCall> {
    const call = await FleetCall.open(fleet, { ...options, session: { overrides: { greeting: GREETING } } });
    await call.greeted();
    await call.haveRead(FIRST_WORDS);
    await call.listens();
    return new LedCall(call);
  }

  /** Has the agent read seven sentences. Resolves with the first packet of them. */
  async readText(): Promise<void> {
    await this.call.haveRead(SENTENCES.join(' '));
  }

  /** The lines told of so far must not be lost. */
  remember(): void {
    this.#told = this.call.told;
  }

  async goesOn(): Promise<void> {
    await this.call.whenLedAgain(this.epoch);
  }

  async #agentLines(): Promise<TranscriptEntry[]> {
    return (await this.call.transcript()).filter(({ role }) => role === 'agent');
  }

  /** What was told of is kept, nothing is said or answered twice, and one owner alone was ever heard. */
  async hasLostNothing(): Promise<void> {
    const nameOf = ({ role, turnId, text }: TranscriptEntry) => `${role} ${turnId}: ${text}`;
    const kept = (await this.call.transcript()).map(nameOf);
    expect(kept, 'lines that are kept').to.include.members(this.#told.map(nameOf));
    const lines = await this.#agentLines();
    const greetings = lines.filter(({ text }) => text.startsWith('Hello'));
    expect(greetings, 'greetings').to.have.lengthOf(1);
    const answers = lines.filter(({ text }) => text.includes(FIRST_WORDS));
    expect(answers, 'answers').to.have.lengthOf(1);
    const turns = lines.map(({ turnId }) => turnId);
    expect(turns).to.deep.equal([...new Set(turns)]);
    expect(this.call.caller.heard.fromFormerOwners, 'packets of a former owner').to.deep.equal([]);
  }

  /** It was in the midst of a sentence: that one is said again, those before are not, those after are not left out. */
  async finishesText(): Promise<void> {
    const { call, epoch } = this;
    const heardBefore = call.textBefore(epoch);
    const again = await call.caller.event('transcript', { final: false, epoch: call.caller.epoch }, 0, PATIENCE_MS);
    await call.listens(again.atMs);
    const reached = SENTENCES.findLastIndex((sentence) => heardBefore.endsWith(sentence));
    const { text: begun } = again.data as { text: string };
    const begunAt = SENTENCES.findIndex((sentence) => begun.startsWith(sentence));
    expect(begunAt, `said again after "${heardBefore}"`).to.be.within(reached - 1, reached);
    const said = (await this.#agentLines()).map(({ text }) => text).join(' ');
    const times = SENTENCES.map((sentence) => said.split(sentence).length - 1);
    expect(times, said).to.deep.equal(SENTENCES.map(() => 1));
  }

  async isHeardAndAnswered(): Promise<void> {
    const { caller } = this.call;
    const askedMs = performance.now();
    await caller.voice.say(await opusSpeech('Can you hear me again?'));
    const turn = await caller.event('turn', {}, askedMs, PATIENCE_MS);
    const answer = await caller.event('agent-state', { state: 'speaking' }, turn.atMs, PATIENCE_MS);
    await this.call.listens(answer.atMs);
    expect(caller.heard.voiceMs(answer.atMs), 'ms heard of the answer').to.be.above(700);
    expect(caller.heard.epochAt(performance.now())).to.equal(caller.epoch);
  }
}
