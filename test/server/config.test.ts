import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { settings } from '../../server/config-settings.ts';
import { ConfigError, describeConfig, readConfig } from '../../server/config.ts';
import type { Environment } from '../../server/config.ts';

const KEY = 'a-key-of-sixteen-characters';

const problemsOf = (environment: Environment): readonly string[] => {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('readConfig', () => {
  it('needs nothing: serves this machine on port 3000 with a worker of each kind per core', () => {
    const config = readConfig({});
    expect(config.http).to.deep.equal({ port: 3000, host: '127.0.0.1', allowedOrigins: [] });
    expect(config.media).to.deep.equal({ workers: availableParallelism(), iceServers: [] });
    expect(config.voice).to.deep.equal({
      workers: availableParallelism(),
      maxSessionsPerWorker: 100,
      heartbeatIntervalMs: 1_000,
    });
    expect(config).to.include({ demo: true, sessionTimeoutMs: 3_600_000, logLevel: 'info', drainTimeoutMs: 10_000 });
    expect(config.apiKeys).to.deep.equal([]);
    expect(config.notices.join()).to.include('API_KEYS').and.include('TOKEN_SECRET');
  });

  it('with keys serves every address, and the demo only when asked to', () => {
    expect(readConfig({ API_KEYS: KEY })).to.have.nested.property('http.host', '0.0.0.0');
    expect(readConfig({ API_KEYS: KEY }).demo).to.equal(false);
    expect(readConfig({ API_KEYS: KEY, DEMO: 'true' })).to.have.property('demo', true);
    expect(readConfig({ API_KEYS: KEY, DEMO: 'true' }).notices.join()).to.include('DEMO');
  });

  it('without keys takes loopback addresses and no others', () => {
    for (const HOST of ['127.0.0.1', '127.0.0.53', 'localhost', '::1']) {
      expect(problemsOf({ HOST }), HOST).to.deep.equal([]);
    }
    for (const HOST of ['0.0.0.0', '::', '192.168.0.7', 'example.com', '127.0.0.1.example.com']) {
      expect(problemsOf({ HOST }), HOST).to.have.lengthOf(1);
      expect(problemsOf({ HOST, API_KEYS: KEY }), HOST).to.deep.equal([]);
    }
  });

  it('reads lists, JSON and addresses', () => {
    const config = readConfig({
      API_KEYS: ` ${KEY} ,another-key-of-sixteen, `,
      ALLOWED_ORIGINS: 'https://a.example,http://b.example:8080',
      ICE_SERVERS: '[{"urls":["turn:t.example"],"username":"u","credential":"c"}]',
      PUBLIC_URL: 'https://voice.example/',
      MEDIA_PORT: '40000',
      MEDIA_ANNOUNCED_ADDRESS: '203.0.113.7',
      TLS_CERT: 'cert.pem',
      TLS_KEY: 'key.pem',
    });
    expect(config.apiKeys).to.deep.equal([KEY, 'another-key-of-sixteen']);
    expect(config.http.allowedOrigins).to.deep.equal(['https://a.example', 'http://b.example:8080']);
    expect(config.media.iceServers).to.deep.equal([{ urls: ['turn:t.example'], username: 'u', credential: 'c' }]);
    expect(config.http.publicUrl).to.equal('https://voice.example');
    expect(config.media).to.include({ port: 40_000, announcedAddress: '203.0.113.7' });
    expect(config.http.tls).to.deep.equal({ certPath: 'cert.pem', keyPath: 'key.pem' });
  });

  it('takes how much each key allows at once, with the key', () => {
    const { vendors } = readConfig({
      OPENAI_API_KEY: 'k',
      OPENAI_CONCURRENT: '20',
      OPENAI_COMPATIBLE_URL: 'http://localhost:1/v1',
      OPENAI_COMPATIBLE_CONCURRENT: '2',
      GROQ_CONCURRENT: '5',
    });
    expect(vendors.openai).to.deep.equal({ apiKey: 'k', concurrent: 20 });
    expect(vendors.compatible).to.deep.equal({ baseUrl: 'http://localhost:1/v1', concurrent: 2 });
    expect(vendors.groq).to.equal(undefined);
    expect(problemsOf({ OPENAI_CONCURRENT: '0' })[0]).to.include('must be a whole number from 1 to 100000');
  });

  it('counts an empty variable as none', () => {
    expect(readConfig({ PORT: '', HOST: '  ', API_KEYS: '' }).http).to.deep.equal(readConfig({}).http);
  });

  it('names all that is wrong at once, with what is allowed', () => {
    const problems = problemsOf({
      PORT: '70000',
      MEDIA_WORKERS: '0',
      WORKER_HEARTBEAT_INTERVAL: '1.5',
      LOG_LEVEL: 'loud',
      DEMO: 'yes',
      ICE_SERVERS: '{',
      ALLOWED_ORIGINS: 'https://a.example/path',
      PUBLIC_URL: 'ftp://x',
      TLS_CERT: 'cert.pem',
      HOST: '0.0.0.0',
    });
    const named = problems.map((problem) => /^[A-Z_]+/.exec(problem)?.[0]);
    const wrong = ['PORT', 'MEDIA_WORKERS', 'WORKER_HEARTBEAT_INTERVAL', 'LOG_LEVEL', 'DEMO', 'ICE_SERVERS'];
    expect(named).to.have.members([...wrong, 'ALLOWED_ORIGINS', 'PUBLIC_URL', 'TLS_KEY', 'HOST']);
    expect(problems).to.include('PORT=70000: must be a whole number from 0 to 65535');
    expect(new ConfigError(problems).message.split('\n')).to.have.lengthOf(11);
  });

  it('refuses numbers in other clothes', () => {
    for (const PORT of ['3e3', '0x10', '-1', '3000.0', ' 30 00', 'NaN', 'Infinity']) {
      expect(problemsOf({ PORT }), PORT).to.have.lengthOf(1);
    }
  });

  it('refuses weak secrets without repeating them', () => {
    const problems = problemsOf({ API_KEYS: 'hunter2', TOKEN_SECRET: 'swordfish', ICE_SERVERS: '"sesame"' });
    expect(problems).to.have.lengthOf(3);
    expect(problems.join('\n')).to.not.match(/hunter2|swordfish|sesame/);
  });

  it('wants room for all media workers above MEDIA_PORT', () => {
    expect(problemsOf({ MEDIA_PORT: '65535', MEDIA_WORKERS: '1' })).to.deep.equal([]);
    expect(problemsOf({ MEDIA_PORT: '65535', MEDIA_WORKERS: '2' })).to.have.lengthOf(1);
  });

  it('knows a Redis by its address or by its Sentinels, and what it keeps there', () => {
    const secret = { TOKEN_SECRET: 'x'.repeat(32) };
    expect(readConfig({}).redis).to.equal(undefined);
    expect(readConfig({ ...secret, REDIS_URL: 'rediss://u:p%40ss@r.example:7000/2' }).redis).to.deep.equal({
      target: {
        kind: 'single',
        address: { host: 'r.example', port: 7000 },
        db: 2,
        username: 'u',
        password: 'p@ss',
        tls: true,
      },
      queue: 'voice_sessions',
      replyChannel: 'worker_responses',
      sessionTtlMs: 3_600_000,
    });
    const others = { REDIS_SESSION_QUEUE: 'q', REDIS_WORKER_RESPONSE_QUEUE: 'a', REDIS_SESSION_TTL: '60' };
    const sentinel = readConfig({ ...secret, ...others, REDIS_SENTINEL_URL: 'redis+sentinel://a,b:7/main' });
    expect(sentinel.redis).to.deep.include({ queue: 'q', replyChannel: 'a', sessionTtlMs: 60_000 });
    expect(sentinel.redis?.target).to.deep.include({ kind: 'sentinel', master: 'main' });
    expect(readConfig({ ...secret, REDIS_URL: 'redis+cluster://a,b' }).redis?.target.kind).to.equal('cluster');
  });

  it('wants one Redis, and a secret that all its pods share', () => {
    const [url, sentinels] = ['redis://r.example', 'redis+sentinel://s.example/main'];
    const TOKEN_SECRET = 'x'.repeat(32);
    expect(problemsOf({ REDIS_URL: url }).join()).to.match(/^TOKEN_SECRET: must be set/);
    expect(problemsOf({ REDIS_SENTINEL_URL: sentinels }).join()).to.match(/^TOKEN_SECRET: must be set/);
    expect(problemsOf({ REDIS_URL: url, REDIS_SENTINEL_URL: sentinels, TOKEN_SECRET })).to.have.lengthOf(1);
    expect(problemsOf({ REDIS_URL: sentinels, TOKEN_SECRET })).to.have.lengthOf(1);
    expect(problemsOf({ REDIS_SENTINEL_URL: url, TOKEN_SECRET })).to.have.lengthOf(1);
    expect(problemsOf({ REDIS_URL: 'http://:pass-word@r.example', TOKEN_SECRET }).join()).to.not.include('pass-word');
  });

  it('takes websockets alone unless long-polling is asked for, and a name for the pod', () => {
    expect(readConfig({})).to.deep.include({ signallingTransports: ['websocket'], maxQueuedSessions: 100 });
    const config = readConfig({ SIGNALLING_TRANSPORTS: 'websocket,polling', POD_ID: 'parley-0.a_b' });
    expect(config).to.deep.include({ signallingTransports: ['websocket', 'polling'], podId: 'parley-0.a_b' });
    expect(problemsOf({ POD_ID: 'a b', SIGNALLING_TRANSPORTS: 'polling' })).to.have.lengthOf(2);
  });

  it('makes a new token secret at each start when there is none', () => {
    const [a, b] = [readConfig({}), readConfig({})];
    expect(a.tokenSecret).to.have.length.above(31);
    expect(a.tokenSecret).to.not.equal(b.tokenSecret);
    const given = 'x'.repeat(32);
    expect(readConfig({ TOKEN_SECRET: given })).to.have.property('tokenSecret', given);
  });

  it('cannot be changed afterwards', () => {
    const config = readConfig({});
    expect(() => Object.assign(config.http, { port: 1 })).to.throw(TypeError);
    expect(() => (config.apiKeys as string[]).push('x')).to.throw(TypeError);
  });

  it('gives a Config or a ConfigError for any text', () => {
    const anything = fc.dictionary(fc.constantFrom(...Object.keys(settings)), fc.string());
    fc.assert(
      fc.property(anything, (environment) => {
        try {
          readConfig(environment);
        } catch (error) {
          expect(error).to.be.instanceOf(ConfigError);
        }
      }),
    );
  });
});

describe('describeConfig', () => {
  it('shows what is set and the defaults, and never a secret', () => {
    const shown = describeConfig({ API_KEYS: KEY, TOKEN_SECRET: 'y'.repeat(32), ICE_SERVERS: '[]', PORT: '8080' });
    expect(shown).to.include({ PORT: '8080', LOG_LEVEL: 'info', API_KEYS: '********', TOKEN_SECRET: '********' });
    expect(shown, 'what the keys decide').to.include({ HOST: '0.0.0.0', DEMO: 'false' });
    expect(describeConfig({})).to.include({ HOST: '127.0.0.1', DEMO: 'true' });
    expect(shown).to.not.have.property('PUBLIC_URL');
    expect(JSON.stringify(shown)).to.not.include(KEY);
    const redis = describeConfig({
      REDIS_URL: 'redis://u:pass-word@r',
      REDIS_SENTINEL_URL: 'redis+sentinel://u:pass-word@s/m',
    });
    expect(JSON.stringify(redis)).to.not.include('pass-word');
  });
});
