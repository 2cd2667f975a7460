/** Why a tool gave no result, in words that the model can go on with. Never an address, a secret or what was answered. */

export type ToolErrorCode =
  | 'unknown_tool'
  | 'invalid_arguments'
  | 'missing_secret'
  | 'forbidden_address'
  | 'unreachable'
  | 'refused'
  | 'redirected'
  | 'too_large'
  | 'unreadable'
  | 'timed_out'
  | 'circuit_open'
  | 'no_client'
  | 'no_handler'
  | 'interrupted'
  | 'outcome_unknown'
  | 'not_recorded'
  | 'failed';

export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly code: ToolErrorCode;
  /** Of the HTTP response, where there was one. */
  readonly status: number | undefined;
  /** What the server said of it, for the model. */
  readonly detail: unknown;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ToolErrorCode,
    message: string,
    more: { status?: number; detail?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(message);
    this.code = code;
    this.status = more.status;
    this.detail = more.detail;
    this.retryAfterMs = more.retryAfterMs;
  }
}
