import { expect } from 'chai';
import { createAgentFolder } from '../support/agent-folder.ts';
import type { AgentFolder } from '../support/agent-folder.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { rejection } from '../support/rejection.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';

const GROQ = 'name: quick\nresponder: llm\nllm: { model: groq/llama-9 }';

describe('an agent whose vendors have no key here', () => {
  let folder: AgentFolder;

  beforeEach(async () => {
    folder = await createAgentFolder();
    await folder.write('quick.yaml', GROQ);
  });

  afterEach(() => folder.remove());

  it('is refused with the variable that it needs, before anybody talks to it; others are served', async () => {
    await folder.write('parrot.yaml', 'name: parrot');
    const server = await startTestServer({ AGENTS_DIR: folder.folder, DEEPGRAM_API_KEY: 'k' });
    try {
      const { status, body } = await server.request('POST', '/v2/sessions', { agent: 'quick' });
      expect([status, body.error.code]).to.deep.equal([503, 'agent_unavailable']);
      expect(body.error.message).to.include('"quick"').and.include('set GROQ_API_KEY for groq/llama-9');
      expect((await server.request('POST', '/v2/sessions', {})).status).to.equal(201);
      expect(server.log.lines.map(({ message }) => message).join()).to.include('set GROQ_API_KEY');
    } finally {
      await server.close();
    }
  });

  it('is served once there is one', async () => {
    const server = await startTestServer({ AGENTS_DIR: folder.folder, DEEPGRAM_API_KEY: 'k', GROQ_API_KEY: 'k' });
    try {
      expect((await server.request('POST', '/v2/sessions', {})).body.agent).to.equal('quick');
    } finally {
      await server.close();
    }
  });

  it('keeps a server from starting whose default it is', async () => {
    const error = await rejection(startTestServer({ AGENTS_DIR: folder.folder, DEEPGRAM_API_KEY: 'k' }));
    expect(error).to.include({ name: 'AgentUnavailable', agent: 'quick' });
    expect(error).to.have.property('message').that.includes('GROQ_API_KEY');
  });
});

describe('the keys of vendors in a fleet', function () {
  this.timeout(60_000);
  let redis: RedisServer;
  const pods: TestServer[] = [];

  before(async () => {
    redis = await RedisServer.start();
  });

  after(async () => {
    await Promise.all(pods.map((pod) => pod.close()));
    await redis.stop();
  });

  async function start(name: string): Promise<TestServer> {
    const secret = { TOKEN_SECRET: 'a secret of more than thirty-two characters' };
    const pod = await startTestServer({ POD_ID: name, REDIS_URL: redis.url, ...secret });
    pods.push(pod);
    return pod;
  }

  it('are shared by the pods that live, whenever that changes', async () => {
    const first = await start('pod-0');
    expect(first.calls.livePods).to.equal(1);
    const second = await start('pod-1');
    await eventually(() => first.calls.livePods === 2 && second.calls.livePods === 2, 20_000);
    await second.close();
    await eventually(() => first.calls.livePods === 1, 20_000);
  });
});
