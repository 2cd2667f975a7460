/** Waits until something that other parts bring about has come true; fails loudly when it does not within 5 s. */
export const eventually = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  const deadlineMs = Date.now() + 5_000;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`Waited in vain for: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
