/** Texts that pods keep for each other for a while. Whoever asks must be able to do without. */
export interface SharedCache {
  /** @throws {StoreUnavailable} */
  get(key: string): Promise<string | undefined>;
  /** @throws {StoreUnavailable} */
  set(key: string, text: string, ttlMs: number): Promise<void>;
  /** @throws {StoreUnavailable} */
  remove(key: string): Promise<void>;
}
