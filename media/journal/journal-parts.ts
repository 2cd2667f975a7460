/**
 * The parts of a call that decide, made so that a journal can have what they were told and decided, and so that the same
 * can be told them again. All of them are pure: what is not in their input, they do not know.
 */
import type { EndpointingOptions, InterruptionOptions, PreemptiveGenerationOptions } from '../agent/agent.ts';
import { BargeIn } from '../turn/barge-in.ts';
import type { ConversationSnapshot, ReplyProgress } from '../conversation/conversation-events.ts';
import type { Course } from '../conversation/conversation-restore.ts';
import { Conversation } from '../conversation/conversation.ts';
import { Idle, type IdleOptions, type IdleSnapshot } from '../conversation/idle.ts';
import type { JournalLine } from './journal-line.ts';
import type { Texts } from '../languages/language.ts';
import { SessionLimit, type SessionLimitOptions } from '../conversation/session-limit.ts';
import { SpeechDetector } from '../vad/speech-detector.ts';
import { Speculation } from '../turn/speculation.ts';
import { TurnDetector } from '../turn/turn-detector.ts';
import { TurnText, type TurnTextOptions } from '../turn/turn-text.ts';

/** From its input, which is plain data, and what it asks for while it decides. */
const MAKERS = {
  speech: (options: EndpointingOptions) => new SpeechDetector(options),
  turns: ({ endpointing, awaitsWords }: TurnsInput) => new TurnDetector(endpointing, { awaitsWords }),
  text: (options: TurnTextOptions) => new TurnText(options),
  speculation: (options: PreemptiveGenerationOptions) => new Speculation(options),
  bargeIn: ({ interruption, recogniser }: BargeInInput) => new BargeIn(interruption, { recogniser }),
  conversation: ({ restore, course, recovers, texts }: ConversationInput, progress: () => ReplyProgress) =>
    restore
      ? Conversation.restore(restore, progress, course, recovers, texts)
      : new Conversation(progress, recovers, texts),
  idle: ({ from, ...options }: IdleInput) => new Idle(options, from),
  limit: ({ warned, ...options }: LimitInput) => new SessionLimit(options, warned),
};

type TurnsInput = { endpointing: EndpointingOptions; awaitsWords: boolean };
type BargeInInput = { interruption: InterruptionOptions; recogniser: boolean };
type ConversationInput = {
  restore?: ConversationSnapshot | undefined;
  course?: Course | undefined;
  recovers: boolean;
  texts?: Texts | undefined;
};
type IdleInput = IdleOptions & { from?: IdleSnapshot | undefined };
type LimitInput = SessionLimitOptions & { warned: boolean };
export type PartName = keyof typeof MAKERS;
export type PartInput<Name extends PartName> = Parameters<(typeof MAKERS)[Name]>[0];
export type Part<Name extends PartName> = ReturnType<(typeof MAKERS)[Name]>;
type Ask = () => unknown;

/** Questions to a part, which change nothing in it. */
const QUESTIONS: ReadonlySet<string> = new Set(['snapshot', 'dueMs']);
const NAMES: ReadonlySet<string> = new Set(Object.keys(MAKERS));

export function isPartName(name: string): name is PartName {
  return NAMES.has(name);
}

/** @param ask what the part asks for, where it asks for something */
export function makePart<Name extends PartName>(name: Name, input: PartInput<Name>, ask?: Ask): Part<Name> {
  const make = MAKERS[name] as (from: PartInput<Name>, answer: Ask | undefined) => Part<Name>;
  return make(input, ask);
}

/** As `makePart`, with everything noted that it is told from now on. Without a journal it is the part itself. */
export function journaledPart<Name extends PartName>(
  journal: { note: (line: JournalLine) => void } | undefined,
  name: Name,
  input: PartInput<Name>,
  ask?: Ask,
): Part<Name> {
  if (!journal) return makePart(name, input, ask);
  journal.note({ new: name, with: input });
  let asked: unknown[] | undefined;
  const noting = ask && (() => noted(asked, ask()));
  const part = makePart(name, input, noting);
  const tell =
    (call: string, method: (...told: unknown[]) => unknown) =>
    (...told: unknown[]): unknown => {
      const questions: unknown[] = (asked = []);
      const gives = method.apply(part, told);
      asked = undefined;
      journal.note({ part: name, call, with: told, ...(questions.length > 0 && { asked: questions }), gives });
      return gives;
    };
  return new Proxy(part, {
    get: (target, property) => {
      // Private fields belong to the part, not to what stands before it.
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value as (...told: unknown[]) => unknown;
      if (typeof property === 'symbol' || QUESTIONS.has(property)) return method.bind(target);
      return tell(property, method);
    },
  });
}

function noted(list: unknown[] | undefined, answer: unknown): unknown {
  list?.push(answer);
  return answer;
}
