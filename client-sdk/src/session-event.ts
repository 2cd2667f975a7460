import type { Sequenced, SessionEventName, SessionEvents } from '../../signalling/protocol.ts';
import type { ParleyEvents } from './client-events.ts';
import type { AgentActivity } from './types.ts';

type Incoming<Name extends SessionEventName> = { name: Name; payload: SessionEvents[Name] & Sequenced };
/** Any event of the session as it comes from the server, told apart by its name. */
export type SessionEvent = { [Name in SessionEventName]: Incoming<Name> }[SessionEventName];

/** All that a server may send of a session. */
export const sessionEventNames = [
  'agent-state',
  'speech',
  'turn',
  'decision',
  'tool-call',
  'tool-cancel',
  'text',
  'transcript',
  'move',
  'queued',
  'ended',
  'problem',
] as const satisfies SessionEventName[];

type Emission<Name extends keyof ParleyEvents> = { name: Name; payload: ParleyEvents[Name] };
/** Any event for the application. */
export type ClientEmission = { [Name in keyof ParleyEvents]: Emission<Name> }[keyof ParleyEvents];

/** Turns what the server tells of the conversation into the events of the SDK. */
export class ConversationEvents {
  #activity: AgentActivity = 'listening';

  /** @returns what to emit, in order; nothing for events that are not about the conversation */
  translate(event: SessionEvent): ClientEmission[] {
    switch (event.name) {
      case 'speech': {
        const { turnId, atMs } = event.payload;
        const name = event.payload.speaking ? 'userStartedSpeaking' : 'userStoppedSpeaking';
        return [{ name, payload: { turnId, atMs } }];
      }
      case 'agent-state':
        return this.#agentState(event.payload);
      case 'turn':
        return [{ name: 'turn', payload: withoutPosition(event.payload) }];
      case 'decision':
        return [{ name: 'decision', payload: withoutPosition(event.payload) }];
      case 'text':
        return [{ name: 'text', payload: withoutPosition(event.payload) }];
      case 'transcript':
        return [{ name: 'transcript', payload: withoutPosition(event.payload) }];
      case 'queued':
        return [{ name: 'queued', payload: { position: event.payload.position } }];
      default:
        return [];
    }
  }

  #agentState(event: SessionEvents['agent-state'] & Sequenced): ClientEmission[] {
    const before = this.#activity;
    this.#activity = event.state;
    const emissions: ClientEmission[] = [{ name: 'agentState', payload: withoutPosition(event) }];
    const { turnId, atMs } = event;
    if (before !== 'speaking' && event.state === 'speaking') {
      emissions.push({ name: 'agentStartedSpeaking', payload: { turnId, atMs } });
    }
    if (before === 'speaking' && event.state !== 'speaking') {
      emissions.push({ name: 'agentStoppedSpeaking', payload: { turnId, atMs } });
    }
    return emissions;
  }
}

/** Epoch and sequence number are between the SDK and the server. */
function withoutPosition<Payload extends Sequenced>(payload: Payload): Omit<Payload, keyof Sequenced> {
  const { epoch: _epoch, seq: _seq, ...rest } = payload;
  return rest;
}
