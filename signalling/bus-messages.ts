/** What travels on the bus, as JSON. Whatever can reach Redis can write there, so all of it is checked on arrival. */
import { SignallingFailure } from './errors.ts';

export type BusRequest = {
  type: 'request';
  /** The same for every time that it is sent. */
  id: string;
  from: string;
  name: string;
  payload?: unknown;
  /** For how much longer the asker waits, in ms: clocks of different machines are not compared. */
  timeoutMs: number;
};

export type BusReply = { type: 'reply'; id: string; from: string } & (
  { ok: true; answer?: unknown } | { ok: false; code: string }
);

/** The asker no longer waits. */
export type BusCancel = { type: 'cancel'; id: string; from: string };

export type BusTell = { type: 'tell'; from: string; name: string; payload?: unknown };

export type BusMessage = BusRequest | BusReply | BusCancel | BusTell;

/**
 * Characters of one message. The largest that the project sends is the state of a call that moves: some 100 KB. A larger
 * limit lets one message hold up all others on the connection; a smaller one would cut long conversations off from moving.
 */
export const MAX_MESSAGE_LENGTH = 1_048_576;

const MAX_NAME_LENGTH = 256;
/** Longer than anybody waits for anything, and short enough for a timer. */
const MAX_TIMEOUT_MS = 600_000;

/**
 * @throws {SignallingFailure} `message_too_large`
 * @throws {TypeError} for what cannot be written as JSON
 */
export const encodeBusMessage = (message: BusMessage): string => {
  const text = JSON.stringify(message);
  if (text.length > MAX_MESSAGE_LENGTH) {
    throw new SignallingFailure('message_too_large', `A message to another pod has ${text.length} characters.`);
  }
  return text;
};

/** @returns undefined for what is no message of ours, or is too large */
export const parseBusMessage = (text: string): BusMessage | undefined => {
  if (text.length > MAX_MESSAGE_LENGTH) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON, so not ours.
    return undefined;
  }
  return isBusMessage(value) ? value : undefined;
};

const isBusMessage = (value: unknown): value is BusMessage => {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  if (!isName(fields['from'])) return false;
  switch (fields['type']) {
    case 'request':
      return isName(fields['id']) && isName(fields['name']) && isTimeout(fields['timeoutMs']);
    case 'reply':
      return isName(fields['id']) && (fields['ok'] === true || (fields['ok'] === false && isName(fields['code'])));
    case 'cancel':
      return isName(fields['id']);
    case 'tell':
      return isName(fields['name']);
    default:
      return false;
  }
};

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH;

const isTimeout = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= MAX_TIMEOUT_MS;
