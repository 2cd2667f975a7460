/** Has the caller's speech and words do to the agent's voice what barge-in decides, and tells of each decision. */
import type { InterruptionOptions } from '../agent/agent.ts';
import type { AgentVoice } from '../speech/agent-voice.ts';
import type { BargeIn, BargeInAction } from '../turn/barge-in.ts';
import type { ConversationEvent } from '../conversation/conversation-events.ts';
import type { Decide } from '../turn/decision.ts';
import { journaledPart } from '../journal/journal-parts.ts';
import type { Journal } from '../journal/journal.ts';
import { sentText } from '../conversation/listener.ts';
import type { SpeechDetector } from '../vad/speech-detector.ts';
import { hasJustAsked, isEcho, kindOfWords, maybeEcho, withoutEcho } from '../turn/words.ts';

export type InterrupterOptions = {
  interruption: InterruptionOptions;
  /** A BCP 47 tag: of the words that decide. */
  language?: string | undefined;
  /** Words are told of while they are said. */
  recogniser: boolean;
  journal?: Journal | undefined;
  voice: AgentVoice;
  tell: (event: ConversationEvent, nowMs: number) => void;
  decide: Decide;
  sessionMs: (nowMs: number) => number;
};

/** After the agent's last packet its echo may still be on its way: 300 ms, and a round trip over a poor network. */
const ECHO_TAIL_MS = 500;
/** A word of which only the beginning has left, and whose echo is recognised all the same, ends so much later. */
const WORD_MS = 400;

export class Interrupter {
  readonly #options: InterrupterOptions;
  readonly #bargeIn: BargeIn;
  #onsetMs = 0;
  /** What the agent said last, and since when it is silent. */
  #said = '';
  #silentSinceMs = -Infinity;
  #words = '';
  /** The agent was asking something when the caller began to speak. */
  #asked = false;
  #vetoed = '';
  /** All of the turn that runs, while it was an echo and nothing else. */
  #echoed = '';

  constructor(options: InterrupterOptions) {
    this.#options = options;
    const { journal, interruption, recogniser } = options;
    this.#bargeIn = journaledPart(journal, 'bargeIn', { interruption, recogniser });
  }

  speechStarted(startMs: number): void {
    this.#onsetMs = startMs;
    this.#words = '';
    this.#asked = hasJustAsked(sentText(this.#options.voice.playout));
  }

  window({ speaking, silenceMs, speechMs }: SpeechDetector, nowMs: number): void {
    if (!speaking) return;
    const bargeIn = this.#bargeIn;
    const action = silenceMs === 0 ? bargeIn.speech(speechMs, nowMs) : bargeIn.silence(silenceMs, nowMs);
    this.#act(action, { speechMs, ...(silenceMs > 0 && { silenceMs }) }, nowMs);
  }

  /** The words of the turn so far. */
  words(text: string, final: boolean, nowMs: number): void {
    const { voice, language } = this.#options;
    this.#words = text;
    const { playout } = voice;
    const echo = this.#isEcho(text, nowMs) || (!final && playout.audible && maybeEcho(text, this.sentWords));
    const asked = playout.audible && (this.#asked || hasJustAsked(sentText(playout)));
    const kind = echo ? 'echo' : kindOfWords(text, { language, final, asked });
    if (echo && playout.audible) {
      this.#veto(text, nowMs);
      this.#echoed = text;
    }
    this.#act(this.#bargeIn.words(kind, nowMs), { words: kind }, nowMs);
  }

  /** The words of the reply that have left, or begun to: all that its echo can be of. */
  get sentWords(): string {
    return sentText(this.#options.voice.playout, WORD_MS);
  }

  /** What of the turn that runs is the caller's: a loudspeaker's microphone hears the agent, too. */
  ownWords(text: string): string {
    return this.#echoed ? withoutEcho(text, this.#echoed, this.#agentSaid) : text;
  }

  /** The turn is over. @returns its own words; '' where they are the agent's alone */
  turnEnded(text: string, nowMs: number): string {
    const own = this.#isEchoOnly(text, nowMs) ? '' : this.ownWords(text);
    this.#echoed = '';
    return own;
  }

  /** Whether the words are nothing but the agent's own, heard by the caller's microphone. */
  #isEchoOnly(text: string, nowMs: number): boolean {
    const echo = this.#isEcho(text, nowMs);
    if (echo) this.#veto(text, nowMs);
    return echo;
  }

  /**
   * Words of a turn that was taken as ended: they stop the voice as words do that are said into it.
   * @returns whether they count
   */
  lateWords(text: string, nowMs: number): boolean {
    if (this.#isEchoOnly(text, nowMs)) return false;
    const { voice, tell, decide } = this.#options;
    if (!voice.playout.audible) return true;
    // They were said before the agent spoke, so they answer nothing that it asks.
    const kind = kindOfWords(text, { final: true });
    const inputs = { words: kind };
    if (kind === 'backchannel' || kind === 'none') {
      decide('ignore', 'late words', inputs, nowMs);
      return false;
    }
    if (this.#bargeIn.words(kind, nowMs) === 'interrupt') {
      decide('interrupt', 'late words', inputs, nowMs);
      tell({ type: 'cut-in' }, nowMs);
    }
    return true;
  }

  poll(nowMs: number): void {
    if (this.#bargeIn.nextDeadlineMs <= nowMs) this.#act(this.#bargeIn.poll(nowMs), {}, nowMs);
  }

  replyPending(nowMs: number): void {
    this.#act(this.#bargeIn.agentPending(true, nowMs), {}, nowMs);
  }

  replyAudible(nowMs: number): void {
    this.#bargeIn.agentPending(false, nowMs);
    this.#act(this.#bargeIn.agentAudible(true, nowMs), {}, nowMs);
  }

  /** @param said the words of the reply that have left: all that its echo can be of */
  replyOver(said: string, nowMs: number): void {
    this.#said = said;
    this.#silentSinceMs = nowMs;
    this.#bargeIn.agentPending(false, nowMs);
    this.#bargeIn.agentAudible(false, nowMs);
  }

  #act(action: BargeInAction | undefined, inputs: Record<string, string | number>, nowMs: number): void {
    if (action === undefined) return;
    const { voice, tell, decide, sessionMs } = this.#options;
    decide(
      action,
      this.#words ? 'words' : 'speech',
      { ...inputs, onsetMs: Math.round(sessionMs(this.#onsetMs)) },
      nowMs,
    );
    if (action === 'interrupt') return tell({ type: 'cut-in', onsetMs: sessionMs(this.#onsetMs) }, nowMs);
    const output = voice.act(action);
    if (output) tell({ type: 'output', output }, nowMs);
  }

  #isEcho(text: string, nowMs: number): boolean {
    const { playout } = this.#options.voice;
    if (playout.audible) return isEcho(text, this.#agentSaid);
    return nowMs - this.#silentSinceMs <= ECHO_TAIL_MS && isEcho(text, this.#said);
  }

  /** All that an echo can be of now. */
  get #agentSaid(): string {
    const { playout } = this.#options.voice;
    return playout.audible ? `${this.#said} ${this.sentWords}` : this.#said;
  }

  #veto(text: string, nowMs: number): void {
    if (text === this.#vetoed) return;
    this.#vetoed = text;
    this.#options.decide('veto', 'echo', { words: text.split(/\s+/).length }, nowMs);
  }
}
