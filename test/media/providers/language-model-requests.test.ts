/** What a vendor is sent, and how the SDK's own ways are kept from a conversation. */
import { expect } from 'chai';
import { DEFAULT_LANGUAGE_MODELS } from '../../../media/providers/defaults.ts';
import type { LanguageModelAccess } from '../../../media/providers/language-model-vendors.ts';
import { type LanguageModelOptions, VendorLanguageModel } from '../../../media/providers/language-model.ts';
import type { LanguageModelRequest } from '../../../media/providers/provider.ts';
import { collect } from '../../support/collect.ts';
import { SERVER_KEY, SERVER_MODEL } from '../../support/vendors/dialect.ts';
import { DIALECTS, startLanguageModel } from '../../support/vendors/language-model-server.ts';
import { VendorServer } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
const HELLO: LanguageModelRequest = { messages: [{ role: 'user', text: 'Hello?' }] };

/** What a vendor is asked for when nothing but the model is configured; the server takes any model. */
async function requestTo(access: (url: string) => LanguageModelAccess, options: Partial<LanguageModelOptions>) {
  const server = await VendorServer.start({
    refusal: () => '{}',
    handle: () => ({ contentType: 'text/event-stream', pieces: [], malformed: '' }),
  });
  try {
    const model = new VendorLanguageModel({ model: SERVER_MODEL, ...options, access: access(server.url) });
    await collect(model.generate(HELLO, never));
    return JSON.parse(server.requests[0]!.body.toString()) as Record<string, unknown>;
  } finally {
    await server.close();
  }
}

describe('what a language model is asked for', () => {
  const keyed = (vendor: 'openai' | 'cerebras' | 'groq' | 'google' | 'anthropic') => (url: string) =>
    ({ vendor, apiKey: SERVER_KEY, baseUrl: url }) as const;
  const compatible = (url: string): LanguageModelAccess => ({ vendor: 'compatible', baseUrl: url });

  it('is to reason as little as the model can', async () => {
    const { openai, cerebras, groq, google, anthropic } = DEFAULT_LANGUAGE_MODELS;
    expect(await requestTo(keyed('openai'), { model: openai })).to.deep.include({ reasoning: { effort: 'none' } });
    expect(await requestTo(keyed('cerebras'), { model: cerebras })).to.include({ reasoning_effort: 'low' });
    expect(await requestTo(keyed('cerebras'), { model: 'qwen-3.8-27b' })).to.include({ reasoning_effort: 'none' });
    expect(await requestTo(keyed('groq'), { model: groq })).to.include({ reasoning_effort: 'low' });
    expect(await requestTo(keyed('anthropic'), { model: anthropic })).to.deep.include({
      thinking: { type: 'disabled' },
    });
    const { generationConfig } = await requestTo(keyed('google'), { model: google });
    expect(generationConfig).to.deep.include({ thinkingConfig: { thinkingLevel: 'minimal' } });
  });

  it('is to reason as much as is configured', async () => {
    const options = { model: DEFAULT_LANGUAGE_MODELS.openai, reasoningEffort: 'medium' } as const;
    expect(await requestTo(keyed('openai'), options)).to.deep.include({ reasoning: { effort: 'medium' } });
  });

  it('says nothing of reasoning to an address that may serve anything', async () => {
    expect(await requestTo(compatible, {})).not.to.have.property('reasoning_effort');
    expect(await requestTo(compatible, { reasoningEffort: 'low' })).to.include({ reasoning_effort: 'low' });
  });

  it('is never more than what may be said in a turn', async () => {
    expect(await requestTo(keyed('anthropic'), { model: 'a-model-of-tomorrow' })).to.include({ max_tokens: 1_024 });
    expect(await requestTo(compatible, { maxOutputTokens: 77, temperature: 0.2 })).to.include({
      max_tokens: 77,
      temperature: 0.2,
    });
  });

  it('is not to be kept by OpenAI', async () => {
    expect(await requestTo(keyed('openai'), {})).to.include({ store: false });
  });

  it('is asked for once, also where asking again might help', async () => {
    let asked = 0;
    const server = await VendorServer.start({
      refusal: () => '{}',
      handle: () => {
        asked++;
        return { status: 503, body: '{"error":{"message":"overloaded"}}' };
      },
    });
    try {
      const model = new VendorLanguageModel({ access: compatible(server.url), model: SERVER_MODEL });
      const { error } = await collect(model.generate(HELLO, never));
      expect(error).to.include({ code: 'vendor_failed', retryable: true, status: 503 });
      expect((error as Error).message).to.equal(`compatible/${SERVER_MODEL}: HTTP 503: overloaded`);
      expect(asked).to.equal(1);
    } finally {
      await server.close();
    }
  });

  it('is refused by a code where nobody listens', async () => {
    const server = await VendorServer.start({ refusal: () => '{}' });
    const { url } = server;
    await server.close();
    const model = new VendorLanguageModel({ access: compatible(url), model: SERVER_MODEL });
    const { error } = await collect(model.generate(HELLO, never));
    expect(error).to.include({ code: 'connect_failed', retryable: true });
    expect((error as Error).message).to.include('ECONNREFUSED');
  });
});

describe('a language model that speaks chat completions', () => {
  const access = (url: string): LanguageModelAccess => ({
    vendor: 'compatible',
    baseUrl: `${url}/v1`,
    apiKey: SERVER_KEY,
  });

  it('is not taken at its word where the arguments of a call are no JSON', async () => {
    const { server, say } = await startLanguageModel(DIALECTS.compatible);
    try {
      say({ text: [], calls: [{ id: 'call_1', name: 'get_weather', arguments: '{"city":"Ro' }] });
      const tools = [{ name: 'get_weather', description: 'The weather', parameters: { type: 'object' } }];
      const model = new VendorLanguageModel({ access: access(server.url), model: SERVER_MODEL });
      const { items, error } = await collect(model.generate({ ...HELLO, tools }, never));
      expect(error).to.equal(undefined);
      expect(items[0]).to.include({ type: 'invalid-tool-call', id: 'call_1', name: 'get_weather' });
    } finally {
      await server.close();
    }
  });

  it('fails by a code where it tells of an error within its answer', async () => {
    const overloaded =
      'data: {"error":{"message":"model is overloaded","type":"server_error","code":"overloaded"}}\n\n';
    const server = await VendorServer.start({
      refusal: () => '{}',
      handle: () => ({ contentType: 'text/event-stream', pieces: [overloaded], malformed: '' }),
    });
    try {
      const model = new VendorLanguageModel({ access: access(server.url), model: SERVER_MODEL });
      const { error } = await collect(model.generate(HELLO, never));
      expect(error).to.include({ code: 'vendor_failed', retryable: true });
      expect((error as Error).message).to.include('model is overloaded');
    } finally {
      await server.close();
    }
  });
});
