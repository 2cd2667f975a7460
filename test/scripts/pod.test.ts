import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { assert, nat, property, uint8Array } from 'fast-check';
import { bindingRequest, mappedAddress, publicAddress } from '../../scripts/pod/ask-public-address.mjs';
import { portsOfSlot } from '../../scripts/pod/take-slot.mjs';

const root = join(import.meta.dirname, '../..');

describe('pods that share the network of a machine', () => {
  let folder: string;
  const pods: ChildProcess[] = [];
  // Slots belong to a port; another test run must not share them.
  const PORT = String(20_000 + (process.pid % 20_000));

  before(() => (folder = mkdtempSync(join(tmpdir(), 'parley-slots-'))));
  after(() => {
    for (const pod of pods) pod.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Prints the ports that it got, and those that a worker thread sees, and stays. */
  const program = `
    const { Worker } = await import('node:worker_threads');
    const inWorker = 'import { parentPort } from "node:worker_threads"; parentPort.postMessage(process.env.PORT);';
    const worker = new Worker(new URL('data:text/javascript,' + inWorker));
    worker.once('message', (port) => console.log(process.env.PORT, process.env.MEDIA_PORT, port));
    setInterval(() => undefined, 1000);`;

  const startPod = async (): Promise<{ pod: ChildProcess; said: string }> => {
    const args = ['--import', './scripts/pod/take-slot.mjs', '--input-type=module', '-e', program];
    const env = { POD_SLOTS: '3', PORT, MEDIA_PORT: '40000', MEDIA_WORKERS: '4', TMPDIR: folder };
    const pod = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    pods.push(pod);
    const [said] = await Promise.race([once(pod.stdout, 'data'), once(pod.stderr, 'data')]);
    return { pod, said: String(said) };
  };
  const ofSlot = (slot: number) => `${Number(PORT) + slot} ${40_000 + 4 * slot} ${Number(PORT) + slot}\n`;

  it('get ports of their own; those of a dead one are given out again; one too many is told so', async function () {
    if (process.platform !== 'linux') return this.skip(); // Abstract sockets, and Docker's host network, are Linux'.
    const first = await startPod();
    expect(first.said).to.equal(ofSlot(0));
    expect(readFileSync(join(folder, 'parley-port'), 'utf8')).to.equal(`${PORT}\n`);
    const others = await Promise.all([startPod(), startPod()]);
    expect(others.map(({ said }) => said)).to.have.members([ofSlot(1), ofSlot(2)]);
    const { pod, said } = await startPod();
    expect(said + String(await pod.stderr?.toArray())).to.include('all 3 slots are taken');
    first.pod.kill('SIGKILL');
    await once(first.pod, 'exit');
    expect((await startPod()).said).to.equal(ofSlot(0));
  });

  it('refuse settings that give no ports', () => {
    const env = { PORT: '3001', MEDIA_PORT: '40000', MEDIA_WORKERS: '2' };
    expect(portsOfSlot(env, 3)).to.deep.equal({ PORT: '3004', MEDIA_PORT: '40006' });
    expect(() => portsOfSlot({ ...env, MEDIA_WORKERS: '' }, 0)).to.throw('MEDIA_WORKERS');
    expect(() => portsOfSlot({ ...env, PORT: '0' }, 0)).to.throw('PORT');
  });
});

describe('asking for the public address', () => {
  const transaction = randomBytes(12);

  /** A success with an attribute that is skipped, three bytes and one of padding, before the address. */
  const answer = (id: Buffer, address: readonly number[]): Buffer => {
    const cookie = Buffer.from('2112a442', 'hex');
    const xored = address.map((byte, index) => byte ^ (cookie[index] ?? 0));
    const attributes = Buffer.from([0x80, 0x22, 0, 3, 1, 2, 3, 0, 0, 0x20, 0, 8, 0, 1, 0x12, 0x34, ...xored]);
    return Buffer.concat([Buffer.from([1, 1, 0, attributes.length]), cookie, id, attributes]);
  };

  it('reads the address out of the answer', () => {
    expect(mappedAddress(answer(transaction, [203, 0, 113, 9]), transaction)).to.equal('203.0.113.9');
  });

  it('takes no answer to somebody else, and nothing out of rubbish', () => {
    expect(mappedAddress(answer(randomBytes(12), [203, 0, 113, 9]), transaction)).to.equal(undefined);
    expect(mappedAddress(bindingRequest(transaction), transaction)).to.equal(undefined);
    const genuine = answer(transaction, [203, 0, 113, 9]);
    assert(
      property(uint8Array({ maxLength: 60 }), nat(genuine.length), (bytes, kept) => {
        const address = mappedAddress(Buffer.concat([genuine.subarray(0, kept), bytes]), transaction);
        expect(address ?? '0.0.0.0').to.match(/^\d+(\.\d+){3}$/);
      }),
    );
  });

  it('asks again when a question is lost, and gives up with the name of the setting', async () => {
    const server = createSocket('udp4');
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    let asked = 0;
    server.on('message', (question, { port, address }) => {
      asked += 1;
      if (asked > 1) server.send(answer(question.subarray(8, 20), [198, 51, 100, 2]), port, address);
    });
    const { port } = server.address();
    expect(await publicAddress('127.0.0.1', port)).to.equal('198.51.100.2');
    server.removeAllListeners('message');
    const failure = await publicAddress('127.0.0.1', port, 50).catch((error: Error) => error.message);
    expect(failure).to.include('PUBLIC_ADDRESS_STUN=127.0.0.1');
    server.close();
  });
});
