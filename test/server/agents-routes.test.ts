import { expect } from 'chai';
import { createAgentFolder } from '../support/agent-folder.ts';
import type { AgentFolder } from '../support/agent-folder.ts';
import { becomes } from '../support/becomes.ts';
import { startTestServer } from '../support/running-server.ts';
import type { Answer, TestServer } from '../support/running-server.ts';

type Listed = { file: string; name?: string; state: string; version?: string; problems: string[] };

describe('/v2/agents', () => {
  let folder: AgentFolder;
  let server: TestServer;

  beforeEach(async () => {
    folder = await createAgentFolder();
    await folder.write('a.yaml', 'name: anna\ngreeting: Hello {{name}}.\nvariables: { name: { required: true } }');
    server = await startTestServer({ AGENTS_DIR: folder.folder, API_KEYS: 'a-key-of-sixteen-characters' });
  });

  afterEach(async () => {
    await server.close();
    await folder.remove();
  });

  const headers = { Authorization: 'Bearer a-key-of-sixteen-characters' };
  const ask = (method: string, path: string, body?: object) => server.request(method, path, body, headers);
  const listed = ({ body }: Answer) => (body as unknown as { agents: Listed[] }).agents;

  it('lists the agents, for those with a key', async () => {
    expect((await server.request('GET', '/v2/agents')).status).to.equal(401);
    const answer = await ask('GET', '/v2/agents');
    expect(answer.body).to.include({ default: 'anna' });
    expect(listed(answer)).to.have.lengthOf(1);
    expect(listed(answer)[0]).to.include({ file: 'a.yaml', name: 'anna', state: 'ok' });
  });

  it('says what is wrong with a file while its agent goes on as it was', async () => {
    await folder.write('a.yaml', 'name: anna\nvoice: nobody');
    await folder.write('b.yaml', 'name: [');
    let agents: Listed[] = [];
    await becomes(async () => {
      agents = listed(await ask('GET', '/v2/agents'));
      expect(agents.map(({ file, name, state }) => [file, name, state])).to.deep.equal([
        ['a.yaml', 'anna', 'last-good'],
        ['b.yaml', undefined, 'broken'],
      ]);
    });
    expect(agents[0]!.problems[0]).to.include('voice');
    const { status, body } = await ask('POST', '/v2/sessions', { variables: { name: 'Ada' } });
    expect([status, body.agent]).to.deep.equal([201, 'anna']);
  });

  it('has sessions give what an agent needs, and nothing that it does not know', async () => {
    const missing = await ask('POST', '/v2/sessions', { variables: { nmae: 'Ada' } });
    expect([missing.status, missing.body.error.code]).to.deep.equal([400, 'invalid_variables']);
    expect(missing.body.error.message).to.include('nmae is not known').and.include('name is missing');
    const { id } = (await ask('POST', '/v2/sessions', { variables: { name: 'Ada' } })).body;
    expect((await ask('PATCH', `/v2/sessions/${id}`, { variables: { name: 7 } })).status).to.equal(400);
    expect((await ask('PATCH', `/v2/sessions/${id}`, { variables: { name: 'Bo' } })).status).to.equal(200);
  });

  it('names the version that a session was opened with', async () => {
    const [{ version } = {}] = listed(await ask('GET', '/v2/agents'));
    const { id } = (await ask('POST', '/v2/sessions', { variables: { name: 'Ada' } })).body;
    expect((await ask('GET', `/v2/sessions/${id}`)).body).to.deep.include({ agentVersion: version });
  });
});
