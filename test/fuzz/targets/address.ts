/** Arguments that a model gives to an HTTP tool: whatever they are, the author's host and path are asked, and no other. */
import * as fc from 'fast-check';
import { AddressGuard } from '../../../media/tools/address-guard.ts';
import { renderJson, renderOptional, renderUrl } from '../../../media/tools/template.ts';
import { ToolError } from '../../../media/tools/tool-error.ts';
import { asJson, expectUnpolluted, type FuzzTarget, jsonOf, oddJson } from '../fuzz-target.ts';

const TEMPLATE = 'https://api.example.com/v1/{{arguments.a}}/orders/{{arguments.b}}?c={{arguments.c}}&d={{name}}';
const HOSTILE = [
  '..', '.', '%2e%2e', '../../admin', '//evil.example', '@evil.example', '\\evil.example', '?x=1', '#', '\r\nHost: evil',
  '{{secrets.KEY}}', '{{arguments.a}}', '%00', '\u2025', '\uff0e\uff0e', ':80', 'javascript:', 'http://169.254.169.254/',
]; // prettier-ignore
const SECRET = 'a-secret-that-nobody-may-see';

export function openAddress(): FuzzTarget {
  const guard = new AddressGuard();
  const value = fc.oneof(fc.constantFrom<unknown>(...HOSTILE), oddJson);
  return {
    inputs: asJson(fc.record({ a: value, b: value, c: value, name: value }, { requiredKeys: [] })),
    shape: 'json',
    words: HOSTILE,
    run: (input) => {
      const given = jsonOf(input);
      if (typeof given !== 'object' || given === null) return 'no object';
      const { name } = given as { name?: unknown };
      const values = { variables: { name }, arguments: given as Record<string, unknown>, secrets: { KEY: SECRET } };
      try {
        const url = renderUrl(TEMPLATE, values);
        checkUrl(url);
        guard.check(url);
        renderOptional('{{arguments.a}}', values);
        if (JSON.stringify(renderJson({ a: ['{{arguments.a}}', 'x{{arguments.b}}'] }, values)).includes(SECRET)) {
          throw new Error('a secret was named by an argument');
        }
        expectUnpolluted();
        return `taken ${url.searchParams.size}`;
      } catch (error) {
        if (error instanceof ToolError) return error.code;
        throw error;
      }
    },
  };
}

function checkUrl({ href, origin, pathname, username }: URL): void {
  const segments = pathname.split('/');
  const kept = origin === 'https://api.example.com' && username === '' && segments.length === 5;
  if (!kept || segments[1] !== 'v1' || segments[3] !== 'orders') throw new Error('the address is another one');
  if (href.includes(SECRET)) throw new Error('a secret was named by an argument');
}
