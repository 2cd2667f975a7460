/** Reads asynchronous sequences to their end. */

/** What came, and the error that it ended with, if one did. */
export async function collect<T>(source: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const items: T[] = [];
  try {
    for await (const item of source) items.push(item);
    return { items, error: undefined };
  } catch (error) {
    return { items, error };
  }
}
