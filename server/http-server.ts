/** The listening socket: plain or TLS, with time limits against clients that keep it waiting. */
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Config } from './config.ts';

/** The server could not start, for a reason that an operator can mend. The message names the setting. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code = 'cannot_start';
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

const LIMITS = {
  /** A client has so long for its headers, and for a whole request, in ms; slow ones would hold connections for ever. */
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
};

/** @throws {StartError} when the certificate or its key cannot be used. */
export const createHttpServer = async ({ tls }: Config['http'], handler: Handler): Promise<http.Server> => {
  if (tls === undefined) return http.createServer(LIMITS, handler);
  const [cert, key] = await Promise.all([readPem('TLS_CERT', tls.certPath), readPem('TLS_KEY', tls.keyPath)]);
  try {
    return https.createServer({ ...LIMITS, cert, key }, handler);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    const problem = `TLS_CERT and TLS_KEY: are not a certificate and its private key in PEM (${reason}).`;
    throw new StartError(problem, { cause: error });
  }
};

const readPem = async (setting: string, path: string): Promise<Buffer> => {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new StartError(`${setting}=${path}: cannot be read (${code}). It must be the path of a PEM file.`, {
      cause: error,
    });
  }
};

/** @throws {StartError} when the port is taken or the address is not this machine's. */
export const listen = (server: http.Server, { port, host }: Config['http']): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(explain(error, port, host));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve(server.address() as AddressInfo);
    });
  });

const explain = (error: NodeJS.ErrnoException, port: number, host: string): Error => {
  const sentences: Record<string, string> = {
    EADDRINUSE: `PORT=${port}: is taken by another program. Stop it, or set PORT to another port.`,
    EACCES: `PORT=${port}: this user may not listen there. Set PORT to a number above 1023.`,
    EADDRNOTAVAIL: `HOST=${host}: is not an address of this machine. Set HOST to one that is, or to 0.0.0.0 for all.`,
    ENOTFOUND: `HOST=${host}: is neither an address nor a known name. Set HOST to an address of this machine.`,
  };
  const sentence = sentences[error.code ?? ''];
  return sentence === undefined ? error : new StartError(sentence, { cause: error });
};

/** Where a person on this machine opens the page. */
export const localUrl = ({ tls }: Config['http'], { address, port }: AddressInfo): string => {
  const anywhere = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(address);
  const host = anywhere ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  return `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
};
