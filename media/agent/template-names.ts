/** The open places of texts, `{{name}}`: what an agent's schema has to know of them. */

export const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;

/** All names between braces in texts, however deep they lie. */
export function namesInTemplate(template: unknown): string[] {
  if (typeof template === 'string') return Array.from(template.matchAll(PLACEHOLDER), ([, name = '']) => name.trim());
  if (typeof template !== 'object' || template === null) return [];
  return Object.values(template).flatMap(namesInTemplate);
}
