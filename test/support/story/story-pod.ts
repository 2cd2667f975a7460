/** A pod in a story: it runs the call, and keeps of it what a server keeps, so that another pod can go on when it dies. */
import { VadBatcher } from '../../../media/vad/vad-batcher.ts';
import type { CallEvent } from '../../../media/conversation/call-events.ts';
import { continuationOf, restore, type Continuation } from '../../../media/conversation/continuation.ts';
import type { TranscriptLine } from '../../../media/conversation/conversation-restore.ts';
import type { ConversationSnapshot } from '../../../media/conversation/conversation-events.ts';
import type { Message } from '../../../media/providers/provider.ts';
import { PlayoutClock } from '../../../media/speech/playout-clock.ts';
import type { ToolRecord } from '../../../media/tools/tool-ledger.ts';
import type { VoiceCallOptions } from '../../../media/voice-call/voice-call-options.ts';
import { VoiceCall } from '../../../media/voice-call/voice-call.ts';
import type { OpenCall } from '../../../media/workers/voice-protocol.ts';
import { EAR_RATE_HZ } from './story-ear.ts';
import { StoryLink } from './story-link.ts';
import type { StoryWorld } from './story-world.ts';

/** What is kept of a session, wherever it runs. */
export type StoryRecord = {
  events: CallEvent[];
  transcript: TranscriptLine[];
  continuation: Continuation | undefined;
  faults: { code: string; fault: unknown }[];
  ended: string | undefined;
};

/** While the agent speaks, how it stands is told this often. */
const SNAPSHOT_EVERY_MS = 1000;
let lastSsrc = 1;

export class StoryPod {
  readonly #world: StoryWorld;
  readonly #record: StoryRecord;
  readonly #batcher: VadBatcher;
  readonly #link: StoryLink;
  readonly #call: VoiceCall;
  #startedAtMs: number;
  #tools: ToolRecord;
  #savedMs: number;
  #handedOver: ((conversation: ConversationSnapshot) => void) | undefined;

  constructor(world: StoryWorld, record: StoryRecord, from: Partial<OpenCall> = {}) {
    const { timing, ear } = world;
    this.#world = world;
    this.#record = record;
    this.#startedAtMs = from.startedAtMs ?? timing.nowMs();
    this.#savedMs = timing.nowMs();
    this.#tools = from.tools ?? [];
    const onFault = (fault: unknown) => this.#record.faults.push({ code: 'vad_failed', fault });
    this.#batcher = new VadBatcher(world.silero, timing.nowMs, onFault, timing.after);
    this.#link = new StoryLink((packet) => ear.take(packet, timing.nowMs()));
    world.receivers.add(this.#receive);
    this.#call = new VoiceCall(this.#options(from));
    this.#call.prepare();
  }

  get call(): VoiceCall {
    return this.#call;
  }

  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** Another pod that goes on from what was kept, after the one that led has gone. */
  static goesOn(world: StoryWorld, record: StoryRecord): StoryPod {
    const nowMs = world.timing.nowMs();
    const { transcript, continuation } = record;
    const restored = restore({ transcript, ...(continuation && { continuation }) }, nowMs);
    if (!restored) return new StoryPod(world, record);
    const { conversation, history, tools, elapsedMs } = restored;
    const startedAtMs = nowMs - elapsedMs;
    return new StoryPod(world, record, { restore: { conversation }, history, tools, startedAtMs });
  }

  /** The caller's microphone is on its way here. */
  connect(): void {
    this.#call.receiveFrom(this.#world.microphone.ssrc);
  }

  tick(nowMs: number): void {
    this.#call.send(nowMs);
    this.#call.work(nowMs);
    if (nowMs - this.#savedMs >= SNAPSHOT_EVERY_MS) this.#save(this.#call.snapshot(nowMs).conversation);
  }

  /** @returns how the conversation stands, once the voice has stopped for good */
  handOver(withinMs: number): Promise<ConversationSnapshot> {
    const { promise, resolve } = Promise.withResolvers<ConversationSnapshot>();
    this.#handedOver = resolve;
    this.#call.handOver(withinMs);
    return promise;
  }

  /** It has stood by, and leads from now on. */
  takeOver(conversation: ConversationSnapshot, startedAtMs: number): void {
    const { transcript } = this.#record;
    const history = transcript.map(({ role, text }): Message => ({ role, text }));
    this.#startedAtMs = startedAtMs;
    this.#call.takeOver({ conversation, history, startedAtMs });
  }

  /** It runs no more: nothing of it is told. */
  close(): void {
    this.#world.receivers.delete(this.#receive);
    this.#call.close();
    this.#batcher.close();
  }

  readonly #receive = (packet: Uint8Array): void => this.#link.deliver(packet, this.#world.timing.nowMs());

  #options(from: Partial<OpenCall>): VoiceCallOptions {
    const { timing, clips, providers, agent } = this.#world;
    const nowMs = timing.nowMs();
    const open = { callId: 'story', linkId: 0, agent, agentSsrc: lastSsrc++, payloadType: 111, history: [], ...from };
    return {
      open: { ...open, startedAtMs: this.#startedAtMs },
      link: this.#link,
      now: timing.nowMs,
      after: timing.after,
      rateHz: EAR_RATE_HZ,
      clock: new PlayoutClock({ frameMs: 20, phaseMs: 0, nowMs, initial: { sequence: 65_500, timestamp: 4e9 } }),
      clips,
      batcher: this.#batcher,
      journalFolder: undefined,
      providers,
      onEvent: this.#onEvent,
      onStateChanged: ({ conversation }) => this.#save(conversation),
      recordTools: async (tools) => {
        this.#tools = structuredClone(tools);
        this.#save(this.#call.snapshot(timing.nowMs()).conversation);
        return true;
      },
      onEnded: (reason) => void (this.#record.ended = reason),
      onHandedOver: (conversation) => this.#handedOver?.(conversation),
      onFault: (code, fault) => void this.#record.faults.push({ code, fault }),
      onVerdictDelay: () => undefined,
    };
  }

  readonly #onEvent = (event: CallEvent): void => {
    this.#record.events.push(event);
    if (event.name === 'transcript' && event.data.final) this.#record.transcript.push(event.data);
  };

  #save(conversation: ConversationSnapshot): void {
    const nowMs = this.#world.timing.nowMs();
    this.#savedMs = nowMs;
    this.#record.continuation = continuationOf(
      structuredClone(conversation),
      this.#tools,
      nowMs - this.#startedAtMs,
      nowMs,
    );
  }
}
