import { ParleyClient, ParleyError } from './sdk.ts';
import type { ParleyEvents } from '../../client-sdk/src/index.ts';
import type { ConversationModel } from './conversation-model.ts';
import type { SessionClock } from './session-clock.ts';
import { requestSession } from './session-request.ts';
import type { Ending, Situation } from './status-words.ts';
import { forgetSession, keepMuted, keepSession, readMuted } from './stored-session.ts';
import type { StoredSession } from './stored-session.ts';
import { forgetTurns, keepTurns, readTurns } from './stored-turns.ts';
import type { TimelineModel } from './timeline-model.ts';
import type { WaterfallModel } from './waterfall-model.ts';

export type CallControllerOptions = {
  conversation: ConversationModel;
  timeline: TimelineModel;
  waterfall: WaterfallModel;
  clock: SessionClock;
  /** Something that is shown has changed. */
  onChange: () => void;
  /** A call has begun, or is over. */
  onCall: (client: ParleyClient | undefined) => void;
  onError: (error: ParleyError) => void;
  onMicrophones: (client: ParleyClient) => void;
};

type Listen = <Name extends keyof ParleyEvents>(name: Name, listener: (event: ParleyEvents[Name]) => void) => void;

const atRest: Situation = {
  call: 'idle',
  agent: 'listening',
  output: 'normal',
  userSpeaking: false,
  microphone: 'none',
  interrupted: false,
  resuming: false,
  audioLost: false,
  poorLine: false,
  queuePosition: undefined,
  busy: false,
  moveReason: undefined,
  ending: undefined,
};

/** One call after the other: opens and resumes sessions, and feeds what happens into the models. */
export class CallController {
  situation: Situation = atRest;
  readonly #options: CallControllerOptions;
  #client: ParleyClient | undefined;

  constructor(options: CallControllerOptions) {
    this.#options = options;
  }

  get client(): ParleyClient | undefined {
    return this.#client;
  }

  /** @param stored a session to resume; without one a new session is opened */
  async start(stored?: StoredSession): Promise<void> {
    if (this.#client) return;
    const { clock, conversation, onCall, onError, timeline, waterfall } = this.#options;
    timeline.clear();
    waterfall.clear();
    conversation.clear();
    clock.reset();
    const turns = stored && readTurns(sessionStorage);
    if (turns) {
      timeline.restore(turns);
      conversation.restore(turns.rows);
    } else forgetTurns(sessionStorage);
    const client = new ParleyClient({ token: stored ? stored.token : openSessionOnce() });
    this.#client = client;
    this.situation = { ...atRest, call: 'connecting', resuming: stored !== undefined };
    this.#listen(client);
    onCall(client);
    // Before `connect()`, so that not one word is sent.
    if (stored && readMuted(sessionStorage)) void client.setMicrophoneEnabled(false);
    try {
      await client.connect();
    } catch (error) {
      if (client !== this.#client) return;
      const refused = error instanceof ParleyError ? error : new ParleyError('request_failed', { cause: error });
      this.#over(endingOf(refused, 'unreachable'));
      onError(refused);
    }
  }

  /** Silences the agent; where that is refused, the reason arrives as an error. */
  async interrupt(): Promise<void> {
    const client = this.#client;
    try {
      await client?.interrupt();
    } catch {
      return;
    }
    if (client !== this.#client) return;
    this.#options.conversation.silenced();
    this.#keepTurns();
    this.#options.onChange();
  }

  /** Much of what is said gets lost or comes late, or no longer does. */
  lineChanged(poorLine: boolean): void {
    this.#update({ poorLine });
  }

  async hangUp(): Promise<void> {
    const client = this.#client;
    this.#over('left');
    await client?.disconnect();
  }

  #over(ending: Ending): void {
    forgetSession(sessionStorage);
    forgetTurns(sessionStorage);
    this.#client = undefined;
    const { clock, timeline, waterfall } = this.#options;
    for (const model of [timeline, waterfall]) model.end(clock.at(performance.now()));
    this.situation = { ...atRest, call: 'ended', ending };
    this.#options.onCall(undefined);
    this.#options.onChange();
  }

  /** As soon as they are known: a tab may be closed without notice. */
  #keepTurns(): void {
    const { clock, conversation, timeline } = this.#options;
    const { marks, segments } = timeline;
    // Lines without figures come again from the server.
    const rows = conversation.rows.filter(({ measures }) => measures.length > 0);
    keepTurns(sessionStorage, { rows, segments, marks, savedAtMs: clock.at(performance.now()) });
  }

  /** Tells the timeline whether anything of the agent arrives. */
  #agentArrives(arrives: boolean): void {
    const { clock, timeline } = this.#options;
    const atMs = clock.at(performance.now());
    if (arrives) timeline.agentBack(atMs);
    else timeline.agentLost(atMs);
  }

