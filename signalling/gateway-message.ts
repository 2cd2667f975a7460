/** One inbound message from the wire, checked and given its type. Nothing behind this parses again. */
import { SignallingFailure } from './errors.ts';
import { requestSchemas } from './protocol.ts';
import type { Request, RequestName } from './protocol.ts';

/** Largest message, in bytes of text as the client would send it. The largest honest one, `join`, has about 5 KiB. */
export const MAX_MESSAGE_BYTES = 65_536;

/** A parsed request, its payload typed by its name. */
export type ParsedRequest = { [Name in RequestName]: { name: Name; request: Request<Name> } }[RequestName];

export type Acknowledge = (ack: unknown) => void;

const isRequestName = (name: unknown): name is RequestName =>
  typeof name === 'string' && Object.hasOwn(requestSchemas, name);

/** Takes the client's acknowledgement callback off the arguments of an event, where there is one. */
export const splitAcknowledge = (args: unknown[]): { payloads: unknown[]; acknowledge: Acknowledge | undefined } => {
  const last = args.at(-1);
  if (typeof last !== 'function') return { payloads: args, acknowledge: undefined };
  return { payloads: args.slice(0, -1), acknowledge: last as Acknowledge };
};

/**
 * Checks one event. `payloads` are its arguments without the callback: one, or none for requests that carry nothing.
 * @throws {SignallingFailure} `unknown_event`, `message_too_large` or `invalid_message`, saying which field is wrong.
 */
export const parseMessage = (name: unknown, payloads: unknown[]): ParsedRequest => {
  if (isLargerThan(payloads, MAX_MESSAGE_BYTES)) throw new SignallingFailure('message_too_large');
  if (!isRequestName(name)) throw new SignallingFailure('unknown_event');
  if (payloads.length > 1) throw new SignallingFailure('invalid_message', 'A request carries one object.');
  const parsed = requestSchemas[name].safeParse(payloads[0] ?? {});
  if (!parsed.success) throw new SignallingFailure('invalid_message', describe(parsed.error.issues));
  return { name, request: parsed.data } as ParsedRequest;
};

/** The first problem in words; names of fields and what they should be, never the values that came. */
const describe = (issues: readonly { path: PropertyKey[]; message: string }[]): string => {
  const [first] = issues;
  if (first === undefined) return 'The message is not valid.';
  const field = first.path.map(String).join('.').slice(0, 100);
  return `${field === '' ? 'message' : field}: ${first.message}`.slice(0, 300);
};

/**
 * Whether a value has more than `limit` bytes as JSON, about: strings by length, everything else flat. Walks with its own
 * stack and stops early, so that neither depth nor size can hurt.
 */
const isLargerThan = (value: unknown, limit: number): boolean => {
  const pending: unknown[] = [value];
  let bytes = 0;
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === 'string') bytes += Buffer.byteLength(next) + 2;
    else if (ArrayBuffer.isView(next)) bytes += next.byteLength;
    else if (Array.isArray(next)) for (const item of next) pending.push(item);
    else if (typeof next === 'object' && next !== null) {
      for (const [key, item] of Object.entries(next)) {
        bytes += key.length + 4;
        pending.push(item);
      }
    }
    bytes += 2;
    if (bytes > limit || pending.length > limit) return true;
  }
  return false;
};
