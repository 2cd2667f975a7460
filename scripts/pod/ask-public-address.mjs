// Has the pod announce the address from which the internet sees its packets, where its node has an external address by
// translation (most clouds). Loaded before the server:
//
//   PUBLIC_ADDRESS_STUN=stun.example.org:3478 node --import ./scripts/pod/ask-public-address.mjs server/main.ts
//
// Right only where the translation is one to one, so that the node's ports are the same outside; behind a gateway that
// many nodes share, use TURN (DEPLOY.md).
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isMainThread } from 'node:worker_threads';

/** Numbers of RFC 8489: sections 5, 14.2 and 18.2. */
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAGIC_COOKIE = 0x2112a442;
const XOR_MAPPED_ADDRESS = 0x0020;
const IPV4 = 0x01;
const HEADER_BYTES = 20;

/** UDP may lose the question or the answer; at a pod's start other things are slow, too. */
const ASK_AGAIN_MS = 500;
const GIVE_UP_MS = 10_000;

/**
 * @param {string} host
 * @param {number} port
 * @param {number} [giveUpMs]
 * @returns {Promise<string>} an IPv4 address
 */
export function publicAddress(host, port, giveUpMs = GIVE_UP_MS) {
  const socket = createSocket('udp4');
  const transaction = randomBytes(12);
  const question = bindingRequest(transaction);
  return new Promise((resolve, reject) => {
    /** @param {() => void} settle */
    const finish = (settle) => {
      clearInterval(asking);
      clearTimeout(givingUp);
      socket.close();
      settle();
    };
    const asking = setInterval(() => socket.send(question, port, host), ASK_AGAIN_MS);
    const givingUp = setTimeout(() => {
      finish(() => reject(new Error(`PUBLIC_ADDRESS_STUN=${host}:${port}: no answer from there in ${giveUpMs} ms`)));
    }, giveUpMs);
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('message', (message) => {
      const address = mappedAddress(message, transaction);
      if (address !== undefined) finish(() => resolve(address));
    });
    socket.send(question, port, host);
  });
}

/** @param {Buffer} transaction 12 bytes */
export function bindingRequest(transaction) {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(BINDING_REQUEST, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  return Buffer.concat([header, transaction]);
}

/**
 * @param {Buffer} message
 * @param {Buffer} transaction of the question
 * @returns {string | undefined} nothing where it is no answer to the question, or has no IPv4 address
 */
export function mappedAddress(message, transaction) {
  if (message.length < HEADER_BYTES || message.readUInt16BE(0) !== BINDING_SUCCESS) return undefined;
  if (message.readUInt32BE(4) !== MAGIC_COOKIE || !message.subarray(8, HEADER_BYTES).equals(transaction)) {
    return undefined;
  }
  for (let offset = HEADER_BYTES; offset + 4 <= message.length;) {
    const type = message.readUInt16BE(offset);
    const length = message.readUInt16BE(offset + 2);
    const value = message.subarray(offset + 4, offset + 4 + length);
    if (type === XOR_MAPPED_ADDRESS && value.length === 8 && value[1] === IPV4) {
      const bits = (value.readUInt32BE(4) ^ MAGIC_COOKIE) >>> 0;
      return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
    }
    // Values are padded to four bytes.
    offset += 4 + Math.ceil(length / 4) * 4;
  }
  return undefined;
}

const server = process.env['PUBLIC_ADDRESS_STUN'];
if (isMainThread && server) {
  const [, host, port] = /^([\w.-]+):(\d{1,5})$/.exec(server) ?? [];
  if (host === undefined)
    throw new Error(`PUBLIC_ADDRESS_STUN=${server}: must be a host and a port, such as stun.example.org:3478`);
  process.env['MEDIA_ANNOUNCED_ADDRESS'] = await publicAddress(host, Number(port));
}
