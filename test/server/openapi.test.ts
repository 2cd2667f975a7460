import { expect } from 'chai';
import { describeApi } from '../../server/openapi.ts';
import { startTestServer } from '../support/running-server.ts';

describe('the description of the API', () => {
  const document = describeApi({ version: '1.2.3', demo: true, publicUrl: 'https://voice.example' });

  it('is OpenAPI 3.1 with the server, its version and its key', () => {
    expect(document.openapi).to.equal('3.1.0');
    expect(document.info.version).to.equal('1.2.3');
    expect(document.servers).to.deep.equal([{ url: 'https://voice.example' }]);
    expect(document.components?.securitySchemes).to.deep.equal({ apiKey: { type: 'http', scheme: 'bearer' } });
  });

  it('says what is sent and answered, by name', () => {
    const post = document.paths?.['/v2/sessions']?.post;
    expect(post).to.have.nested.property(
      'requestBody.content.application/json.schema.$ref',
      '#/components/schemas/NewSession',
    );
    expect(post)
      .to.have.nested.property('responses.201.content.application/json.schema.$ref')
      .that.includes('CreatedSession');
    expect(document.components?.schemas).to.include.keys(
      'NewSession',
      'Session',
      'SessionList',
      'Token',
      'Error',
      'Health',
    );
  });

  it('names every path that the server answers, with its methods', async () => {
    const server = await startTestServer();
    try {
      for (const [path, item] of Object.entries(document.paths ?? {})) {
        const url = path.replace('{id}', '00000000-0000-4000-8000-000000000000');
        for (const method of ['get', 'post', 'patch', 'delete', 'put'] as const) {
          const { status, body } = await server.request(method.toUpperCase(), url, method === 'get' ? undefined : {});
          const known = method in item;
          expect(status === 405, `${method} ${path} → ${status}`).to.equal(!known);
          if (status === 404) expect(body.error.code).to.equal('session_not_found');
        }
      }
    } finally {
      await server.close();
    }
  });
});
