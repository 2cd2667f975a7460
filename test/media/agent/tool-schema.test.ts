import { expect } from 'chai';
import { agent } from '../../../media/agent/agent.ts';
import { checkDefinition, toolValuesOf } from '../../../server/agent-definition.ts';
import { namesUsedBy, tool, tools } from '../../../media/agent/tool-schema.ts';

const http = { type: 'http', name: 'ask', description: 'Asks.', url: 'https://a.example/' };

describe('the declaration of a tool', () => {
  it('takes methods for what HTTP says of them, unless the author knows better', () => {
    const idempotent = (fields: object) => (tool.parse({ ...http, ...fields }) as { idempotent: boolean }).idempotent;
    expect(['GET', 'PUT', 'DELETE'].map((method) => idempotent({ method }))).to.deep.equal([true, true, true]);
    expect(['POST', 'PATCH'].map((method) => idempotent({ method }))).to.deep.equal([false, false]);
    expect(idempotent({ method: 'POST', idempotent: true })).to.equal(true);
  });

  const refused: [string, object][] = [
    ['parameters that are no object', { parameters: { type: 'string' } }],
    ['parameters that cannot be checked', { parameters: { type: 'object', if: {} } }],
    [
      'parameters with a broken pattern',
      { parameters: { type: 'object', properties: { a: { type: 'string', pattern: '(' } } } },
    ],
    ['a name that models do not take', { name: 'has spaces' }],
    ['a field that it does not know', { retries: 3 }],
    ['a header that is no name', { headers: { 'a b': 'c' } }],
  ];
  for (const [what, fields] of refused) {
    it(`refuses ${what}`, () => expect(tool.safeParse({ ...http, ...fields }).success).to.equal(false));
  }

  it('refuses two tools of one name', () => {
    const { error } = tools.safeParse([http, { ...http, type: 'client', url: undefined }, http]);
    expect(error?.issues.at(-1)).to.deep.include({ path: [2, 'name'] });
  });

  it('is one of an agent, whatever its kind, and says of others what there is', () => {
    const agentOf = (...declared: object[]) => agent.safeParse({ name: 'a', tools: declared });
    const client = { type: 'client', name: 'show', description: 'Shows.' };
    const builtIn = { type: 'built-in', name: 'end_call' };
    expect(agentOf(http, { ...http, name: 'order', method: 'POST' }, client, builtIn).success).to.equal(true);
    const problems = [
      [{ ...http, query: { a: '{{unknown}}' } }, 'has {{unknown}}, but the agent declares no variable "unknown"'],
      [{ ...builtIn, name: 'fly' }, 'must be end_call or send_text'],
      [{ ...client, type: 'page' }, 'must be http, client, code (in an agents/*.ts) or built-in'],
      [{ ...client, parameters: { type: 'string' } }, 'must be a JSON schema with "type": "object"'],
    ] as const;
    for (const [declared, problem] of problems) {
      expect(agentOf(declared).error?.issues.map(({ message }) => message)).to.deep.equal([problem]);
    }
    expect(agentOf(builtIn, { ...client, name: 'end_call' }).error?.issues[0]?.message).to.equal('is declared twice');
  });

  it('may be code in the files of the operator alone', () => {
    const module = 'file:///etc/anything.ts';
    const content = { name: 'a', tools: [{ type: 'code', name: 'run', description: 'Runs.', module }] };
    expect(checkDefinition(content, {}).problems).to.deep.equal([
      'tools of the type code can be declared in an agents/*.ts alone, each with its function run',
    ]);
    expect(checkDefinition(content, {}, true).problems).to.equal(undefined);
  });

  it('names a secret that there is, or the agent is refused', () => {
    const content = { name: 'a', tools: [{ ...http, headers: { key: '{{secrets.KEY}}' } }] };
    expect(checkDefinition(content, {}).problems).to.deep.equal([
      'tools use a secret KEY that there is not: add it to AGENT_SECRETS',
    ]);
    const { definition } = checkDefinition(content, { KEY: 'k', OTHER: 'o' }).agent!;
    expect(toolValuesOf(definition, {}, { KEY: 'k', OTHER: 'o' })).to.deep.equal({
      variables: {},
      secrets: { KEY: 'k' },
    });
  });

  it('names the variables and secrets that it uses', () => {
    const used = { ...http, url: 'https://a.example/{{ shop }}/{{arguments.id}}', headers: { key: '{{secrets.KEY}}' } };
    const withBody = { ...used, method: 'POST', body: { list: ['{{table}}', 7] } };
    const code = { type: 'code', name: 'a', description: 'a', module: 'file:///a.ts', secrets: ['KEY'] };
    expect(namesUsedBy(tool.parse(code))).to.deep.equal({ variables: [], secrets: ['KEY'] });
    expect(namesUsedBy(tool.parse(withBody))).to.deep.equal({ variables: ['shop', 'table'], secrets: ['KEY'] });
  });

  it('can be written as a JSON schema, for the API', async () => {
    const { z } = await import('zod');
    expect(z.toJSONSchema(tools, { io: 'input' })).to.have.property('type', 'array');
  });
});
