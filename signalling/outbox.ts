/**
 * Sessions whose end somebody is still to be told of, by their ids. Whoever tells keeps a lease on what it tells; what a pod
 * leaves behind is taken by another one.
 */
export interface Outbox {
  /** Adds a session, or renews the lease on it. */
  keep(ids: readonly string[]): Promise<void>;
  /** Gives the lease up: any pod may take it now. */
  leave(ids: readonly string[]): Promise<void>;
  /** It was told, or never will be. Idempotent. */
  remove(id: string): Promise<void>;
  /** Takes the lease on those on which nobody has one, `most` at a time. */
  take(most: number): Promise<string[]>;
}
