/** A busy machine takes seconds over what takes a moment elsewhere; longer only means that failures are told later. */
export const PATIENCE_MS = 20_000;

/** Waits until something that other parts bring about has come true; fails loudly when it does not in time. */
export const eventually = async (
  condition: () => boolean | Promise<boolean>,
  withinMs = PATIENCE_MS,
): Promise<void> => {
  const deadlineMs = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`Waited in vain for: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
