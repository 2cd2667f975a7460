/** What an agent's texts leave open until a session is opened: declared in the agent, written as `{{name}}` in its texts. */
import { z } from 'zod';

export type VariableValue = string | number | boolean;
export type VariableValues = Readonly<Record<string, VariableValue>>;

const NAME = /^[A-Za-z_]\w{0,63}$/;
const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;

export const variable = z
  .strictObject({
    type: z.enum(['string', 'number', 'boolean']).default('string'),
    /** For whoever writes the integration; no caller hears it. */
    description: z.string().max(500).optional(),
    /** A session that does not give it is refused. */
    required: z.boolean().default(false),
    /** Stands in where a session does not give it; without one its place in a text stays empty. */
    default: z.union([z.string().max(4096), z.number(), z.boolean()]).optional(),
  })
  .refine(({ type, default: value }) => value === undefined || typeof value === type, {
    path: ['default'],
    message: 'must be of the type that the variable has',
  })
  .refine(({ required, default: value }) => !(required && value !== undefined), {
    path: ['default'],
    message: 'is never used, for the variable is required',
  });

export const variables = z.record(z.string().regex(NAME, 'must be letters, digits and underscores'), variable);

export type VariableDeclarations = z.infer<typeof variables>;

/** The names between braces, whatever they are. */
export const namesIn = (text: string): string[] =>
  Array.from(text.matchAll(PLACEHOLDER), ([, name = '']) => name.trim());

/** A text's placeholders that stand for nothing, as one problem each. */
export const unknownNames = (text: string, declared: VariableDeclarations): string[] =>
  namesIn(text)
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => `has {{${name}}}, but the agent declares no variable "${name}"`);

/** Puts values in; what a value contains is never looked at again, so that no caller can name another variable. */
export const render = (text: string, values: VariableValues): string =>
  text.replace(PLACEHOLDER, (_, name: string) => {
    const key = name.trim();
    return Object.hasOwn(values, key) ? String(values[key]) : '';
  });

/** A session's values with the defaults, or all that is wrong with them, each problem naming its variable. */
export const completeValues = (
  declared: VariableDeclarations,
  given: VariableValues,
): { values: VariableValues; problems: string[] } => {
  const known = Object.keys(declared);
  const problems = Object.keys(given)
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => `${name} is not known; the agent has ${known.length > 0 ? known.join(', ') : 'no variables'}`);
  const values: Record<string, VariableValue> = {};
  for (const [name, { type, required, default: standard }] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? given[name] : standard;
    if (value === undefined && required) problems.push(`${name} is missing`);
    else if (value !== undefined && typeof value !== type) problems.push(`${name} must be a ${type}`);
    else if (value !== undefined) values[name] = value;
  }
  return { values, problems };
};
