/** How the embedded providers fail. Vendors' providers bring codes of their own. */
import type { ProviderFault } from './provider.ts';

export type SpeechErrorCode =
  /** The synthesiser gave up on this text. */
  | 'speech_failed'
  /** The synthesiser took far longer than any clause should. */
  | 'speech_timed_out'
  /** The thread that speaks died, again after it had been started anew. */
  | 'speech_thread_died'
  | 'unknown_voice'
  | 'closed';

export class SpeechError extends Error implements ProviderFault {
  override readonly name = 'SpeechError';
  readonly code: SpeechErrorCode;
  readonly retryable: boolean;

  constructor(code: SpeechErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'speech_thread_died';
  }
}
