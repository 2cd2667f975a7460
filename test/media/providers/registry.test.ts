import { expect } from 'chai';
import type { SpokenAudio, TextToSpeech } from '../../../media/providers/provider.ts';
import { ProviderRegistry, type ProviderRegistryOptions } from '../../../media/providers/registry.ts';
import type { StageEvent } from '../../../media/providers/stage.ts';
import { collect } from '../../support/collect.ts';
import { CARTESIA_KEY, CartesiaServer } from '../../support/vendors/cartesia-server.ts';
import { SERVER_KEY, SERVER_MODEL } from '../../support/vendors/dialect.ts';
import { DIALECTS, startLanguageModel } from '../../support/vendors/language-model-server.ts';

const never = new AbortController().signal;

/** Says each clause in 10 ms of silence, and which voice was asked for. */
class SilentVoice implements TextToSpeech {
  readonly name = 'flite';
  readonly voices: string[] = [];

  async *speak(clauses: AsyncIterable<string>, voice: string): AsyncGenerator<SpokenAudio> {
    this.voices.push(voice);
    for await (const text of clauses) yield { pcm: { samples: new Int16Array(240), sampleRateHz: 24_000 }, text };
  }
}

const KEYS = { apiKey: 'k' };

function registry(
  access: ProviderRegistryOptions['access'],
  flite: TextToSpeech = new SilentVoice(),
): ProviderRegistry {
  return new ProviderRegistry({ access, flite, sampleRateHz: 24_000 });
}

