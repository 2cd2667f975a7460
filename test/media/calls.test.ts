import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { JOIN, SocketClient } from '../support/socket-client.ts';
import { startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

describe('Calls, when workers die', function () {
  this.timeout(30_000);
  let server: TalkingServer;
  let clients: SocketClient[];

  beforeEach(async () => {
    clients = [];
    server = await startTalkingServer();
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    await server.close();
  });

  async function connect(): Promise<SocketClient> {
    const answer = await fetch(`${server.url}demo/sessions`, { method: 'POST' });
    const { token } = (await answer.json()) as { token: string };
    const client = await new SocketClient(server.url, token).connected();
    clients.push(client);
    return client;
  }

  const killMediaWorker = () => process.kill(server.media.mediaWorkerPids[0]!, 'SIGKILL');
  const killVoiceWorker = () => server.strike({ index: 0, fate: 'exit' });
  const noticed = (code: string) => server.log.lines.some(({ details }) => 'code' in details && details.code === code);

  async function carriesOver(client: SocketClient): Promise<void> {
    await eventually(() => noticed('media_worker_replaced') && noticed('voice_worker_replaced'));
    await client.event('move');
    expect(client.named('ended')).to.deep.equal([]);
    const { turnId } = await client.succeed('say', { text: 'Are you there?' });
    expect(turnId).to.not.equal('');
    const { consumer } = await client.succeed('consume', { participant: 'agent' });
    const moves = client.named('move') as unknown as { media: { consumer: { id: string } } }[];
    expect(moves.at(-1)?.media.consumer.id).to.equal(consumer.id);
  }

  it('carries a call over the deaths of both its workers at once', async () => {
    const client = await connect();
    await client.join();
    killMediaWorker();
    killVoiceWorker();
    await carriesOver(client);
  });

  it('carries a call over the death of its media worker while its voice worker is being replaced', async () => {
    const client = await connect();
    await client.join();
    killVoiceWorker();
    await eventually(() => noticed('voice_worker_lost'));
    killMediaWorker();
    await carriesOver(client);
  });

  it('carries a call over the death of its voice worker while its media worker is being replaced', async () => {
    const client = await connect();
    await client.join();
    killMediaWorker();
    await eventually(() => noticed('media_worker_lost'));
    killVoiceWorker();
    await carriesOver(client);
  });

  for (const [worker, kill] of Object.entries({ media: killMediaWorker, voice: killVoiceWorker })) {
    it(`asks clients that join while a ${worker} worker dies to try again, and takes them then`, async () => {
      const joining = await Promise.all([connect(), connect(), connect(), connect()]);
      const answers = joining.map((client) => client.ask('join', JOIN));
      kill();
      const codes = (await Promise.all(answers)).map(({ error }) => error?.code);
      expect(codes.filter((code) => code !== undefined && code !== 'server_busy')).to.deep.equal([]);
      await eventually(() => noticed(`${worker}_worker_replaced`));
      for (const [index, client] of joining.entries()) {
        if (codes[index]) await client.join();
        await client.succeed('say', { text: 'Are you there?' });
      }
    });
  }

  it('says that it is busy when text is typed while the voice worker is being replaced', async () => {
    const client = await connect();
    await client.join();
    killVoiceWorker();
    await eventually(() => noticed('voice_worker_lost'));
    expect(await client.refusal('say', { text: 'Are you there?' })).to.equal('server_busy');
  });

  it('closes while a client joins through a media worker that has stopped', async () => {
    const client = await connect();
    const pid = server.media.mediaWorkerPids[0]!;
    process.kill(pid, 'SIGSTOP');
    try {
      client.socket.emit('join', JOIN);
      await expectNoAnswerYet(client);
      await server.close();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  /** A request that follows the join is handled after it. */
  async function expectNoAnswerYet(client: SocketClient): Promise<void> {
    const outcome = await client.socket
      .timeout(200)
      .emitWithAck('mute', { muted: true })
      .catch(() => 'no answer');
    expect(outcome).to.equal('no answer');
  }
});
