/** Waits until something that other parts bring about has come true; fails loudly when it does not in time. */
export const eventually = async (condition: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> => {
  const deadlineMs = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`Waited in vain for: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
