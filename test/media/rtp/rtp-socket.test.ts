import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect } from 'chai';
import { readRtcp } from '../../../media/rtp/rtcp.ts';
import { RtpSocket } from '../../../media/rtp/rtp-socket.ts';
import { writeRtpHeader } from '../../../media/rtp/rtp.ts';
import { eventually } from '../../support/eventually.ts';

const SSRC = 0x80000001;
const RECEIVER_REPORT = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 9]);

function rtp(ssrc: number, sequence: number, payload = 'payload'): Buffer {
  const packet = Buffer.alloc(12 + payload.length);
  writeRtpHeader(packet, 111, false, sequence, 960 * sequence, ssrc);
  packet.write(payload, 12);
  return packet;
}

describe('RtpSocket', () => {
  let link: RtpSocket;
  let port: number;
  let peer: Socket;
  let rtcp: Buffer[];
  let nowMs: number;
  let faults: unknown[];
  const onFault = (fault: unknown) => void faults.push(fault);
  const sockets: Socket[] = [];

  /** Somebody on this machine. */
  async function somebody(address = '127.0.0.1', ownPort = 0): Promise<Socket> {
    const socket = createSocket('udp4');
    sockets.push(socket);
    socket.bind(ownPort, address);
    await once(socket, 'listening');
    return socket;
  }

  const sendFrom = (socket: Socket, packet: Uint8Array) =>
    new Promise<void>((resolve, reject) =>
      socket.send(packet, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    );

  /** The sequence numbers that arrive for a stream. */
  function received(ssrc: number): number[] {
    const sequences: number[] = [];
    link.receive(ssrc, ({ sequence }) => sequences.push(sequence));
    return sequences;
  }

  beforeEach(async () => {
    rtcp = [];
    faults = [];
    nowMs = 1234.5;
    const onRtcp = (packet: Buffer) => {
      rtcp.push(packet);
      readRtcp(packet, packet.length, {});
    };
    link = new RtpSocket({ now: () => nowMs, onRtcp, onFault });
    port = await link.bind();
    peer = await somebody();
  });

  afterEach(() => {
    link.close();
    for (const socket of sockets.splice(0)) socket.close();
  });

  it('hands each stream its packets, with their header and the time they came', async () => {
    await link.connect(peer.address().port);
    const packets: { payload: string; timestamp: number; atMs: number }[] = [];
    link.receive(SSRC, ({ payloadOffset, payloadEnd, timestamp }, packet, atMs) =>
      packets.push({ payload: packet.toString('latin1', payloadOffset, payloadEnd), timestamp, atMs }),
    );
    const others = received(SSRC + 1);
    await sendFrom(peer, rtp(SSRC, 5, 'first'));
    await sendFrom(peer, rtp(SSRC + 1, 7));
    await eventually(() => others.length === 1);
    expect(packets).to.deep.equal([{ payload: 'first', timestamp: 4800, atMs: nowMs }]);
    expect(others).to.deep.equal([7]);
  });

  it('counts packets of no call, and those of a call that has gone', async () => {
    await link.connect(peer.address().port);
    const sequences = received(SSRC);
    link.forget(SSRC);
    await sendFrom(peer, rtp(SSRC, 1));
    await sendFrom(peer, rtp(SSRC + 9, 1));
    await eventually(() => link.statistics.unclaimed === 2);
    expect(sequences).to.deep.equal([]);
  });

  it('tells of a receiver that throws, and goes on', async () => {
    await link.connect(peer.address().port);
    link.receive(SSRC, () => {
      throw new Error('cannot take it');
    });
    const others = received(SSRC + 1);
    await sendFrom(peer, rtp(SSRC, 1));
    await sendFrom(peer, rtp(SSRC + 1, 1));
    await eventually(() => others.length === 1);
    expect(faults.map(String)).to.deep.equal(['Error: cannot take it']);
  });

  it('tells RTCP from RTP', async () => {
    await link.connect(peer.address().port);
    const sequences = received(9);
    await sendFrom(peer, RECEIVER_REPORT);
    await sendFrom(peer, rtp(9, 1));
    await eventually(() => sequences.length === 1);
    expect(rtcp).to.deep.equal([RECEIVER_REPORT]);
    expect(link.statistics).to.include({ received: 2, malformed: 0 });
  });

  it('lets no stranger through, before it is connected or after', async () => {
    const stranger = await somebody();
    const sequences = received(SSRC);
    await sendFrom(stranger, rtp(SSRC, 1));
    await sendFrom(stranger, RECEIVER_REPORT);
    await link.connect(peer.address().port);
    await sendFrom(stranger, rtp(SSRC, 2));
    await sendFrom(peer, rtp(SSRC, 3));
    await eventually(() => sequences.length > 0);
    expect(sequences).to.deep.equal([3]);
    expect(rtcp).to.deep.equal([]);
    expect(link.statistics).to.include({ received: 1, strangers: 2 });
  });

  it("lets no stranger through who has the peer's port on another address", async function () {
    // Elsewhere 127.0.0.1 is the only address of the loopback.
    if (process.platform !== 'linux') this.skip();
    const stranger = await somebody('127.0.0.2', peer.address().port);
    const sequences = received(SSRC);
    // Not yet read when the socket is connected: the kernel has let it in.
    const sent = sendFrom(stranger, rtp(SSRC, 1));
    await link.connect(peer.address().port);
    await sent;
    await sendFrom(peer, rtp(SSRC, 2));
    await eventually(() => sequences.length > 0);
    expect(sequences).to.deep.equal([2]);
    expect(link.statistics.strangers).to.equal(1);
  });

  it('outlives whatever bytes come', async () => {
    await link.connect(peer.address().port);
    const sequences = received(SSRC);
    const valid = rtp(SSRC, 1);
    let state = 1;
    const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
    for (let n = 0; n < 500; n++) {
      // Random bytes, RTP cut short, and RTP and RTCP with a byte changed.
      const packet = Buffer.from([
        Array.from({ length: n % 50 }, random),
        [...valid.subarray(0, n % valid.length)],
        [...valid],
        [...RECEIVER_REPORT],
      ][n % 4]!); // prettier-ignore
      if (n % 4 > 1) packet[random() % packet.length] = random();
      await sendFrom(peer, packet);
    }
    await sendFrom(peer, rtp(SSRC, 4711));
    await eventually(() => sequences.at(-1) === 4711);
    expect(link.statistics.received).to.be.above(450);
    expect(link.statistics.malformed).to.be.above(100);
  });

  it('sends to its peer alone, and to nobody before it is connected', async () => {
    link.send(rtp(SSRC, 1));
    const arrived: Buffer[] = [];
    peer.on('message', (packet) => arrived.push(packet));
    const connected = link.connect(peer.address().port);
    link.send(rtp(SSRC, 2));
    await connected;
    link.send(rtp(SSRC, 3));
    await eventually(() => arrived.length > 0);
    expect(arrived).to.deep.equal([rtp(SSRC, 3)]);
  });

  it('outlives its peer', async () => {
    const peerPort = peer.address().port;
    await link.connect(peerPort);
    sockets.splice(sockets.indexOf(peer), 1);
    peer.close();
    await once(peer, 'close');
    await eventually(() => {
      link.send(rtp(SSRC, 1));
      return link.statistics.sendFailures > 0;
    });
    const successor = await somebody('127.0.0.1', peerPort);
    const sequences = received(SSRC);
    await sendFrom(successor, rtp(SSRC, 2));
    await eventually(() => sequences.length === 1);
  });

  it("takes a predecessor's port", async () => {
    link.close();
    const successor = new RtpSocket({ now: () => nowMs, onRtcp: () => undefined, onFault });
    try {
      expect(await successor.bind(port)).to.equal(port);
    } finally {
      successor.close();
    }
  });

  it('says so when the port it is to have is taken', async () => {
    const second = new RtpSocket({ now: () => nowMs, onRtcp: () => undefined, onFault });
    const fault = await second.bind(port).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    second.close();
    expect(fault).to.equal('EADDRINUSE');
  });

  it('has asked for more buffer than a socket usually has, and tells what the kernel dropped all the same', async function () {
    if (process.platform !== 'linux') this.skip();
    await link.connect(peer.address().port);
    expect(link.receiveBufferBytes).to.be.above(peer.getRecvBufferSize());
    expect(await link.kernelDrops()).to.equal(0);
    const packet = Buffer.alloc(1200);
    // Within one turn of the loop: nothing of it is read.
    const packets = Math.ceil(link.receiveBufferBytes / packet.length) + 100;
    for (let n = 0; n < packets; n++) peer.send(packet, port, '127.0.0.1');
    expect(await link.kernelDrops()).to.be.above(0);
  });

  it('is silent once it is closed, and closes once', async () => {
    await link.connect(peer.address().port);
    link.close();
    link.close();
    link.send(rtp(SSRC, 1));
    expect(link.receiveBufferBytes).to.equal(0);
    expect(await link.kernelDrops()).to.equal(0);
  });
});
