import { expect } from 'chai';
import { agent } from '../../../media/agent/agent.ts';
import { stagesOf, type DefaultNames } from '../../../media/providers/agent-stages.ts';
import type { VendorAccess } from '../../../media/providers/vendor-access.ts';

const KEY = { apiKey: 'k' };
const both: VendorAccess = { openai: KEY, deepgram: KEY };

const stages = (over: object, access: VendorAccess = both, defaults: DefaultNames = {}) =>
  stagesOf(agent.parse({ name: 'a', responder: 'llm', ...over }), access, defaults);

describe('whom an agent hears, thinks and speaks with', () => {
  it('is whom it names, else whom the environment names, else all with keys', () => {
    expect(stages({ llm: { model: 'openai/gpt-4.1' } }).llm).to.deep.equal(['openai/gpt-4.1']);
    expect(stages({}, both, { llm: ['openai/gpt-5'] }).llm).to.deep.equal(['openai/gpt-5']);
    expect(stages({}).llm).to.deep.equal(['openai/gpt-6-luna']);
    expect(stages({}).stt).to.deep.equal(['deepgram/nova-3', 'openai/gpt-live-transcribe']);
    expect(stages({}, both, { tts: ['flite'] }).tts).to.deep.equal([{ name: 'flite', voice: 'slt' }]);
  });

  it('is without those whose keys are missing, as long as somebody is left', () => {
    const llm = { model: 'groq/x', fallbacks: ['openai', 'anthropic'] };
    expect(stages({ llm }).llm).to.deep.equal(['openai']);
  });

  it('gives the voice to the first voice alone, also where that cannot be used', () => {
    const tts = { model: 'cartesia', voice: 'v', fallbacks: ['openai'] };
    expect(stages({ tts }, { ...both, cartesia: KEY }).tts).to.deep.equal([
      { name: 'cartesia', voice: 'v' },
      { name: 'openai' },
    ]);
    expect(stages({ tts }).tts).to.deep.equal([{ name: 'openai' }]);
  });

  it('is refused where nobody is left, with the variables that would bring each', () => {
    const cases: [object, VendorAccess, string, string][] = [
      [{}, { deepgram: KEY }, 'missing_key', 'there is no language model: set OPENAI_API_KEY'],
      [{}, { groq: KEY }, 'missing_key', 'there is no recogniser: set DEEPGRAM_API_KEY'],
      [
        { llm: { model: 'groq/x', fallbacks: ['bedrock'] } },
        both,
        'missing_key',
        'set GROQ_API_KEY for groq/x, or AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for bedrock',
      ],
      [{ tts: { model: 'cartesia' } }, both, 'missing_key', 'no voice can be used: set CARTESIA_API_KEY for cartesia'],
      [{ llm: { model: 'opnai/x' } }, both, 'unknown_provider', 'there is no provider "opnai"'],
      [{ stt: { model: 'openai', fallbacks: ['groq'] } }, both, 'unsuitable_provider', 'groq has no recogniser'],
      [{ llm: { model: 'compatible' } }, both, 'missing_model', 'compatible/llama3.2'],
    ];
    for (const [over, access, code, words] of cases) {
      expect(() => stages(over, access), words)
        .to.throw(words)
        .with.property('code', code);
    }
  });
});
