import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startTestServer } from '../support/running-server.ts';
import { manifestsOf, one, parseManifests, root } from './manifests.ts';

/**
 * A kubectl that writes down what it is told and keeps Secrets and namespaces as files; `exec` runs the pod's command on
 * this machine. What is tested is the script.
 */
const FAKE_KUBECTL = `#!/usr/bin/env bash
set -euo pipefail
shopt -s extglob
if [[ $1 == --context ]]; then shift 2; fi
printf '%s\\n' "$*" >>"$CLUSTER/calls"
if [[ -n \${FAIL_ON:-} && $* == *$FAIL_ON* ]]; then echo "refused: $*" >&2; exit 1; fi
namespace=default
if [[ $1 == -n ]]; then namespace=$2; shift 2; fi
case "$1 \${2:-}" in
  'config current-context') echo test-cluster ;;
  'get namespace') if [[ -e $CLUSTER/namespace-$3 ]]; then echo "namespace/$3"; fi ;;
  'create namespace') mkdir "$CLUSTER/namespace-$3" ;;
  'get secret')
    file=$CLUSTER/namespace-$namespace/$3
    words=$*
    key=\${words##*.data.}
    key=\${key%\\}}
    if [[ -e $file ]]; then sed -n "s/^$key=//p" "$file" | tr -d '\\n' | base64 -w0; fi ;;
  'create secret') cat >"$CLUSTER/namespace-$namespace/$4" ;;
  'apply -f') if [[ $3 == - ]]; then cat >"$CLUSTER/applied.yaml"; else cp "$3" "$CLUSTER/"; fi ;;
  exec*) while [[ $1 != -- ]]; do shift; done; shift; "$@" ;;
esac
`;

type Ended = { status: number | null; out: string; err: string; calls: string[] };

