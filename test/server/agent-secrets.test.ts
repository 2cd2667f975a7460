import { Writable } from 'node:stream';
import { expect } from 'chai';
import { createLog } from '../../server/log.ts';
import { readConfig } from '../../server/config.ts';
import { startServer } from '../../server/server.ts';
import type { RunningServer } from '../../server/server.ts';
import { createAgentFolder } from '../support/agent-folder.ts';
import type { AgentFolder } from '../support/agent-folder.ts';
import { BACKEND_SECRET, ConfigBackend, json } from '../support/config-backend.ts';
import { eventually } from '../support/eventually.ts';
import { FakeCalls } from '../support/fake-calls.ts';
import { JOIN, SocketClient } from '../support/socket-client.ts';

const FILE = 'file-secret-11';
const ENVIRONMENT = 'environment-secret-22';
const BACKEND = 'backend-secret-33';
const CAMPAIGN = 'campaign-secret-44';

describe('secrets of agents', () => {
  let folder: AgentFolder;
  let backend: ConfigBackend;
  let server: RunningServer;
  /** Everything that leaves the server. */
  let told = '';

  const log = createLog({
    level: 'trace',
    destination: new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        told += chunk.toString();
        done();
      },
    }),
  });

  const ask = async (method: string, path: string, body?: object): Promise<Record<string, string>> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    told += `${JSON.stringify([...response.headers])} ${answer}`;
    return answer.startsWith('{') ? (JSON.parse(answer) as Record<string, string>) : {};
  };

  const hook = (name: string) => ({ webhook: { url: 'http://127.0.0.1:9/', secret: name } });

  before(async () => {
    folder = await createAgentFolder();
    backend = await new ConfigBackend().start();
    await folder.write('a.yaml', `name: a\nsecrets: { F: ${FILE} }\nwebhook: { url: "http://x.example/", secret: F }`);
    backend.answer = json(200, {
      agent: { ...hook('B'), secrets: { B: BACKEND } },
      campaignOverrides: { ...hook('C'), secrets: { C: CAMPAIGN } },
    });
    const config = readConfig({
      PORT: '0',
      DRAIN_TIMEOUT_MS: '0',
      AGENTS_DIR: folder.folder,
      AGENT_SECRETS: JSON.stringify({ E: ENVIRONMENT }),
      AGENT_CONFIG_URL: backend.url,
      AGENT_CONFIG_SECRET: BACKEND_SECRET,
    });
    server = await startServer({ config, createCalls: async () => new FakeCalls(), log });
  });

  after(async () => {
    await server.close();
    await backend.stop();
    await folder.remove();
  });

  it('are in no answer, event or line of the log, whatever goes wrong', async () => {
    await ask('POST', '/v2/sessions', { agent: 'a' });
    const { id, token } = await ask('POST', '/v2/sessions', { agent: 'remote', campaign: 'spring' });
    using client = await new SocketClient(server.url, token).connected();
    told += JSON.stringify(await client.succeed('join', JOIN));
    await ask('POST', '/v2/sessions', { agent: 'remote', overrides: { voice: 'nobody' } });
    await ask('POST', '/v2/sessions', { agent: 'a', variables: { F: 1 } });
    backend.answer = json(200, { agent: { secrets: { B: [BACKEND] }, webhook: BACKEND, [BACKEND.slice(0, 4)]: 1 } });
    await ask('POST', '/v2/sessions', { agent: 'another' });
    await backend.stop();
    await ask('POST', '/v2/sessions', { agent: 'another', campaign: 'autumn' });
    await folder.write('a.yaml', `name: a\nsecrets: { F: [${FILE}] }\nwebhook: ${FILE}`);
    await folder.write('b.yaml', `name: b\nsecrets: { F: "${FILE}`);
    await eventually(() => told.includes('b.yaml') && told.includes('"a.yaml"'));
    for (const path of ['/v2/agents', '/v2/sessions', `/v2/sessions/${id}`, '/health', '/metrics', '/openapi.json']) {
      await ask('GET', path);
    }
    await ask('DELETE', `/v2/sessions/${id}`);
    await eventually(() => client.events.some(({ name }) => name === 'ended'));
    told += JSON.stringify(client.events);
    expect(told).to.include('last-good').and.include('the backend gave no configuration');
    for (const secret of [FILE, ENVIRONMENT, BACKEND, CAMPAIGN, BACKEND_SECRET]) expect(told).to.not.include(secret);
  });
});
