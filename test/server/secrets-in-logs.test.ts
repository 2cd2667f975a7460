import { expect } from 'chai';
import { startTestServer } from '../support/running-server.ts';
import { SocketClient } from '../support/socket-client.ts';

const API_KEYS = 'a-key-of-sixteen-characters';
const SPOKEN = 'what-the-caller-said';
const SECRETS = {
  API_KEYS,
  TOKEN_SECRET: 'a secret of more than thirty-two characters',
  OPENAI_API_KEY: 'sk-secret-0123456789',
  WEBHOOK_URL: 'http://127.0.0.1:9/hook?key=secret-of-the-hook',
  WEBHOOK_SECRET: 'another secret of more than thirty-two characters',
  AGENT_SECRETS: '{"CRM":"secret-of-the-crm"}',
};

/** A line with all that its error has, also what a logger might write of it one day. */
const wholeOf = (details: object): unknown[] =>
  Object.values(details).map((value: unknown) =>
    value instanceof Error ? [value.message, value.stack, Object.entries(value), String(value.cause)] : value,
  );

describe('the log of a whole server', () => {
  it('has no key, no token and no word of a caller in any line, however wrong the requests are', async () => {
    const server = await startTestServer({ ...SECRETS, HOST: '127.0.0.1' });
    const withKey = { Authorization: `Bearer ${API_KEYS}` };
    try {
      const { id, token } = await server.open({ metadata: { note: SPOKEN } });
      using client = await new SocketClient(server.origin, token).connected();
      await client.join();
      await client.ask('say', { text: SPOKEN });
      await client.ask('say', { text: 7, more: SPOKEN });
      await client.ask('tool-result', { callId: SPOKEN, result: SPOKEN });
      await client.ask(SPOKEN, { text: SPOKEN });
      using stranger = new SocketClient(server.origin, `${token.slice(0, -3)}abc`);
      await stranger.connected().catch(() => undefined);
      await server.request('GET', `/v2/sessions?cursor=${SPOKEN}&token=${token}`, undefined, withKey);
      await server.request('POST', '/v2/sessions', `{"agent":"${SPOKEN}",`, withKey);
      await server.request('POST', '/v2/sessions', { agent: 'none', variables: { a: SPOKEN } }, withKey);
      await server.request('DELETE', `/v2/sessions/${id}`, undefined, withKey);
    } finally {
      // Tries to tell of the end of the session, too, where nobody listens.
      await server.close();
    }
    const { lines } = server.log;
    expect(lines.map(({ message }) => message)).to.include('request');
    const text = JSON.stringify(lines.map(({ message, details }) => [message, wholeOf(details), details]));
    for (const secret of [...Object.values(SECRETS), 'secret-of', 'eyJhbGciOi', SPOKEN]) {
      expect(text).to.not.include(secret);
    }
  });
});
