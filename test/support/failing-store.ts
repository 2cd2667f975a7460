import { StoreUnavailable } from '../../signalling/errors.ts';
import type { SessionStore } from '../../signalling/session-store.ts';

/**
 * A shared store that can be taken away: while `away`, whatever is asked of it fails as it does without Redis; while it has
 * a `refusal`, with that.
 */
export type FailingStore = SessionStore & { away: boolean; refusal: Error | undefined; readonly asked: string[] };

export const failingStore = (store: SessionStore): FailingStore => {
  const state = { away: false, refusal: undefined as Error | undefined, asked: [] as string[] };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'away' || name === 'refusal' || name === 'asked') return state[name];
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        state.asked.push(String(name));
        if (state.away && name !== 'close') throw new StoreUnavailable(String(name));
        if (state.refusal) throw state.refusal;
        return Reflect.apply(method, target, args);
      };
    },
    set: (_target, name, value) => (name === 'away' || name === 'refusal') && Reflect.set(state, name, value),
  }) as FailingStore;
};
