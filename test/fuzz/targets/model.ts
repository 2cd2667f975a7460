/** What a vendor of language models may stream, in each dialect. */
import * as fc from 'fast-check';
import { ProviderError } from '../../../media/providers/errors.ts';
import type { LanguageModelAccess } from '../../../media/providers/language-model-vendors.ts';
import { VendorLanguageModel } from '../../../media/providers/language-model.ts';
import type { LanguageModelPart } from '../../../media/providers/provider.ts';
import { collect } from '../../support/collect.ts';
import { DIALECTS } from '../../support/vendors/language-model-server.ts';
import { type FuzzTarget, expectUnpolluted, inTime, ODD_VALUES } from '../fuzz-target.ts';
import { startLooseVendor } from './vendor-frames.ts';

const VENDORS = ['openai', 'compatible', 'anthropic', 'google'] as const;
const REPLIES = [
  { text: ['Hello', ' there.'] },
  { text: [], calls: [{ id: 'c1', name: 'get_weather', arguments: '{"city":"Rome"}' }] },
  { text: ['a'], cutOff: true },
];
const TOOL = {
  name: 'get_weather',
  description: 'The weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };

/** The first byte tells the vendor, the rest is what it answers. */
export async function openModel(): Promise<FuzzTarget> {
  const vendor = await startLooseVendor();
  const common = { apiKey: 'key', baseUrl: vendor.url };
  const access = (name: (typeof VENDORS)[number]): LanguageModelAccess => ({ vendor: name, ...common });
  const models = VENDORS.map((name) => new VendorLanguageModel({ access: access(name), model: 'm', timeouts: LONG }));
  const answer = fc.tuple(fc.nat(VENDORS.length - 1), fc.constantFrom(...REPLIES)).map(([which, reply]) => {
    const pieces = DIALECTS[VENDORS[which]!].pieces(reply).map(String);
    return Buffer.from(String.fromCharCode(48 + which) + pieces.join(''));
  });
  return {
    inputs: answer,
    words: ['data: ', '\n\n', 'event: error\n', '[DONE]', ...ODD_VALUES.map((odd) => JSON.stringify(odd))],
    run: async (input) => {
      const which = (input[0] ?? 0) % VENDORS.length;
      vendor.say.contentType = DIALECTS[VENDORS[which]!].contentType;
      vendor.say.frames = () => [input.toString('utf8', 1)];
      const signal = new AbortController().signal;
      const request = { messages: [{ role: 'user' as const, text: 'Hello?' }], tools: [TOOL] };
      const { items, error } = await inTime(collect(models[which]!.generate(request, signal)), 'the end of a reply');
      if (error !== undefined && !(error instanceof ProviderError))
        throw new Error('no ProviderError', { cause: error });
      for (const item of items) check(item);
      expectUnpolluted();
      const kinds = new Set(items.map(({ type }) => type));
      return `${VENDORS[which]} ${[...kinds].join()} ${error === undefined ? 'whole' : error.code}`;
    },
    close: () => vendor.close(),
  };
}

function check(part: LanguageModelPart): void {
  if (part.type === 'text' && typeof part.text !== 'string') throw new Error(`a text that is a ${typeof part.text}`);
  if (part.type === 'tool-call' && typeof part.name !== 'string') throw new Error('a tool without a name');
  if (part.type === 'usage' && !(Number.isFinite(part.inputTokens) && Number.isFinite(part.outputTokens))) {
    throw new Error('a cost that is no number');
  }
}
