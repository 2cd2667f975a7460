/** Everything that can go wrong with a call's media, by a stable code. Signalling passes these codes on to clients. */
export type MediaErrorCode =
  | 'session_not_found'
  | 'unknown_transport'
  | 'invalid_media_parameters'
  | 'server_busy'
  | 'media_port_taken'
  | 'media_worker_unavailable'
  | 'voice_worker_unavailable'
  | 'closed';

export class MediaError extends Error {
  override readonly name = 'MediaError';
  readonly code: MediaErrorCode;

  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