describe('the providers of a server', () => {
  it('are those whose keys are there, the fastest first', () => {
    const none = registry({});
    expect(none.usable('language-model')).to.deep.equal([]);
    expect(none.usable('speech-to-text')).to.deep.equal([]);
    expect(none.usable('text-to-speech')).to.deep.equal(['flite']);
    const some = registry({ openai: KEYS, cerebras: KEYS, deepgram: KEYS, cartesia: KEYS });
    expect(some.usable('language-model')).to.deep.equal(['cerebras/gpt-oss-120b', 'openai/gpt-6-luna']);
    expect(some.usable('speech-to-text')).to.deep.equal(['deepgram/nova-3', 'openai/gpt-live-transcribe']);
    expect(some.usable('text-to-speech')).to.deep.equal(['cartesia/sonic-3.5', 'openai/gpt-4o-mini-tts', 'flite']);
  });

  it('end at OpenAI where they think, at Cartesia and flite where they speak, if keys allow', () => {
    const all = registry({
      openai: KEYS,
      groq: KEYS,
      cartesia: KEYS,
      compatible: { baseUrl: 'http://localhost:1/v1' },
    });
    expect(all.languageModel(['groq'], {}).name).to.equal('groq/openai/gpt-oss-120b > openai/gpt-6-luna');
    expect(all.languageModel(['openai/gpt-4.1', 'groq'], {}).name).to.equal(
      'openai/gpt-4.1 > groq/openai/gpt-oss-120b',
    );
    expect(all.textToSpeech([{ name: 'openai/tts-1' }], {}).name).to.equal('openai/tts-1 > cartesia/sonic-3.5 > flite');
    expect(all.textToSpeech([{ name: 'cartesia/sonic-3' }], {}).name).to.equal('cartesia/sonic-3 > flite');
    const few = registry({ groq: KEYS });
    expect(few.languageModel(['groq/llama-9'], {}).name).to.equal('groq/llama-9');
    expect(few.textToSpeech([], {}).name).to.equal('flite');
  });

  it('hear in real time or by utterance, as the model can', () => {
    const all = registry({ openai: KEYS, deepgram: KEYS, compatible: { baseUrl: 'http://localhost:1/v1' } });
    expect(all.speechToText(['openai'], {}).perUtterance).to.equal(false);
    expect(all.speechToText(['openai/whisper-1'], {}).perUtterance).to.equal(true);
    expect(all.speechToText(['compatible/whisper-large'], {}).perUtterance).to.equal(true);
    expect(all.speechToText(['deepgram/flux-general-en', 'openai/whisper-1'], {}).perUtterance).to.equal(false);
  });

  it('are refused by a code that tells what to do', () => {
    const some = registry({ openai: KEYS, compatible: { baseUrl: 'http://localhost:1/v1' } });
    const cases: [() => unknown, string, string][] = [
      [() => some.languageModel(['groq/llama-9'], {}), 'missing_key', 'GROQ_API_KEY'],
      [() => some.languageModel(['openai', 'bedrock'], {}), 'missing_key', 'AWS_SECRET_ACCESS_KEY'],
      [() => some.languageModel(['compatible'], {}), 'missing_model', 'compatible/llama3.2'],
      [() => some.languageModel(['opnai/gpt'], {}), 'unknown_provider', 'openai, cerebras'],
      [() => some.languageModel(['deepgram/nova-3'], {}), 'unsuitable_provider', 'no language model'],
      [() => some.speechToText(['deepgram/nova-3'], {}), 'missing_key', 'DEEPGRAM_API_KEY'],
      [() => some.speechToText(['groq'], {}), 'unsuitable_provider', 'no recogniser'],
      [() => some.textToSpeech([{ name: 'cartesia' }], {}), 'missing_key', 'CARTESIA_API_KEY'],
      [() => some.textToSpeech([{ name: 'nobody/x' }], {}), 'unknown_provider', 'cartesia, openai'],
    ];
    for (const [make, code, words] of cases) {
      expect(make, words).to.throw().that.includes({ name: 'ProviderConfigError', code });
      expect(make).to.throw(words);
    }
  });

  it('answer, and go on where one is down, with the settings of an agent', async () => {
    const [openai, groq] = await Promise.all([startLanguageModel(DIALECTS.openai), startLanguageModel(DIALECTS.groq)]);
    try {
      const events: StageEvent[] = [];
      const all = registry({
        openai: { apiKey: SERVER_KEY, baseUrl: `${openai.server.url}/v1` },
        groq: { apiKey: SERVER_KEY, baseUrl: `${groq.server.url}/openai/v1` },
      });
      groq.server.faults.push({ kind: 'status', status: 503 });
      const names = [`groq/${SERVER_MODEL}`, `openai/${SERVER_MODEL}`];
      const model = all.languageModel(names, { maxOutputTokens: 99 }, (event) => events.push(event));
      const { items, error } = await collect(model.generate({ messages: [{ role: 'user', text: 'Hi' }] }, never));
      expect(error).to.equal(undefined);
      expect(items[0]).to.deep.equal({ type: 'text', text: 'Hello' });
      expect(events.map(({ type, provider }) => `${type} ${provider}`)).to.deep.equal([
        `tried groq/${SERVER_MODEL}`,
        `failed groq/${SERVER_MODEL}`,
        `tried openai/${SERVER_MODEL}`,
      ]);
      expect(openai.server.requests[0]!.body.toString()).to.include('"max_output_tokens":99');
    } finally {
      await Promise.all([openai.server.close(), groq.server.close()]);
    }
  });

  it('share the circuit and the limit of a key over all calls', async () => {
    const cartesia = await CartesiaServer.start();
    const flite = new SilentVoice();
    const all = registry({ cartesia: { apiKey: CARTESIA_KEY, baseUrl: cartesia.vendor.url, concurrent: 1 } }, flite);
    try {
      const events: StageEvent[] = [];
      const call = () => all.textToSpeech([{ name: 'cartesia/sonic-3.5' }], {}, (event) => events.push(event));
      cartesia.vendor.server.faults.push({ kind: 'stalled', after: 1 });
      const speech = call().speak(each(['Hello there.']), '', never);
      const first = speech[Symbol.asyncIterator]();
      await first.next();
      const { items, error } = await collect(call().speak(each(['Hello.']), '', never));
      expect(error).to.equal(undefined);
      expect(items).to.have.length(1);
      expect(flite.voices).to.deep.equal(['slt']);
      expect(events.find(({ type }) => type === 'skipped')).to.include({ reason: 'no-capacity' });
      await first.return?.();
      events.length = 0;
      await collect(call().speak(each(['Hello.']), '', never));
      expect(events.map(({ type }) => type)).to.deep.equal(['tried']);
    } finally {
      all.close();
      await cartesia.close();
    }
  });

  it('are connected to ahead of the first turn', async () => {
    const cartesia = await CartesiaServer.start();
    const all = registry({ cartesia: { apiKey: CARTESIA_KEY, baseUrl: cartesia.vendor.url } });
    try {
      await all.connect();
      await all.connect();
      expect(cartesia.vendor.handshakes).to.equal(1);
    } finally {
      all.close();
      await cartesia.close();
    }
    await all.connect();
  });
});

async function* each(clauses: readonly string[]) {
  yield* clauses;
}
