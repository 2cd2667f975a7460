/**
 * Tells from inside a host what gets through, over UDP and TCP.
 *
 *     node network-probe.ts answer PORT            sends back whatever comes; prints `ready` once it does
 *     node network-probe.ts ask ADDRESS PORT COUNT prints how many of COUNT datagrams were answered, and whether TCP was
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export type ProbeResult = { udpAnswers: number; tcp: boolean };

/** Far longer than an answer takes on one machine. */
const WAIT_MS = 700;
/** Between two datagrams: slow enough that no buffer overflows. */
const BURST = 20;

const [command, ...rest] = process.argv.slice(2);
if (command === 'answer') await answer(Number(rest[0]));
else process.stdout.write(JSON.stringify(await ask(rest[0]!, Number(rest[1]), Number(rest[2]))));

async function answer(port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(port);
  await once(socket, 'listening');
  const server = createServer((peer) => {
    // Whoever asks may hang up before it has its answer.
    peer.on('error', () => undefined).pipe(peer);
  });
  await once(server.listen(port), 'listening');
  process.stdout.write('ready\n');
}

async function ask(address: string, port: number, count: number): Promise<ProbeResult> {
  const [udpAnswers, tcp] = await Promise.all([askByUdp(address, port, count), askByTcp(address, port)]);
  return { udpAnswers, tcp };
}

async function askByUdp(address: string, port: number, count: number): Promise<number> {
  const socket = createSocket('udp4');
  let answers = 0;
  socket.on('message', () => answers++);
  for (let sent = 0; sent < count; sent++) {
    socket.send(Buffer.from([sent & 0xff]), port, address);
    if (sent % BURST === BURST - 1) await pause(5);
  }
  await pause(WAIT_MS);
  socket.close();
  return answers;
}

async function askByTcp(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address);
  const answered = once(socket, 'data').then(
    () => true,
    () => false,
  );
  socket.once('connect', () => socket.write('?'));
  const result = await Promise.race([answered, pause(WAIT_MS).then(() => false)]);
  socket.destroy();
  return result;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
