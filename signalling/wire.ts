/** What carries the bus: texts on channels, which may get lost, and never arrive twice by themselves. */
export interface Wire {
  /** Since when (Unix ms) it has stood without a break; undefined while it does not. */
  readonly steadySince: number | undefined;

  /**
   * Resolves to how many listened just then, or to undefined where that number would prove nothing.
   * @throws when it was not confirmed that the text went out. It may have.
   */
  send(channel: string, text: string): Promise<number | undefined>;

  /** Returns how to stop listening. */
  listen(channel: string, listener: (text: string) => void): () => void;

  /** Calls when the wire stands again. Returns how to stop that. */
  onUp(listener: () => void): () => void;

  /** Idempotent. */
  close(): Promise<void>;
}