describe('deploy-k8s.sh', function () {
  this.timeout(60_000);
  let cluster: string;

  beforeEach(() => {
    cluster = mkdtempSync(join(tmpdir(), 'parley-cluster-'));
    mkdirSync(join(cluster, 'bin'));
    writeFileSync(join(cluster, 'bin/kubectl'), FAKE_KUBECTL);
    chmodSync(join(cluster, 'bin/kubectl'), 0o755);
  });
  afterEach(() => rmSync(cluster, { recursive: true, force: true }));

  const run = async (args: string[], environment: Record<string, string> = {}): Promise<Ended> => {
    rmSync(join(cluster, 'calls'), { force: true });
    const path = `${join(cluster, 'bin')}:${join(process.execPath, '..')}:/usr/bin:/bin`;
    const child = spawn(join(root, 'deploy-k8s.sh'), args, {
      env: { PATH: path, CLUSTER: cluster, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = [child.stdout, child.stderr].map(async (stream) =>
      (await stream.setEncoding('utf8').toArray()).join(''),
    );
    const status = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [out = '', err = ''] = await Promise.all(texts);
    const calls = existsSync(join(cluster, 'calls'))
      ? readFileSync(join(cluster, 'calls'), 'utf8').trim().split('\n')
      : [];
    return { status: await status, out, err, calls };
  };

  const deployArguments = ['deploy', '--image', 'registry.example.com/parley:7', '--host', 'voice.example.com'];
  const secret = (namespace: string, name: string): Record<string, string> =>
    Object.fromEntries(
      readFileSync(join(cluster, `namespace-${namespace}`, name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    );

  describe('deploy', () => {
    it('applies Redis before the pods, and waits for both', async () => {
      const { status, calls, err } = await run(deployArguments);
      expect(status, err).to.equal(0);
      const [redis, redisUp, pods, podsUp] = [
        `apply -f ${root}/k8s-redis.yaml`,
        '-n redis rollout status statefulset/redis --timeout=30m',
        'apply -f -',
        '-n parley rollout status deployment/parley --timeout=30m',
      ].map((call) => calls.indexOf(call));
      expect([redis, redisUp, pods, podsUp]).to.deep.equal(
        [redis, redisUp, pods, podsUp].sort((a = 0, b = 0) => a - b),
      );
      expect(redis).to.be.greaterThan(0);
    });

    it('puts image and host name in, and changes nothing else', async () => {
      await run(deployArguments);
      const applied = parseManifests(readFileSync(join(cluster, 'applied.yaml'), 'utf8'));
      const [container] = one(applied, 'Deployment').spec.template.spec.containers;
      expect(container.image).to.equal('registry.example.com/parley:7');
      const text = JSON.stringify(applied)
        .replaceAll('registry.example.com/parley:7', 'parley:latest')
        .replaceAll('voice.example.com', 'parley.example.org');
      expect(JSON.parse(text)).to.deep.equal(manifestsOf('k8s-deployment.yaml'));
      expect(JSON.stringify(applied)).not.to.include('parley.example.org');
    });

    it('creates at random the Secrets that the manifests need', async () => {
      await run(deployArguments);
      for (const { metadata, stringData } of manifestsOf('deploy/k8s-secrets.template.yaml')) {
        const created = secret(metadata.namespace ?? '', metadata.name);
        expect(Object.keys(created)).to.have.members(Object.keys(stringData));
        for (const value of Object.values(created)) expect(value).to.match(/^[0-9a-f]{48}$/);
      }
      expect(secret('redis', 'redis-auth')).to.deep.equal(secret('parley', 'redis-auth'));
      expect(new Set(Object.values(secret('parley', 'parley-keys'))).size).to.equal(3);
    });

    it('can be run twice: keys stay as they are', async () => {
      await run(deployArguments);
      const before = [secret('redis', 'redis-auth'), secret('parley', 'parley-keys')];
      const { status, calls } = await run(deployArguments);
      expect(status).to.equal(0);
      expect(calls.filter((call) => call.includes('create'))).to.be.empty;
      expect([secret('redis', 'redis-auth'), secret('parley', 'parley-keys')]).to.deep.equal(before);
    });

    it('goes on where an earlier run broke off', async () => {
      const broken = await run(deployArguments, { FAIL_ON: '-n parley create secret generic redis-auth' });
      expect(broken.status).not.to.equal(0);
      const { status } = await run(deployArguments);
      expect(status).to.equal(0);
      expect(secret('parley', 'redis-auth')).to.deep.equal(secret('redis', 'redis-auth'));
    });

    it('makes no new keys when it cannot learn whether there are any', async () => {
      await run(deployArguments);
      const before = secret('parley', 'parley-keys');
      const { status } = await run(deployArguments, { FAIL_ON: 'get secret parley-keys' });
      expect(status).not.to.equal(0);
      expect(secret('parley', 'parley-keys')).to.deep.equal(before);
    });

    it("refuses where the two copies of Redis' password differ", async () => {
      await run(deployArguments);
      writeFileSync(join(cluster, 'namespace-parley/redis-auth'), 'REDIS_PASSWORD=other\n');
      const { status, err } = await run(deployArguments);
      expect(status).to.equal(1);
      expect(err).to.include('differ').and.not.to.include('other\n');
    });

    it('tells what to look at when the pods do not become ready', async () => {
      const { status, err } = await run(deployArguments, { FAIL_ON: 'rollout status deployment' });
      expect(status).to.equal(1);
      expect(err).to.include('add a node').and.to.include('rollback');
    });

    it('passes no secret as an argument and prints none', async () => {
      const { calls, out, err } = await run(deployArguments);
      for (const value of Object.values({ ...secret('parley', 'redis-auth'), ...secret('parley', 'parley-keys') })) {
        expect(`${calls.join('\n')}${out}${err}`).not.to.include(value);
      }
    });

    it('says what is missing before it asks the cluster', async () => {
      const noImage = await run(['deploy', '--host', 'voice.example.com']);
      expect([noImage.status, noImage.calls]).to.deep.equal([2, []]);
      expect(noImage.err).to.include('--image');
      const badHost = await run(['deploy', '--image', 'parley:7', '--host', 'https://voice.example.com']);
      expect([badHost.status, badHost.calls]).to.deep.equal([2, []]);
    });
  });

  describe('--dry-run', () => {
    it('prints what would be done, and touches nothing', async () => {
      const { status, out, calls } = await run(['--dry-run', ...deployArguments]);
      expect([status, calls]).to.deep.equal([0, []]);
      expect(out).to.include('create secret generic parley-keys').and.to.include('registry.example.com/parley:7');
      expect(existsSync(join(cluster, 'applied.yaml'))).to.be.false;
    });

    for (const args of [['status'], ['logs'], ['drain', 'parley-1'], ['rollback'], ['delete'], ['delete', '--all']]) {
      it(`holds for ${args.join(' ')}`, async () => {
        const { status, out, calls } = await run(['--dry-run', ...args]);
        expect([status, calls]).to.deep.equal([0, []]);
        expect(out).to.include('would run');
      });
    }
  });

  it('drains a pod and takes that back, with the key that is inside the pod', async () => {
    const inPod = { API_KEYS: 'key-of-the-pod-1,key-of-prometheus' };
    const server = await startTestServer(inPod);
    const environment = { ...inPod, PORT: String(server.port) };
    const readiness = async () => (await server.request('GET', '/health/ready')).status;
    try {
      const drained = await run(['drain', 'pod/parley-1'], environment);
      expect(drained.status, drained.err).to.equal(0);
      expect(await readiness()).to.equal(503);
      const undone = await run(['drain', 'parley-1', '--undo'], environment);
      expect(undone.status, undone.err).to.equal(0);
      expect(await readiness()).to.equal(200);
      expect(drained.calls.join('\n')).to.include('exec parley-1').and.not.to.include('key-of-the-pod-1');
      expect((await run(['drain', 'parley-1'], { ...environment, API_KEYS: 'not-a-key-of-this-pod' })).status).to.equal(
        1,
      );
    } finally {
      await server.close();
    }
  });

  it('goes back to the version before, or to a certain one', async () => {
    expect((await run(['rollback'])).calls).to.include('-n parley rollout undo deployment/parley');
    const { calls } = await run(['rollback', '--revision', '3']);
    expect(calls).to.include('-n parley rollout undo deployment/parley --to-revision=3');
  });

  it('deletes only when told twice, and keys and Redis only with --all', async () => {
    const unsure = await run(['delete']);
    expect(unsure.status).to.equal(2);
    expect(unsure.calls.filter((call) => call.includes('delete'))).to.be.empty;
    const { calls } = await run(['delete', '--yes']);
    const [deleted = ''] = calls.filter((call) => call.includes('delete'));
    expect(deleted)
      .to.include('deployment')
      .and.not.to.match(/secret|namespace|redis/);
    expect((await run(['delete', '--yes', '--all'])).calls).to.include(
      'delete namespace parley redis --ignore-not-found',
    );
  });

  it('names what it lacks: kubectl, a context, a cluster that answers', async () => {
    const noContext = await run(['status'], { FAIL_ON: 'config current-context' });
    expect([noContext.status, noContext.err]).to.satisfy(
      ([status, err]: [number, string]) => status === 1 && /--context/.test(err),
    );
    const noAnswer = await run(['status'], { FAIL_ON: 'version' });
    expect(noAnswer.err).to.include('does not answer');
    const noKubectl = await run(['status'], { PATH: emptyPath(cluster) });
    expect(noKubectl.err).to.include('kubectl is not on the path');
  });

  it('explains itself, and refuses what it does not know', async () => {
    const help = await run(['--help']);
    expect(help.status).to.equal(0);
    for (const word of ['deploy', 'status', 'logs', 'drain POD', 'rollback', 'delete', '--dry-run']) {
      expect(help.out).to.include(word);
    }
    expect((await run(['destroy'])).status).to.equal(2);
    expect((await run(['status', '--quickly'])).status).to.equal(2);
  });
});

/** The programs that the script itself needs, and no kubectl. */
const emptyPath = (cluster: string): string => {
  const folder = join(cluster, 'without');
  mkdirSync(folder);
  for (const program of ['bash', 'dirname', 'env', 'cat']) {
    writeFileSync(join(folder, program), `#!/bin/sh\nexec /bin/${program} "$@"\n`);
    chmodSync(join(folder, program), 0o755);
  }
  return folder;
};
