import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { protocolVersion, sdkVersion } from '../../client-sdk/src/version.ts';
import { PROTOCOL_VERSION } from '../../signalling/protocol.ts';

type Manifest = { version: string; files: string[]; exports: { '.': { types: string; default: string } } };

const root = new URL('../../', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(root, 'client-sdk/package.json'), 'utf8')) as Manifest;

/** Uses everything that is public; it fails to compile when a packed declaration is missing or leans on something else. */
const application = `
import { ParleyClient, ParleyError, sdkVersion } from '@parley/client';
import type { ParleyClientOptions, ParleyErrorCode, ParleyEvents, Statistics, Turn } from '@parley/client';

const options: ParleyClientOptions = { token: async () => 'token', microphone: { echoCancellation: true } };
const client = new ParleyClient(options);
const remove: () => void = client.on('turn', (turn: Turn) => turn.endpointingMs.toFixed());
client.on('error', (error) => { const code: ParleyErrorCode = error.code; throw new ParleyError(code); });
client.on('agentState', ({ output }: ParleyEvents['agentState']) => output === 'ducked');
export const statistics: Promise<Statistics> = client.connect().then(() => client.statistics());
export const node: AudioNode | undefined = client.audio?.agent;
export const text: Promise<{ turnId: string }> = client.sendText(sdkVersion);
remove();
// @ts-expect-error there is no such event
client.on('nothing', () => undefined);
// @ts-expect-error a token is a must
export const wrong = new ParleyClient({});
`;

const strictest = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'ES2022',
  lib: ['ES2022', 'DOM', 'DOM.Iterable'],
  types: [],
};

describe('the packed SDK', () => {
  it('says the same version everywhere', () => {
    expect(sdkVersion).to.equal(manifest.version);
    expect(protocolVersion).to.equal(PROTOCOL_VERSION);
  });

  describe('its types', () => {
    let folder: string;

    before(function () {
      this.timeout(60_000);
      folder = mkdtempSync(join(tmpdir(), 'parley-types-'));
      tsc(root, '-p', 'client-sdk/tsconfig.types.json', '--outDir', join(folder, 'emitted'));
      const installed = join(folder, 'node_modules/@parley/client');
      for (const file of manifest.files.filter((each) => each.startsWith('dist/types/'))) {
        const target = join(installed, file);
        mkdirSync(dirname(target), { recursive: true });
        cpSync(join(folder, 'emitted', file.slice('dist/types/'.length)), target);
      }
      cpSync(join(root, 'client-sdk/package.json'), join(installed, 'package.json'));
      writeFileSync(join(folder, 'application.ts'), application);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    });

    after(() => rmSync(folder, { recursive: true, force: true }));

    for (const [module, moduleResolution] of [
      ['ESNext', 'Bundler'],
      ['NodeNext', 'NodeNext'],
    ]) {
      it(`stand alone under ${module} modules, without zod, mediasoup-client or Socket.IO`, function () {
        this.timeout(60_000);
        const compilerOptions = { ...strictest, module, moduleResolution };
        writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['application.ts'] }));
        expect(() => tsc(folder, '-p', '.')).not.to.throw();
      });
    }

    it('are where the package says', () => {
      expect(existsSync(join(folder, 'node_modules/@parley/client', manifest.exports['.'].types))).to.equal(true);
      expect(manifest.files).to.include(manifest.exports['.'].default.slice('./'.length));
    });
  });
});

/** @throws with the compiler's complaints */
function tsc(cwd: string, ...args: string[]): void {
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args], { cwd, stdio: 'pipe' });
  } catch (error) {
    throw new Error(String((error as { stdout?: Buffer }).stdout ?? error), { cause: error });
  }
}
