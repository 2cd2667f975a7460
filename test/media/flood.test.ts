import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { JitterBuffer } from '../../media/rtp/jitter-buffer.ts';
import { RtpSocket } from '../../media/rtp/rtp-socket.ts';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../media/rtp/rtp.ts';
import { dropsAtPortIn, dropsOfProcesses } from '../../media/rtp/udp-drops.ts';
import { eventually } from '../support/eventually.ts';
import { Listener, opus } from '../support/rtp-line.ts';

const SSRC = 0x80000001;
/** As many as a stranger sends in 0.2 s, where it sends 50,000 a second. */
const FLOOD = 10_000;
/** Packets between two turns of the loop: far less than the socket's buffer holds. */
const BURST = 100;

function rtp(ssrc: number, sequence: number, payload: Uint8Array = opus(sequence)): Buffer {
  const packet = Buffer.alloc(RTP_HEADER_BYTES + payload.length);
  writeRtpHeader(packet, 111, false, sequence & 0xffff, (960 * sequence) >>> 0, ssrc);
  packet.set(payload, RTP_HEADER_BYTES);
  return packet;
}

describe('a flood at the plain port', () => {
  let link: RtpSocket;
  let port: number;
  let peer: Socket;
  const sockets: Socket[] = [];
  const faults: unknown[] = [];

  async function somebody(): Promise<Socket> {
    const socket = createSocket('udp4');
    sockets.push(socket);
    // What the kernel refuses comes back as an error.
    socket.on('error', () => undefined);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  }

  beforeEach(async () => {
    faults.length = 0;
    link = new RtpSocket({ now: () => 0, onRtcp: () => undefined, onFault: (fault) => faults.push(fault) });
    port = await link.bind();
    peer = await somebody();
    await link.connect(peer.address().port);
  });

  afterEach(() => {
    link.close();
    for (const socket of sockets.splice(0)) socket.close();
    expect(faults).to.deep.equal([]);
  });

  const sendFrom = (socket: Socket, packet: Uint8Array) =>
    new Promise<void>((resolve) => socket.send(packet, port, '127.0.0.1', () => resolve()));

  /** Sends the flood in bursts, and one packet of the call after each. @returns how many of the call were sent */
  async function floodBeside(flood: (n: number) => Promise<void>): Promise<number> {
    let sent = 0;
    for (let n = 0; n < FLOOD; n += BURST) {
      await Promise.all(Array.from({ length: BURST }, (_, index) => flood(n + index)));
      await sendFrom(peer, rtp(SSRC, ++sent));
      await turn();
    }
    return sent;
  }

  it('does not get in from a wrong address, and keeps no packet of the call out', async () => {
    const sequences: number[] = [];
    link.receive(SSRC, ({ sequence }) => sequences.push(sequence));
    const stranger = await somebody();
    const sent = await floodBeside((n) => sendFrom(stranger, rtp(SSRC, n)));
    await eventually(() => sequences.length === sent);
    expect(sequences).to.deep.equal(Array.from({ length: sent }, (_, index) => index + 1));
    expect(link.statistics).to.include({ received: sent, strangers: 0, malformed: 0 });
  });

  it('reaches no call with SSRCs of strangers, and is counted', async () => {
    const sequences: number[] = [];
    link.receive(SSRC, ({ sequence }) => sequences.push(sequence));
    const sent = await floodBeside((n) => sendFrom(peer, rtp(n, n)));
    await eventually(() => sequences.length === sent);
    expect(link.statistics).to.include({ received: sent + FLOOD, unclaimed: FLOOD });
    // Nothing is kept of a stream that nobody has asked for.
    expect(sequences).to.deep.equal(Array.from({ length: sent }, (_, index) => index + 1));
  });

  it('is heard once, however often it is replayed', async () => {
    const listener = new Listener();
    const buffer = new JitterBuffer({}, listener);
    link.receive(SSRC, ({ sequence, timestamp, payloadOffset, payloadEnd }, packet, nowMs) =>
      buffer.push(sequence, timestamp, packet.subarray(payloadOffset, payloadEnd), nowMs),
    );
    await sendFrom(peer, rtp(SSRC, 0));
    const sent = await floodBeside((n) => sendFrom(peer, rtp(SSRC, Math.floor(n / BURST))));
    await eventually(() => link.statistics.received === sent + FLOOD + 1);
    const numbers = Array.from({ length: sent + 1 }, (_, index) => `p${index}`);
    expect(listener.told).to.deep.equal(numbers);
    expect(buffer.statistics).to.include({ duplicates: FLOOD, lost: 0, restarts: 0 });
  });

  it('is counted by the kernel where it does not fit, packet by packet', async function () {
    if (process.platform !== 'linux') this.skip();
    link.receive(SSRC, () => undefined);
    const packet = rtp(SSRC, 1, new Uint8Array(1_200));
    // Within one turn of the loop nothing is read.
    const sent = Math.ceil(link.receiveBufferBytes / packet.length) + 500;
    await Promise.all(Array.from({ length: sent }, () => sendFrom(peer, packet)));
    await eventually(async () => link.statistics.received + (await link.kernelDrops()) === sent);
    expect(await link.kernelDrops()).to.be.above(0);
    expect(dropsOfProcesses([process.pid])).to.be.at.least(await link.kernelDrops());
    expect(dropsAtPortIn(await readFile('/proc/net/udp', 'latin1'), port)).to.equal(await link.kernelDrops());
  });

  it('is told apart from what other addresses have dropped at the same port', () => {
    const row = (address: string, drops: number) =>
      `  12: ${address}:1F90 0100007F:2710 01 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000 ${drops}`;
    const table = ['heading', row('0200007F', 5), row('0100007F', 7), row('00000000', 9)].join('\n');
    expect(dropsAtPortIn(table, 8080)).to.equal(7);
    expect(dropsAtPortIn(table, 8081)).to.equal(0);
  });
});
