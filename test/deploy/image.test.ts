import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { assembleImage } from '../../scripts/setup/image.mjs';
import { eventually } from '../support/eventually.ts';
import { copiedFromProject, parseDockerfile, theInstruction } from './dockerfile.ts';
import type { Stage } from './dockerfile.ts';
import { freePort } from '../support/free-port.ts';
import { manifestsOf, one, readText, root } from './manifests.ts';

const stages = parseDockerfile(readText('Dockerfile'));
const [build, image] = stages as [Stage, Stage];
const asRoot = process.getuid?.() === 0;

describe('the Dockerfile', () => {
  it('builds in one stage and keeps another, both on the same base', () => {
    expect(stages).to.have.lengthOf(2);
    expect(build.as).to.equal('build');
    expect([build.from, image.from]).to.deep.equal(['${NODE_IMAGE}', '${NODE_IMAGE}']);
    expect(readText('Dockerfile')).to.match(/^ARG NODE_IMAGE=node:24-slim$/m);
  });

  it('copies what is there and what .dockerignore lets through', () => {
    const ignored = readText('.dockerignore').split('\n');
    expect(ignored.find((line) => !line.startsWith('#'))).to.equal('*');
    const letThrough = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(copiedFromProject(build)).to.have.members(letThrough);
    for (const path of letThrough) expect(existsSync(join(root, path)), path).to.be.true;
  });

  it('keeps secrets and what this machine has built out, wherever they lie', () => {
    expect(readText('.dockerignore'))
      .to.include('**/.env*\n')
      .and.include('**/*.pem\n')
      .and.include('**/node_modules\n');
  });

  it('runs as the user that Kubernetes gives it, who is not root', () => {
    const { securityContext } = one(manifestsOf('k8s-deployment.yaml'), 'Deployment').spec.template.spec;
    expect(theInstruction(image, 'USER')).to.equal(`${securityContext.runAsUser}:${securityContext.runAsGroup}`);
  });

  it('starts Node without a shell, so that signals reach it', () => {
    const command: string[] = JSON.parse(theInstruction(image, 'CMD'));
    expect(command[0]).to.equal('node');
    expect(command.at(-1)).to.equal('server/main.ts');
    expect(theInstruction(image, 'HEALTHCHECK')).to.match(/ CMD \["node", "scripts\/pod\/health-check.mjs"\]$/);
  });
});

describe('what the image holds', function () {
  this.timeout(120_000);
  let folder: string;
  let app: string;
  let writable: string;
  let server: ChildProcess | undefined;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'parley-image-'));
    app = join(folder, 'image/app');
    writable = join(folder, 'tmp');
    await assembleImage(root, join(folder, 'image'), process.env).run(() => undefined);
    mkdirSync(writable);
    // In the image it is the base's; this machine's own may lie where another user cannot go.
    copyFileSync(process.execPath, join(folder, 'node'));
    chmodSync(folder, 0o755);
    execFileSync('chmod', ['-R', 'a-w,a+rX', app]);
    if (asRoot) chownSync(writable, 1000, 1000);
  });
  after(async () => {
    if (server?.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    execFileSync('chmod', ['-R', 'u+w', folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** As the container would: another user, nothing of this environment. */
  const start = (args: string[], environment: Record<string, string>): ChildProcess =>
    spawn(join(folder, 'node'), args, {
      cwd: app,
      env: {
        PATH: '/usr/bin:/bin',
        TMPDIR: writable,
        MEDIASOUP_WORKER_BIN: join(app, 'bin/mediasoup-worker'),
        ...environment,
      },
      stdio: 'ignore',
      ...(asRoot && { uid: 1000, gid: 1000 }),
    });

  it('has neither tests nor tools, nor binaries of other systems', () => {
    const files = readdirSync(app, { recursive: true, encoding: 'utf8' });
    const top = readdirSync(app);
    expect(top).not.to.include.members(['test']).and.not.to.include.members(['bench']);
    // Types of packages are dependencies of some that are served.
    const development = Object.keys(JSON.parse(readText('package.json')).devDependencies).filter(
      (name) => !name.startsWith('@types/'),
    );
    const unwanted = [...development, 'esbuild', 'node', 'mediasoup-client'];
    expect(unwanted.filter((name) => existsSync(join(app, 'node_modules', name)))).to.be.empty;
    const native = files.filter((file) => /\.(node|so(\.\d+)*|dylib|dll)$/.test(file));
    const { platform, arch } = process;
    expect(native).not.to.be.empty;
    for (const file of native) expect(file).to.include(platform).and.to.include(arch);
  });

  it('names the Debian packages of the libraries that the worker needs', function () {
    if (!existsSync('/usr/bin/dpkg-query')) return this.skip();
    const packages = readFileSync(join(folder, 'image/debian-packages'), 'utf8').split('\n').filter(Boolean);
    for (const name of packages) execFileSync('dpkg-query', ['--status', name], { stdio: 'ignore' });
    const linked = execFileSync('ldd', [join(app, 'bin/mediasoup-worker')], { encoding: 'utf8' });
    if (linked.includes('libsrtp2')) expect(packages).to.include('libsrtp2-1');
  });

  it('serves as another user from a tree that cannot be written, says so to Docker, and ends at SIGTERM', async () => {
    const key = '0123456789abcdef';
    const port = await freePort();
    const environment = {
      PORT: String(port),
      HOST: '127.0.0.1',
      API_KEYS: key,
      MEDIA_WORKERS: '1',
      WORKER_POOL_SIZE: '1',
    };
    const [, ...command]: string[] = JSON.parse(theInstruction(image, 'CMD'));
    server = start(command, environment);
    const ask = (path: string, options?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, options);
    await eventually(
      () =>
        ask('/health/ready').then(
          ({ ok }) => ok,
          () => false,
        ),
      60_000,
    );

    const health = async () => (await once(start(['scripts/pod/health-check.mjs'], environment), 'exit'))[0];
    expect(await health()).to.equal(0);
    for (const path of ['/', '/style.css', '/main.js', '/sdk/parley.js', '/openapi.json']) {
      expect((await ask(path)).status, path).to.equal(200);
    }
    const opened = await ask('/v2/sessions', { method: 'POST', headers: { Authorization: `Bearer ${key}` } });
    expect(opened.status).to.equal(201);

    server.kill('SIGTERM');
    expect((await once(server, 'exit'))[0]).to.equal(0);
    expect(await health()).to.equal(1);
    expect(readdirSync(writable)).to.be.empty;
  });
});
