/** Variables of the environment that look like a setting and are none, such as `API_KEY` for `API_KEYS`. Pure. */

/** Shorter names are like too many others. */
const SHORTEST = 4;

/**
 * @param environment what is set
 * @param settings names of all settings
 * @returns one sentence for each variable that is one letter away from a setting which is not set
 */
export const misspeltSettings = (
  environment: Readonly<Record<string, string | undefined>>,
  settings: readonly string[],
): string[] => {
  const known = new Set(settings);
  const missing = settings.filter((name) => name.length >= SHORTEST && !environment[name]?.trim());
  return Object.keys(environment)
    .filter((name) => !known.has(name) && environment[name] !== undefined)
    .flatMap((name) => {
      const meant = missing.find((setting) => isOneEditAway(name, setting));
      return meant === undefined ? [] : [`${name} is not a setting and has no effect. Did you mean ${meant}?`];
    });
};

/** Whether one letter less, more or other, or two in the other order, makes one word the other. */
const isOneEditAway = (a: string, b: string): boolean => {
  if (Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const [restA, restB] = [a.slice(at), b.slice(at)];
  return (
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  );
};
