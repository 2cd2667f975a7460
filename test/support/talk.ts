/** A conversation as a test leads it: events in, what it ordered and told out. */
import type { CallEvent } from '../../media/conversation/call-events.ts';
import type {
  ConversationEvent,
  ConversationSnapshot,
  EndedBy,
  ReplyProgress,
  ReplyRequest,
} from '../../media/conversation/conversation-events.ts';
import { Conversation } from '../../media/conversation/conversation.ts';

type StateEvent = Extract<CallEvent, { name: 'agent-state' }>['data'];

/** A conversation and what it has ordered and told. Times go on by 10 ms with each event. */
export class Talk {
  conversation: Conversation;
  progress: ReplyProgress = { heard: '', unheard: '' };
  readonly requests: ReplyRequest[] = [];
  readonly events: CallEvent[] = [];
  readonly ended: EndedBy[] = [];
  aborts = 0;
  nowMs = 0;

  /** @param snapshot what it goes on from */
  constructor(snapshot?: ConversationSnapshot) {
    const progress = () => this.progress;
    this.conversation = snapshot ? Conversation.restore(snapshot, progress) : new Conversation(progress);
  }

  tell(...events: ConversationEvent[]): this {
    for (const event of events) {
      this.nowMs += 10;
      for (const effect of this.conversation.handle(event, this.nowMs)) {
        if (effect.type === 'emit') this.events.push(effect.event);
        else if (effect.type === 'reply') this.requests.push(effect.request);
        else if (effect.type === 'end') this.ended.push(effect.reason);
        else this.aborts++;
      }
    }
    return this;
  }

  get request(): ReplyRequest | undefined {
    return this.requests.at(-1);
  }

  get state(): StateEvent {
    return this.told('agent-state').at(-1)!;
  }

  told<Name extends CallEvent['name']>(name: Name): Extract<CallEvent, { name: Name }>['data'][] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data as never);
  }
}

export const turn = (startMs: number, speechMs = 1000): ConversationEvent => ({
  type: 'turn-ended',
  turn: { startMs, speechMs, endOfSpeechMs: startMs + speechMs, endpointingMs: 550 },
});
export const ready: ConversationEvent = { type: 'client-ready' };
export const gone: ConversationEvent = { type: 'client-gone' };
export const audible: ConversationEvent = { type: 'reply-audible' };
export const finished: ConversationEvent = { type: 'reply-finished', text: 'All of it.' };
export const silent: ConversationEvent = { type: 'silent' };
export const started: ConversationEvent = { type: 'speech-started', startMs: 5 };
export const stopped: ConversationEvent = { type: 'speech-stopped' };
export const paused: ConversationEvent = { type: 'output', output: 'paused' };
export const typed = (text: string): ConversationEvent => ({ type: 'typed', text });
export const cutIn = (onsetMs?: number): ConversationEvent => ({
  type: 'cut-in',
  ...(onsetMs !== undefined && { onsetMs }),
});

/** The caller has heard the greeting. */
export const greeted = () => new Talk().tell(ready, audible, finished);

/** The agent answers the caller's first turn, and is heard. */
export const answering = () => greeted().tell(started, stopped, turn(5), audible);
