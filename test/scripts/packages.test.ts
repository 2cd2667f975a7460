import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { environmentForNpm, isInstalled, missingPackages, neededScripts } from '../../scripts/setup/packages.mjs';

const root = join(import.meta.dirname, '../..');

describe('the stamp of the installed packages', () => {
  it('of a test serves a start as well', () => {
    expect(isInstalled({ key: 'k', scope: 'all' }, 'k', 'production')).to.be.true;
    expect(isInstalled({ key: 'k', scope: 'all' }, 'k', 'all')).to.be.true;
  });

  it('of a start does not serve a test', () => {
    expect(isInstalled({ key: 'k', scope: 'production' }, 'k', 'production')).to.be.true;
    expect(isInstalled({ key: 'k', scope: 'production' }, 'k', 'all')).to.be.false;
  });

  it('is of no use after a change, or when there is none', () => {
    expect(isInstalled({ key: 'old', scope: 'all' }, 'k', 'all')).to.be.false;
    expect(isInstalled({}, 'k', 'production')).to.be.false;
  });
});

describe('missingPackages', () => {
  const lock = {
    packages: {
      '': {},
      'node_modules/served': {},
      'node_modules/tested': { dev: true },
      'node_modules/of-another-system': { optional: true },
    },
  };

  it('finds what was removed by hand, of what the scope needs', () => {
    expect(missingPackages(lock, 'production', '/p', () => false)).to.deep.equal(['node_modules/served']);
    expect(missingPackages(lock, 'all', '/p', () => false)).to.deep.equal([
      'node_modules/served',
      'node_modules/tested',
    ]);
  });

  it('looks for each package’s own description', () => {
    const present = new Set([join('/p', 'node_modules/served/package.json')]);
    expect(missingPackages(lock, 'production', '/p', (path) => present.has(path))).to.be.empty;
  });
});

describe('neededScripts', () => {
  const packageJson = { allowScripts: { node: true, mediasoup: false, other: true } };

  it('are those that are allowed, without Node where the machine has a new one', () => {
    expect(neededScripts(packageJson, 20)).to.deep.equal(['node', 'other']);
    expect(neededScripts(packageJson, 24)).to.deep.equal(['other']);
  });

  it('of this project are decided for every package that has one', () => {
    const decided = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { allowScripts: object })
      .allowScripts;
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>;
    };
    const withScript = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript && !entry.optional)
      .map(([path]) => path.replace(/.*node_modules\//, ''));
    expect(decided).to.have.all.keys(withScript);
  });
});

describe('environmentForNpm', () => {
  it("leaves the project's own programs out of the path, as npm removes them while it installs", () => {
    const path = ['/p/node_modules/.bin', '/usr/bin', '/other/node_modules/.bin'].join(':');
    expect(environmentForNpm('/p', { PATH: path, HOME: '/h' })).to.deep.equal({
      PATH: '/usr/bin:/other/node_modules/.bin',
      HOME: '/h',
    });
  });
});
