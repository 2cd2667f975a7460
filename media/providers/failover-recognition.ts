/** A recogniser that has the utterance heard again by the next provider where one fails. */
import { AudioBacklog } from './audio-backlog.ts';
import { EventQueue } from './event-queue.ts';
import type { ProviderFault, SpeechToText, SpeechToTextEvent, SpeechToTextStream } from './provider.ts';
import { Stage, type StageOptions, type Try } from './stage.ts';

export class FailoverSpeechToText implements SpeechToText {
  readonly name: string;
  /** Where only some of the list hear utterances as a whole, they are given what is kept of one at its end. */
  readonly perUtterance: boolean;
  readonly endsTurns: boolean;
  readonly #stage: Stage<SpeechToText>;

  constructor(options: Omit<StageOptions<SpeechToText>, 'stage'>) {
    this.#stage = new Stage({ ...options, stage: 'speech-to-text' });
    this.name = this.#stage.name;
    this.endsTurns = options.candidates[0]?.provider.endsTurns ?? false;
    this.perUtterance = options.candidates.every(({ provider }) => provider.perUtterance);
  }

  /** The stream fails, by an event, with StageExhaustedError once the last provider has failed. */
  open(options: { language?: string }, signal: AbortSignal): SpeechToTextStream {
    return new FailoverStream(this.#stage, options, this.perUtterance, signal);
  }
}

class FailoverStream implements SpeechToTextStream {
  readonly #stage: Stage<SpeechToText>;
  readonly #options: { language?: string };
  readonly #perUtterance: boolean;
  readonly #signal: AbortSignal;
  readonly #closing = new AbortController();
  readonly #events = new EventQueue<SpeechToTextEvent>(() => this.close());
  readonly #backlog = new AudioBacklog();
  #stream: SpeechToTextStream | undefined;
  /** The provider at work is given an utterance at its end, though the stage is not. */
  #atFlush = false;
  /** Where the provider's own stream begins, in the call's audio. */
  #offsetMs = 0;
  /** Audio written to the provider's own stream. */
  #writtenMs = 0;
  /** Up to where the audio was flushed, for each flush not answered. */
  #flushesMs: number[] = [];
  /** How many flushes the next answer is for: what is heard again is flushed once for all. */
  #answered = 1;

  constructor(stage: Stage<SpeechToText>, options: { language?: string }, perUtterance: boolean, signal: AbortSignal) {
    this.#stage = stage;
    this.#options = options;
    this.#perUtterance = perUtterance;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    else void this.#run();
  }

  write(pcm: Int16Array): void {
    if (this.#events.ended) return;
    this.#backlog.write(pcm);
    if (!this.#atFlush) this.#stream?.write(pcm);
  }

  flush(): void {
    if (this.#events.ended) return;
    this.#flushesMs.push(this.#backlog.toMs);
    // One utterance at a time: what is kept would be sent twice.
    if (this.#atFlush && this.#flushesMs.length > 1) return;
    if (this.#stream) this.#flushStream(this.#stream);
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#closing.abort();
    this.#stream?.close();
    this.#events.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechToTextEvent, undefined> {
    return this.#events[Symbol.asyncIterator]();
  }

  readonly #onAbort = (): void => {
    this.#events.abandon();
    this.close();
  };

  async #run(): Promise<void> {
    try {
      while (!this.#events.ended) await this.#goThroughList();
    } catch (error) {
      this.#events.push({ type: 'error', error: error as ProviderFault });
      this.close();
    }
  }

  /**
   * Returns where the list is to be gone through again: somebody had understood something since it was begun. Connections
   * end after an hour at most, and a call may be longer.
   */
  async #goThroughList(): Promise<void> {
    let understood = false;
    try {
      for await (const tried of this.#stage.tries(this.#closing.signal)) {
        if (await this.#hearWith(tried)) understood = true;
      }
    } catch (error) {
      if (!understood) throw error;
    }
  }

  /**
   * Returns when the provider has failed, or when nobody listens any more: whether it had understood something, so that
   * the next one is not given the same audio again.
   */
  async #hearWith(tried: Try<SpeechToText>): Promise<boolean> {
    let finals = 0;
    this.#begin(tried.provider);
    for await (const event of this.#stream!) {
      tried.firstResult();
      if (event.type === 'error') {
        this.#stream = undefined;
        tried.failed(event.error, `${finals} finals`);
        return finals > 0;
      }
      if (event.type === 'final') finals++;
      this.#pass(event);
    }
    if (this.#events.ended) tried.succeeded();
    else tried.failed(new Error('the stream ended without a reason'), `${finals} finals`);
    this.#stream = undefined;
    return finals > 0;
  }

  /** Has it hear what the one before it did not tell the text of. */
  #begin(provider: SpeechToText): void {
    this.#atFlush = provider.perUtterance && !this.#perUtterance;
    this.#offsetMs = this.#backlog.fromMs;
    this.#writtenMs = 0;
    this.#answered = Math.max(1, this.#flushesMs.length);
    this.#stream = provider.open(this.#options, this.#closing.signal);
    if (!this.#atFlush) for (const chunk of this.#backlog.chunks()) this.#stream.write(chunk);
    if (this.#flushesMs.length > 0) this.#flushStream(this.#stream);
  }

  #flushStream(stream: SpeechToTextStream): void {
    if (this.#atFlush) {
      this.#offsetMs = this.#backlog.fromMs - this.#writtenMs;
      for (const chunk of this.#backlog.chunks()) stream.write(chunk);
      this.#writtenMs += this.#backlog.toMs - this.#backlog.fromMs;
    }
    stream.flush();
  }

  #pass(event: SpeechToTextEvent): void {
    if (event.type === 'final' && event.endMs !== undefined) this.#backlog.settle(this.#offsetMs + event.endMs);
    if (event.type === 'flushed') return this.#passFlushed();
    this.#events.push(shifted(event, this.#offsetMs));
  }

  #passFlushed(): void {
    for (const flushedMs of this.#flushesMs.splice(0, this.#answered)) {
      this.#backlog.settle(flushedMs);
      this.#events.push({ type: 'flushed' });
    }
    this.#answered = 1;
    if (this.#atFlush && this.#flushesMs.length > 0) this.#flushStream(this.#stream!);
  }
}

/** Times from the start of the call's audio, not of the provider's stream. */
function shifted(event: SpeechToTextEvent, offsetMs: number): SpeechToTextEvent {
  if (event.type !== 'final' && event.type !== 'partial') return event;
  const { startMs, endMs } = event;
  return {
    ...event,
    ...(startMs !== undefined && { startMs: startMs + offsetMs }),
    ...(endMs !== undefined && { endMs: endMs + offsetMs }),
  };
}
