/**
 * Texts with open places: `{{name}}` is a variable of the session, `{{arguments.name}}` an argument of the call,
 * `{{secrets.NAME}}` a secret. All are put in at once, so that no value can name another one. Pure.
 */
import { PLACEHOLDER } from '../agent/template-names.ts';
import { ToolError } from './tool-error.ts';

export type TemplateValues = {
  variables: Readonly<Record<string, unknown>>;
  arguments: Readonly<Record<string, unknown>>;
  secrets: Readonly<Record<string, string>>;
};

const WHOLE = /^\{\{([^{}]*)\}\}$/;

/**
 * @param encode what a value becomes in its place
 * @throws {ToolError} `missing_secret`
 */
export function renderText(template: string, values: TemplateValues, encode = (text: string) => text): string {
  return template.replace(PLACEHOLDER, (_, name: string) => encode(asText(valueOf(name.trim(), values))));
}

/** As `renderText`; undefined where the whole text is one placeholder without a value: then it is left out. */
export function renderOptional(template: string, values: TemplateValues): string | undefined {
  const whole = WHOLE.exec(template)?.[1];
  if (whole !== undefined && valueOf(whole.trim(), values) === undefined) return undefined;
  return renderText(template, values);
}

/** JSON whose texts are templates. One that is a placeholder and nothing else becomes the value itself, or is left out. */
export function renderJson(template: unknown, values: TemplateValues): unknown {
  if (typeof template === 'string') {
    const whole = WHOLE.exec(template)?.[1];
    return whole === undefined ? renderText(template, values) : valueOf(whole.trim(), values);
  }
  if (Array.isArray(template)) return template.map((item) => renderJson(item, values) ?? null);
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, renderJson(value, values)]));
}

/**
 * An address whose path and query keep the shape that the author gave them: a value is one segment at most, and never one
 * that leads upwards.
 * @throws {ToolError} `invalid_arguments`
 */
export function renderUrl(template: string, values: TemplateValues): URL {
  const text = renderText(template, values, (value) => encodeURIComponent(value.toWellFormed()));
  const [path = ''] = text.split(/[?#]/, 1);
  if (path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))) {
    throw new ToolError('invalid_arguments', 'An argument is no part of an address.');
  }
  return new URL(text);
}

function valueOf(name: string, values: TemplateValues): unknown {
  const [source, ...rest] = name.split('.');
  const key = rest.join('.');
  if (source === 'secrets' && key) {
    const secret = own(values.secrets, key);
    if (secret === undefined) throw new ToolError('missing_secret', 'The tool is not set up: a secret is missing.');
    return secret;
  }
  if (source === 'arguments' && key) return own(values.arguments, key);
  return own(values.variables, name);
}

function own(values: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
