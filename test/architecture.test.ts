import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { importsOf, lockViolations, violationsOf } from './support/architecture.ts';
import { deadLinks, decisionFaults, type Documents } from './support/documentation.ts';

const root = join(import.meta.dirname, '..');
const folders = ['server', 'signalling', 'media', 'client-sdk', 'web', 'scripts', 'bench', 'test'];

function sourceFiles(): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .filter((path) => /\.(ts|mjs)$/.test(path) && !/\/(dist|node_modules)\//.test(path));
}

describe('the source', () => {
  it('keeps the rules about imports, the environment, length, names and inheritance', () => {
    const found = sourceFiles().flatMap((path) => violationsOf({ path, text: readFileSync(join(root, path), 'utf8') }));
    expect(found, found.join('\n')).to.be.empty;
  });

  it('is looked at in every folder', () => {
    const seen = new Set(sourceFiles().map((path) => path.split('/')[0]));
    expect([...seen]).to.have.members(folders);
  });

  it('has a lock file without addresses', () => {
    const lock: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    expect(lockViolations(lock as Parameters<typeof lockViolations>[0])).to.be.empty;
  });
});

/** Every Markdown file of the project. */
function documents(): Documents {
  const nested = ['docs', 'scripts', 'deploy', 'client-sdk', 'bench', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  const names = [...readdirSync(root), ...nested].filter(
    (path) => path.endsWith('.md') && !path.includes('node_modules'),
  );
  const pages = new Map(names.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
  return { pages, exists: (path) => existsSync(join(root, path)) };
}

describe('the documentation', () => {
  it('links to files and headings that are there', () => {
    expect(deadLinks(documents())).to.be.empty;
  });

  it('numbers decisions without gaps, and lists each in their index', () => {
    expect(decisionFaults(documents())).to.be.empty;
  });

  it('is read as a browser reads it', () => {
    const pages = new Map([
      ['a.md', '# One two\n[b](docs/b.md#it-s), [here](#one-two), [gone](#three), `[code](no.md)`'],
      ['docs/b.md', "# It's\n[up](../a.md) [missing](c.md)"],
    ]);
    expect(deadLinks({ pages, exists: (path) => pages.has(path) })).to.deep.equal([
      'a.md: docs/b.md#it-s: docs/b.md has no such heading',
      'a.md: #three: a.md has no such heading',
      'docs/b.md: c.md: there is no docs/c.md',
    ]);
    const decisions = new Map([
      ['docs/decisions/README.md', '[one](0001-one.md)'],
      ['docs/decisions/0001-one.md', '# 1. One'],
      ['docs/decisions/0003-three.md', '# Three'],
    ]);
    expect(decisionFaults({ pages: decisions, exists: () => true })).to.have.lengthOf(3);
  });
});

/** What the rules say of one line in a file at that path. */
function violations(path: string, text: string): string[] {
  return violationsOf({ path, text });
}

describe('the architecture rules', () => {
  it('keep media/ and signalling/ apart, for types too', () => {
    expect(violations('media/call.ts', "import { a } from '../signalling/session.ts';")).to.have.lengthOf(1);
    expect(violations('signalling/gateway.ts', "import type { A } from '../media/agent/agent.ts';")).to.have.lengthOf(
      1,
    );
    expect(violations('media/providers/a.ts', "import { a } from '../agent/agent.ts';")).to.be.empty;
  });

  it('let only server/ know the other folders', () => {
    expect(violations('server/server.ts', "import { a } from '../media/sfu.ts';")).to.be.empty;
    expect(violations('media/sfu.ts', "import { a } from '../server/config.ts';")).to.have.lengthOf(1);
    expect(violations('server/app.ts', "import { a } from '../test/support/a.ts';")).to.have.lengthOf(1);
    expect(violations('server/app.ts', "import { a } from './main.ts';")).to.have.lengthOf(1);
  });

  it('load what is in media/ from the same layer or one below, but take types from all', () => {
    expect(violations('media/vad/a.ts', "import { a } from '../audio/b.ts';")).to.be.empty;
    expect(violations('media/audio/a.ts', "import { a } from '../vad/b.ts';")).to.have.lengthOf(1);
    expect(violations('media/audio/a.ts', "import { a } from '../calls.ts';")).to.have.lengthOf(1);
    expect(violations('media/audio/a.ts', "import { a } from '../unheard-of/b.ts';")).to.have.lengthOf(1);
    expect(violations('media/audio/a.ts', "import type { A } from '../vad/b.ts';")).to.be.empty;
    expect(violations('media/audio/a.ts', "import { CallError } from '../errors.ts';")).to.be.empty;
    expect(violations('media/calls.ts', "import { a } from './vad/b.ts';")).to.be.empty;
  });

  it("give the SDK the protocol's types and nothing else", () => {
    const path = 'client-sdk/src/client.ts';
    expect(violations(path, "import type { A } from '../../signalling/protocol.ts';")).to.be.empty;
    expect(violations(path, "import { type A } from '../../signalling/protocol.ts';")).to.have.lengthOf(1);
    expect(violations(path, "import { a } from '../../signalling/protocol.ts';")).to.have.lengthOf(1);
    expect(violations(path, "import type { A } from '../../signalling/session.ts';")).to.have.lengthOf(1);
  });

  it('keep what browsers do not have out of the SDK and the page', () => {
    expect(violations('client-sdk/src/client.ts', "import { join } from 'node:path';")).to.have.lengthOf(1);
    expect(violations('web/src/main.ts', "import { ParleyClient } from '/sdk/parley.js';")).to.be.empty;
    expect(violations('server/app.ts', "import { ParleyClient } from '/sdk/parley.js';")).to.have.lengthOf(1);
  });

  it('confine each package to the files that wrap it', () => {
    expect(violations('media/sfu.ts', "import * as mediasoup from 'mediasoup';")).to.be.empty;
    expect(violations('media/sfu-transports.ts', "import type { types } from 'mediasoup';")).to.be.empty;
    expect(violations('media/speech/playout.ts', "import type { Router } from 'mediasoup/types';")).to.have.lengthOf(1);
    expect(violations('media/vad/vad-batcher.ts', "const ort = await import('onnxruntime-node');")).to.have.lengthOf(1);
    expect(violations('media/speech/playout.ts', "import { OpusEncoder } from '@evan/opus';")).to.have.lengthOf(1);
    expect(violations('server/app.ts', "import { Server } from 'socket.io';")).to.have.lengthOf(1);
    expect(violations('server/app.ts', "import lodash from 'lodash';")).to.have.lengthOf(1);
  });

  it('let only server/config.ts read the environment', () => {
    expect(violations('server/config.ts', 'const port = process.env.PORT;')).to.be.empty;
    expect(violations('server/app.ts', 'const port = process.env.PORT;')).to.have.lengthOf(1);
    expect(violations('media/sfu.ts', "const port = process['env'].PORT;")).to.have.lengthOf(1);
    expect(violations('media/sfu.ts', 'const { env } = process;')).to.have.lengthOf(1);
    expect(violations('media/sfu.ts', '// never process.env')).to.be.empty;
    expect(violations('bench/call.ts', 'const port = process.env.PORT;')).to.be.empty;
  });

  it('limit a file to 300 lines, main.ts to 60 and a test to 400', () => {
    expect(violations('media/sfu.ts', '\n'.repeat(300))).to.be.empty;
    expect(violations('media/sfu.ts', '\n'.repeat(301))).to.have.lengthOf(1);
    expect(violations('server/main.ts', '\n'.repeat(61))).to.have.lengthOf(1);
    expect(violations('test/media/sfu.test.ts', '\n'.repeat(400))).to.be.empty;
    expect(violations('test/media/sfu.test.ts', '\n'.repeat(401))).to.have.lengthOf(1);
  });

  it('refuse names that say nothing, and barrels', () => {
    expect(violations('media/rtp-utils.ts', '')).to.have.lengthOf(1);
    expect(violations('test/support/helpers.ts', '')).to.have.lengthOf(1);
    expect(violations('server/session-manager.ts', '')).to.have.lengthOf(1);
    expect(violations('media/commonness.ts', '')).to.be.empty;
    expect(violations('media/index.ts', "export * from './rtp.ts';")).to.have.lengthOf(1);
  });

  it('refuse inheritance other than of errors and emitters', () => {
    expect(violations('media/a.ts', 'class A extends B {}')).to.have.lengthOf(1);
    expect(violations('media/a.ts', 'class A<T> extends EventEmitter<Events> {}')).to.be.empty;
    expect(violations('media/a.ts', 'class A extends MediaError {}')).to.be.empty;
    expect(violations('media/a.ts', 'class A<T extends Record<string, B>> {}')).to.be.empty;
  });

  it('refuse addresses in the lock file', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { resolved: 'https://example.org/b.tgz' },
    };
    expect(lockViolations({ packages })).to.have.lengthOf(1);
  });

  it('see every form of import', () => {
    const text = `
      import './a.ts';
      import b, { type B } from "./b.ts"; import type { C } from './c.ts';
      import {
        d,
      } from './d.ts';
      export { e } from './e.ts';
      export * from './f.ts';
      const g = await import('./g.ts');
      new Worker(new URL('./h.ts', import.meta.url));
      const address = 'https://example.org'; // import './not.ts'
      /* import './nor.ts' */
    `;
    const found = importsOf(text);
    expect(found.map(({ specifier }) => specifier).sort()).to.deep.equal(
      'abcdefgh'.split('').map((name) => `./${name}.ts`),
    );
    expect(found.filter(({ typeOnly }) => typeOnly)).to.deep.equal([{ specifier: './c.ts', typeOnly: true }]);
  });
});
