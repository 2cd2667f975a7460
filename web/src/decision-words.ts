import type { Decision } from '../../client-sdk/src/types.ts';
import { duration } from './durations.ts';

/** What was done, in a word or three, and why. */
export type DecisionWords = { what: string; why: string };

type Tell = (decision: Decision) => DecisionWords;

/** @returns the name of what was decided where nothing better is known: servers may be newer than the page */
export function wordsOfDecision(decision: Decision): DecisionWords {
  return (tellers[decision.decision] ?? unknown)(decision);
}

const tellers: Readonly<Record<string, Tell>> = {
  endpoint: (decision) => ({ what: 'Your turn is over', why: endpointWhy(decision) }),
  hold: () => ({ what: 'Holds its answer back', why: 'you went on speaking' }),
  release: (decision) => ({ what: 'Releases its answer', why: silence(decision) }),
  duck: (decision) => ({ what: 'Lowers its voice', why: speech(decision) }),
  unduck: (decision) => ({ what: 'Full voice again', why: silence(decision) }),
  pause: (decision) => ({ what: 'Pauses', why: speech(decision) }),
  resume: (decision) => ({ what: 'Goes on', why: silence(decision) }),
  interrupt: (decision) => ({ what: 'Gives you the floor', why: speech(decision) }),
  veto: () => ({ what: 'Recognises its echo', why: 'the words were its own, back through your microphone' }),
  ignore: ({ reason }) => ({
    what: 'Lets that pass',
    why: whyOf(reason, { 'late words': 'the words came late, and were no reason to stop' }),
  }),
  speculate: ({ reason }) => ({ what: 'Begins an answer early', why: whyOf(reason, beginnings) }),
  use: ({ inputs }) => ({ what: 'Uses the early answer', why: `you had said just that${ahead(inputs['aheadMs'])}` }),
  discard: ({ reason }) => ({ what: 'Discards the early answer', why: whyOf(reason, discards) }),
  tool: ({ reason, inputs }) => ({ what: `Uses the tool “${reason}”`, why: toolWhy(inputs) }),
  failover: ({ reason, inputs }) => ({
    what: `Switches to another ${stages[reason] ?? reason}`,
    why: failoverWhy(inputs),
  }),
  bridge: () => ({ what: 'Bridges the silence', why: 'the answer kept you waiting' }),
  restart: ({ inputs }) => ({ what: 'Tries again', why: `there was no answer${after(inputs['waitedMs'])}` }),
  apologise: ({ inputs }) => ({ what: 'Apologises', why: `there was no answer${after(inputs['waitedMs'])}` }),
  summarise: ({ reason }) => ({
    what: 'Sums up what was said',
    why: whyOf(reason, { long: 'the conversation has grown long', failed: 'it failed, and is tried again later' }),
  }),
  idle: ({ reason, inputs }) => ({
    what: reason === 'end' ? 'Ends the call' : 'Asks whether you are there',
    why: `nobody had said anything${lasting(inputs['quietMs'])}`,
  }),
  limit: ({ reason }) => ({
    what: reason === 'warn' ? 'Announces that time is short' : 'Ends the call',
    why: reason === 'warn' ? 'the call is close to its time limit' : 'the call reached its time limit',
  }),
};

const unknown: Tell = ({ decision, reason }) => ({ what: capital(decision), why: reason });

const stages: Readonly<Record<string, string>> = {
  'speech-to-text': 'recogniser',
  'language-model': 'language model',
  'text-to-speech': 'voice',
};

/** Why an answer was begun before the turn was over. */
const beginnings: Readonly<Record<string, string>> = {
  'eager end': 'the recogniser expected you to finish',
  'final words': 'your words were final',
  'stable words': 'your words had not changed for a while',
};

const discards: Readonly<Record<string, string>> = {
  words: 'you said something else',
  speech: 'you went on',
  resumed: 'the recogniser heard you go on',
  failed: 'it failed, or there was no capacity to spare',
  unanswered: 'there was nothing to answer',
};

function whyOf(reason: string, known: Readonly<Record<string, string>>): string {
  return known[reason] ?? reason;
}

function ahead(ms: unknown): string {
  return typeof ms === 'number' ? `; it was ${duration(ms)} ahead` : '';
}

function lasting(ms: unknown): string {
  return typeof ms === 'number' ? ` for ${duration(ms)}` : '';
}

function endpointWhy({ reason, inputs }: Decision): string {
  const waited = inputs['endpointingMs'];
  const forSoLong = lasting(waited);
  const whys: Record<string, string> = {
    pause: `you were silent${forSoLong}`,
    sentence: `the sentence was complete, and you were silent${forSoLong}`,
    vendor: `the recogniser considered it over, and you were silent${forSoLong}`,
    unfinished: `the sentence seemed to go on, but you were silent${forSoLong}`,
    reading: `you were reading out digits or letters, so it waited${forSoLong}`,
    unsettled: `the recogniser was not done, so it waited${forSoLong}`,
  };
  return whys[reason] ?? reason;
}

function speech({ reason, inputs }: Decision): string {
  const said: Record<string, string> = {
    stop: 'you told it to stop',
    other: 'you had something to say',
    beginning: 'you began to say something',
    backchannel: 'you said “mm-hm” or the like',
  };
  const kind = inputs['words'];
  if (typeof kind === 'string' && said[kind]) return said[kind];
  const ms = inputs['speechMs'];
  if (typeof ms === 'number') return `you had spoken for ${duration(ms)}`;
  return reason === 'words' ? 'because of your words' : 'you were speaking';
}

function silence({ inputs }: Decision): string {
  const ms = inputs['silenceMs'];
  if (typeof ms === 'number') return `you were silent again for ${duration(ms)}`;
  return 'you were silent again';
}

function toolWhy({ tookMs, error }: Decision['inputs']): string {
  const took = typeof tookMs === 'number' ? duration(tookMs) : '';
  if (error !== undefined) return `it failed${took && ` after ${took}`} (${plain(String(error))})`;
  return took ? `it took ${took}` : 'the model asked for it';
}

function failoverWhy({ provider, code, afterMs, waitedMs }: Decision['inputs']): string {
  const who = provider === undefined ? 'the previous one' : String(provider);
  const how = code === undefined ? 'failed' : plain(String(code));
  return `${who}: ${how}${after(afterMs ?? waitedMs)}`;
}

function after(ms: unknown): string {
  return typeof ms === 'number' && ms > 0 ? ` after ${duration(ms)}` : '';
}

/** Codes are words joined by marks: `first_result_timed_out`. */
function plain(code: string): string {
  return code.replace(/[_-]/g, ' ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