  #update(change: Partial<Situation>): void {
    this.situation = { ...this.situation, ...change };
    this.#options.onChange();
  }

  #listen(client: ParleyClient): void {
    /** What a client that was hung up still tells is no longer of interest. */
    const on: Listen = (name, listener) => {
      client.on(name, (event) => {
        if (client === this.#client) listener(event);
      });
    };
    on('microphoneChanged', ({ state }) => {
      if (state === 'muted' || state === 'active') keepMuted(sessionStorage, state === 'muted');
      this.#update({ microphone: state });
      this.#options.onMicrophones(client);
    });
    on('microphonesChanged', () => this.#options.onMicrophones(client));
    on('tokenRenewed', (renewed) => keepSession(sessionStorage, renewed));
    on('ended', ({ reason }) => this.#over(reason));
    on('error', (error) => {
      this.#options.onError(error);
      if (client.state === 'disconnected') this.#over(endingOf(error, 'lost'));
    });
    on('text', (shown) => {
      this.#options.conversation.shown(shown);
      this.#options.timeline.shown(shown);
      this.#keepTurns();
      this.#update({});
    });
    this.#listenToConnection(on);
    this.#listenToConversation(on);
  }

  #listenToConnection(on: Listen): void {
    on('stateChanged', ({ state }) => {
      if (state === 'reconnecting' || state === 'connected') this.#agentArrives(state === 'connected');
      if (state === 'disconnected') return;
      const settled = state === 'connected' && { audioLost: false, moveReason: undefined, queuePosition: undefined };
      this.#update({ call: state, ...settled });
    });
    on('moving', ({ reason }) => this.#update({ moveReason: reason }));
    on('busy', () => this.#update({ busy: true }));
    on('joined', ({ session }) => {
      if (session.elapsedMs > 0) this.#options.clock.observe(session.elapsedMs, performance.now());
      this.#update({ busy: false, queuePosition: undefined });
    });
    on('queued', ({ position }) => this.#update({ queuePosition: position }));
    on('audioLost', () => {
      this.#agentArrives(false);
      this.#update({ audioLost: true });
    });
    on('audioBack', () => {
      this.#agentArrives(true);
      this.#update({ audioLost: false });
    });
  }

  #listenToConversation(on: Listen): void {
    const { clock, conversation, timeline, waterfall } = this.#options;
    const speech = (speaking: boolean) => (event: { turnId: string; atMs: number }) => {
      clock.observe(event.atMs, performance.now());
      timeline.userSpeech({ ...event, speaking });
      this.#update({ userSpeaking: speaking, interrupted: speaking && this.situation.interrupted });
    };
    on('userStartedSpeaking', speech(true));
    on('userStoppedSpeaking', speech(false));
    on('agentState', (event) => {
      clock.observe(event.atMs, performance.now());
      timeline.agentState(event);
      conversation.agentState(event);
      waterfall.agentState(event);
      this.#keepTurns();
      const interrupted =
        event.interruptedAfterMs !== undefined || (event.state === 'listening' && this.situation.interrupted);
      this.#update({ agent: event.state, output: event.output, interrupted });
    });
    on('turn', (turn) => {
      clock.observe(turn.atMs, performance.now());
      timeline.turn(turn);
      conversation.turn(turn);
      waterfall.turn(turn);
      this.#keepTurns();
      this.#update({});
    });
    on('transcript', (entry) => {
      conversation.transcript(entry);
      waterfall.transcript(entry);
      this.#update({});
    });
    on('decision', (decision) => {
      waterfall.decision(decision);
      this.#update({});
    });
  }
}

/** @param otherwise what it was where the error itself does not tell */
function endingOf({ code }: ParleyError, otherwise: Ending): Ending {
  if (code === 'session_ended' || code === 'session_not_found') return 'gone';
  return code === 'superseded' ? 'superseded' : otherwise;
}

/** Opens the session of one call, once: where its token is refused later on, the conversation is over. */
function openSessionOnce(): () => Promise<string> {
  let opened: Promise<StoredSession> | undefined;
  return async () => {
    opened ??= requestSession();
    const session = await opened;
    keepSession(sessionStorage, session);
    return session.token;
  };
}
