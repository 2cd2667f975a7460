/** The log: JSON lines for machines, and short lines for people where the output is a terminal. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { LogLevel } from './config.ts';

export type LogOptions = {
  level: LogLevel;
  /** Where lines go. Default: standard output. */
  destination?: NodeJS.WritableStream & { isTTY?: boolean };
};

export const createLog = ({ level, destination = process.stdout }: LogOptions): Logger => {
  const stream: DestinationStream = destination.isTTY
    ? { write: (line) => void destination.write(humanLine(line)) }
    : destination;
  // Belt and braces: nothing logs these on purpose.
  const redact = ['token', '*.token', 'authorization', '*.authorization', 'req.headers', 'secret', '*.secret'];
  return pino({ level, redact, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
};

const COLOURS: Record<string, [label: string, colour: number]> = {
  10: ['trace', 90],
  20: ['debug', 90],
  30: ['info ', 32],
  40: ['warn ', 33],
  50: ['error', 31],
  60: ['fatal', 31],
};

/** `12:03:04 info  message key=value`, with an error's stack below. */
export const humanLine = (line: string): string => {
  const { level, time, msg, err, ...details } = JSON.parse(line) as Record<string, unknown>;
  const [label, colour] = COLOURS[String(level)] ?? ['?    ', 0];
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const rest = Object.entries(details).map(([key, value]) => ` ${key}=${inline(value)}`);
  const stack = isError(err) ? `\n${(err.stack ?? err.message).split('\n').map(inert).join('\n')}` : '';
  return `\u001b[90m${clock}\u001b[0m \u001b[${colour}m${label}\u001b[0m ${typeof msg === 'string' ? inert(msg) : ''}${rest.join('')}${stack}\n`;
};

/** What a terminal would take for an order, or for a line of its own. */
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

/** Some of it comes from whoever asks: that must neither pass for another line, nor change the terminal. */
const inert = (text: string): string =>
  text.replace(CONTROL, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);

const inline = (value: unknown): string => inert(typeof value === 'string' ? value : JSON.stringify(value));

const isError = (value: unknown): value is { message: string; stack?: string } =>
  typeof value === 'object' && value !== null && 'message' in value;
