/** Takes secrets out of what comes back: a server may repeat in its answer what it was sent. Pure. */

/** Shorter ones would tear holes into ordinary words; nobody should have such a secret. */
const SHORTEST = 4;

/** @returns a function that puts the secret's name in its place, in whichever form it appears */
export function redactor(secrets: Readonly<Record<string, string>>): (text: string) => string {
  const forms = Object.entries(secrets)
    .filter(([, secret]) => secret.length >= SHORTEST)
    .flatMap(([name, secret]) => formsOf(secret).map((form) => ({ name, form })))
    // The longest first: one may be part of another.
    .toSorted((one, other) => other.form.length - one.form.length);
  return (text) => forms.reduce((rest, { name, form }) => rest.replaceAll(form, `[secret ${name}]`), text);
}

function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [...new Set([secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1), base64])];
}
