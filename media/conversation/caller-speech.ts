/** The turn that the caller is in, as the conversation knows it: under one name, from its first speech to its end. */
import type { ConversationEffects } from './conversation-effects.ts';

export class CallerSpeech {
  readonly #effects: ConversationEffects;
  readonly #newTurnId: () => string;
  #speech: { turnId: string; startMs: number; speaking: boolean } | undefined;

  constructor(effects: ConversationEffects, newTurnId: () => string) {
    this.#effects = effects;
    this.#newTurnId = newTurnId;
  }

  /** Undefined: the caller is in none. */
  get current(): { turnId: string; startMs: number } | undefined {
    return this.#speech && { turnId: this.#speech.turnId, startMs: this.#speech.startMs };
  }

  started(startMs: number): void {
    const turnId = this.#speech?.turnId ?? this.#newTurnId();
    this.#speech = { turnId, startMs: this.#speech?.startMs ?? startMs, speaking: true };
    this.#tell(true, turnId, startMs);
  }

  /** Goes on with one that began elsewhere; where it has no name yet, nobody has told of it. */
  resume(turnId: string | undefined, startMs: number): void {
    this.#speech = { turnId: turnId ?? this.#newTurnId(), startMs, speaking: true };
    if (!turnId) this.#tell(true, this.#speech.turnId, startMs);
  }

  stopped(nowMs: number): void {
    if (!this.#speech?.speaking) return;
    this.#speech.speaking = false;
    this.#tell(false, this.#speech.turnId, nowMs);
  }

  words(text: string, nowMs: number): void {
    if (!this.#speech) return;
    const { turnId, startMs } = this.#speech;
    this.#effects.transcript({ turnId, role: 'user', text, final: false, startMs, endMs: nowMs });
  }

  /** It is over. @returns its name, or that of a turn without any speech before it */
  end(nowMs: number): string {
    const turnId = this.#speech?.turnId ?? this.#newTurnId();
    this.stopped(nowMs);
    this.#speech = undefined;
    return turnId;
  }

  /** The client is gone: nobody has ended it. */
  forget(nowMs: number): void {
    this.stopped(nowMs);
    this.#speech = undefined;
  }

  #tell(speaking: boolean, turnId: string, atMs: number): void {
    this.#effects.emit({ name: 'speech', data: { speaking, turnId, atMs } });
  }
}
