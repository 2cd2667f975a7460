import { StoreUnavailable } from '../../signalling/errors.ts';
import type { SessionStore } from '../../signalling/session-store.ts';

/** A shared store that can be taken away: while `away`, whatever is asked of it fails as it does without Redis. */
export type FailingStore = SessionStore & { away: boolean; readonly asked: string[] };

export const failingStore = (store: SessionStore): FailingStore => {
  const state = { away: false, asked: [] as string[] };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'away' || name === 'asked') return state[name];
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        state.asked.push(String(name));
        if (state.away && name !== 'close') throw new StoreUnavailable(String(name));
        return Reflect.apply(method, target, args);
      };
    },
    set: (_target, name, value) => name === 'away' && Reflect.set(state, name, value),
  }) as FailingStore;
};
