import { expect } from 'chai';
import { isForThisSystem, librariesOf, packagesNeeded } from '../../scripts/setup/image.mjs';

describe('packagesNeeded', () => {
  const lock = {
    packages: {
      '': {},
      'node_modules/served': { dependencies: { inner: '1', shared: '2' }, optionalDependencies: { optional: '1' } },
      'node_modules/served/node_modules/inner': { dependencies: { shared: '1' } },
      'node_modules/inner': {},
      'node_modules/shared': { peerDependencies: { served: '1', absent: '1' } },
      'node_modules/optional': {},
      'node_modules/@scope/tool': { dependencies: { inner: '2' } },
    },
  };

  it('follows dependencies, their own copies before those of all', () => {
    expect(packagesNeeded(lock, ['served'], (path) => path !== 'node_modules/optional')).to.deep.equal([
      'node_modules/served',
      'node_modules/served/node_modules/inner',
      'node_modules/shared',
    ]);
  });

  it('takes what is optional where it is installed', () => {
    expect(packagesNeeded(lock, ['served'], () => true)).to.include('node_modules/optional');
  });

  it('looks outside the folder of a scope', () => {
    expect(packagesNeeded(lock, ['@scope/tool'], () => true)).to.deep.equal([
      'node_modules/@scope/tool',
      'node_modules/inner',
    ]);
  });
});

describe('isForThisSystem', () => {
  const onLinux = (file: string) => isForThisSystem(file, 'linux', 'x64');

  it('takes the binaries of one system', () => {
    expect(onLinux('onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1')).to.be.true;
    expect(onLinux('onnxruntime-node/bin/napi-v6/linux')).to.be.true;
    expect(onLinux('onnxruntime-node/bin/napi-v6/linux/arm64')).to.be.false;
    expect(onLinux('onnxruntime-node/bin/napi-v6/win32')).to.be.false;
    expect(onLinux('@evan/opus/node/x64-linux.node')).to.be.true;
    expect(onLinux('@evan/opus/node/x64-darwin.node')).to.be.false;
  });

  it('takes the code of packages, and not what only a compiler reads', () => {
    expect(onLinux('koa/lib/application.js')).to.be.true;
    expect(onLinux('@evan/opus/node/index.js')).to.be.true;
    expect(onLinux('zod/index.d.cts')).to.be.false;
    expect(onLinux('mediasoup/worker/src/main.cpp')).to.be.false;
    expect(onLinux('mediasoup/node/lib/Worker.js')).to.be.true;
  });
});

describe('librariesOf', () => {
  it('finds the paths that ldd prints', () => {
    const printed = [
      '\tlinux-vdso.so.1 (0x00007ffa3abf5000)',
      '\tlibuv.so.1 => /lib/x86_64-linux-gnu/libuv.so.1 (0x00007ffa3abb3000)',
      '\tlibgone.so.1 => not found',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007ffa3abf7000)',
    ];
    expect(librariesOf(printed.join('\n'))).to.deep.equal(['/lib/x86_64-linux-gnu/libuv.so.1']);
  });
});
