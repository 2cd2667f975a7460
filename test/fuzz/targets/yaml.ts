/** Files of agents. A person wrote them, and a person may write anything. */
import * as fc from 'fast-check';
import { checkDefinition } from '../../../server/agent-definition.ts';
import { parseYaml } from '../../../server/agent-yaml.ts';
import { asText, expectUnpolluted, type FuzzTarget, ODD_VALUES } from '../fuzz-target.ts';

const FIELDS = ['name', 'greeting', 'prompt', 'voice', 'responder', 'turnHandling', 'tools', 'variables', 'webhook'];
const LINES = [
  'a: &a [x, x, x, x, x, x, x, x, x]', 'b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]', 'c: &c [*b, *b, *b, *b, *b, *b, *b]',
  'd: &d [*c, *c, *c, *c, *c, *c]', '<<: *a', '? {a: b}', '!!js/function x', '!!binary aGk=', '--- ', '...', '%YAML 1.3',
  'tools:', '  - type: http', '    name: t', '    description: d', '    url: https://e.example/{{arguments.q}}',
  '__proto__: {polluted: true}', 'constructor: {prototype: {polluted: true}}', 'greeting: |', '  text', '\t', '- ', '"',
]; // prettier-ignore

export function openYaml(): FuzzTarget {
  const value = fc.constantFrom(...ODD_VALUES).map((odd) => JSON.stringify(odd));
  const field = fc.tuple(fc.constantFrom(...FIELDS), value).map(([name, odd]) => `${name}: ${odd}`);
  const lines = fc.array(fc.oneof(fc.constantFrom(...LINES), field), { maxLength: 15 }).map((all) => all.join('\n'));
  return {
    inputs: asText(lines),
    words: [...LINES, '[', '{', '&a ', '*a ', ': ', '\n  ', '{{x}}'],
    run: (input) => {
      let content: unknown;
      try {
        content = parseYaml(input.toString('utf8'));
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('is not YAML')) return 'no YAML';
        throw error;
      }
      const { problems } = checkDefinition(content, {});
      expectUnpolluted();
      return problems ? `${problems[0]}`.slice(0, 40) : 'an agent';
    },
  };
}
