import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

/**
 * Ports below those that Linux hands out by itself (32,768 to 60,999, net.ipv4.ip_local_port_range): a port found free
 * there is not taken by the next connection that some other test opens, before whoever asked for it listens on it.
 */
const LOWEST = 10_000;
const HIGHEST = 32_000;

const host = '127.0.0.1';

/** For programs that cannot be told to take a free port themselves. */
export const freePort = (): Promise<number> => freePorts(1);

/** @returns the first of `count` neighbouring ports on 127.0.0.1 on which nobody listens, by UDP or TCP */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - count));
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (await areFree(ports)) return first;
  }
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  const free = await Promise.all(ports.flatMap((port) => [isFree(udp(port)), isFree(tcp(port))]));
  return free.every(Boolean);
}

const udp = (port: number): Socket => createSocket('udp4').bind({ port, address: host, exclusive: true });

const tcp = (port: number): Server => createServer().listen({ port, host, exclusive: true });

function isFree(listener: Socket | Server): Promise<boolean> {
  return new Promise((resolve) => {
    listener.once('error', () => resolve(false));
    listener.once('listening', () => listener.close(() => resolve(true)));
  });
}
