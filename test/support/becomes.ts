import { eventually, PATIENCE_MS } from './eventually.ts';

/** Waits until what is expected holds; fails with the last reason why it did not. */
export const becomes = async (assertion: () => unknown, withinMs = PATIENCE_MS): Promise<void> => {
  let reason: unknown;
  const holds = async () => {
    try {
      await assertion();
      return true;
    } catch (error) {
      reason = error;
      return false;
    }
  };
  await eventually(holds, withinMs).catch(() => {
    throw reason;
  });
};
