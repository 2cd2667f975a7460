import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { OpenAiTranscription } from '../../../media/providers/openai-transcription.ts';
import type { SpeechToTextEvent } from '../../../media/providers/provider.ts';
import { readText, vendorFetch } from '../../../media/providers/vendor-fetch.ts';
import { rejection } from '../../support/rejection.ts';

const ENDLESS = 'x'.repeat(65_536);
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };

describe('what a vendor answers', () => {
  let server: Server;
  let url: string;
  let asked: string[];

  /** Writes for as long as anybody reads. */
  const writeOn = (response: ServerResponse): void => {
    while (!response.destroyed && response.write(ENDLESS));
    if (!response.destroyed) response.once('drain', () => writeOn(response));
  };

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      request.resume();
      if (request.url?.startsWith('/elsewhere')) response.writeHead(307, { location: `${url}/secret` }).end();
      else if (request.url?.startsWith('/refusing')) writeOn(response.writeHead(400, { 'content-type': 'text/plain' }));
      else if (request.url?.startsWith('/stalling')) response.writeHead(200).write('{"text":');
      else writeOn(response.writeHead(200));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const fetchOf = () => vendorFetch({ provider: 'vendor', connectMs: 15_000 });

  it('leads nobody elsewhere, with a key or without', async () => {
    const error = await rejection(fetchOf()(`${url}/elsewhere`, { headers: { 'x-api-key': 'a secret' } }));
    expect(error).to.include({ code: 'connect_failed' });
    expect(asked).to.deep.equal(['/elsewhere']);
  });

  it('is read no further than it is of use, where it refuses without an end', async () => {
    const error = await rejection(fetchOf()(`${url}/refusing`));
    expect(error).to.include({ code: 'invalid_request' });
    expect((error as Error).message.length).to.be.below(1_000);
  });

  it('is cut where it is too long, also in the middle of a character', async () => {
    const whole = await readText(new Response('grün'), 100);
    expect(whole).to.deep.equal({ text: 'grün', whole: true });
    expect(await readText(new Response('grün'), 3)).to.deep.equal({ text: 'gr', whole: false });
    expect(await readText(new Response(null), 3)).to.deep.equal({ text: '', whole: true });
  });

  for (const [where, code] of [
    ['endless', 'malformed_response'],
    ['stalling', 'stalled'],
  ] as const) {
    it(`is no transcription where it is ${where}`, async () => {
      const timeouts = { ...LONG, ...(where === 'stalling' && { stallMs: 200 }) };
      const recogniser = new OpenAiTranscription({
        vendor: 'openai',
        model: 'm',
        baseUrl: `${url}/${where}`,
        timeouts,
      });
      const stream = recogniser.open({}, new AbortController().signal);
      stream.write(new Int16Array(3_200));
      stream.flush();
      const events: SpeechToTextEvent[] = [];
      for await (const event of stream) events.push(event);
      expect(events).to.have.lengthOf(1);
      expect(events[0]).to.have.nested.property('error.code', code);
    });
  }
});
