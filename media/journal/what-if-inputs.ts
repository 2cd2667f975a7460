/** What came from outside in the call of a journal: the caller's windows and words, and what the page did. Pure. */
import type { WordsKind } from '../turn/words.ts';
import type { ConversationEvent } from '../conversation/conversation-events.ts';
import type { ReadJournal } from './journal-line.ts';
import { isPartName, type PartInput, type PartName } from './journal-parts.ts';
import type { SpeechToTextEvent } from '../providers/provider.ts';

export type RecogniserEvent = Exclude<SpeechToTextEvent, { type: 'error' }>;

/** At a time of the worker's clock, in ms. */
export type OutsideInput = { atMs: number } & (
  | { do: 'window'; probability: number; endMs: number; soundUntilMs: number | undefined }
  | { do: 'recognise'; event: RecogniserEvent }
  /** The words that came with that, by what they mean for the agent's voice. */
  | { do: 'words'; kind: WordsKind | 'echo' }
  | { do: 'tell'; event: ConversationEvent }
  | { do: 'mute' }
);

/** Events of the conversation that come from outside; all others follow from decisions. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set([
  'client-ready',
  'client-gone',
  'typed',
  'volunteer',
  'hand-over',
  'user-text',
]);

/** In order. */
export function outsideInputs({ lines }: ReadJournal): OutsideInput[] {
  // Journals of former versions have late words only as the conversation was told of them.
  const tellsLate = lines.some((line) => 'part' in line && line.part === 'text' && line.call === 'late');
  return lines.flatMap((line): OutsideInput[] => {
    if (!('part' in line)) return [];
    const { part, call, t: atMs, with: told } = line;
    switch (`${part}.${call}`) {
      case 'speech.push': {
        // Journals of former versions do not have where the sound ends.
        const [probability, endMs, soundUntilMs] = told as [number, number, number | undefined];
        return [{ do: 'window', atMs, probability, endMs, soundUntilMs }];
      }
      case 'text.note':
        return [{ do: 'recognise', atMs, event: told[0] as RecogniserEvent }];
      case 'text.late':
        return [{ do: 'recognise', atMs, event: { type: 'final', text: told[0] as string } }];
      case 'bargeIn.words':
        return [{ do: 'words', atMs, kind: told[0] as WordsKind | 'echo' }];
      case 'turns.mute':
        return [{ do: 'mute', atMs }];
      case 'conversation.handle':
        return fromConversation(told[0] as ConversationEvent, tellsLate, atMs);
      default:
        return [];
    }
  });
}

function fromConversation(event: ConversationEvent, tellsLate: boolean, atMs: number): OutsideInput[] {
  // With another end of the turn they may have been in time.
  if (event.type === 'late-words' && tellsLate) return [];
  if (event.type === 'late-words') return [{ do: 'recognise', atMs, event: { type: 'final', text: event.text } }];
  const outside = FROM_OUTSIDE.has(event.type) || (event.type === 'cut-in' && event.onsetMs === undefined);
  return outside ? [{ do: 'tell', atMs, event }] : [];
}

/** What a part began with; undefined where the call had none. */
export function inputOf<Name extends PartName>({ lines }: ReadJournal, name: Name): PartInput<Name> | undefined {
  for (const line of lines) {
    if ('new' in line && line.new === name && isPartName(name)) return line.with as PartInput<Name>;
  }
  return undefined;
}
