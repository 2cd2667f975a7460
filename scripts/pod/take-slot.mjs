// Gives each of several pods that share one machine's network ports of its own. Loaded before the server:
//
//   POD_SLOTS=16 PORT=3001 MEDIA_PORT=40000 MEDIA_WORKERS=2 node --import ./scripts/pod/take-slot.mjs server/main.ts
//
// The pod with slot n listens on PORT + n, and its media workers on MEDIA_PORT + n * MEDIA_WORKERS and what follows. All
// copies of a container get the same environment, so the slot cannot come from there. It is held by a socket in Linux'
// abstract namespace: one holder for the whole network namespace, and free again however its holder ends.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { portFile } from './port-file.mjs';

/**
 * @param {number} slots
 * @param {string} group pods of one group share the slots
 * @returns {Promise<number>} the lowest free slot; held until the process ends
 */
export async function takeSlot(slots, group) {
  for (let slot = 0; slot < slots; slot += 1) {
    if (await hold(`\0parley-pod-${group}-${slot}`)) return slot;
  }
  throw new Error(`all ${slots} slots are taken: raise POD_SLOTS and give the balancer as many servers`);
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {number} slot
 * @returns {{ PORT: string, MEDIA_PORT: string }}
 */
export function portsOfSlot(env, slot) {
  const workers = wholeNumber(env, 'MEDIA_WORKERS');
  return {
    PORT: String(wholeNumber(env, 'PORT') + slot),
    MEDIA_PORT: String(wholeNumber(env, 'MEDIA_PORT') + slot * workers),
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} name
 */
function wholeNumber(env, name) {
  const text = env[name] ?? '';
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${name}: must be a whole number above 0 where POD_SLOTS is set`);
  return Number(text);
}

/**
 * @param {string} name
 * @returns {Promise<boolean>}
 */
function hold(name) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(name, () => resolve(true));
    // The server decides how long the process lives.
    server.unref();
  });
}

// Worker threads load what their process was told to load; only the process itself takes a slot.
if (isMainThread && process.env['POD_SLOTS']) {
  const slots = wholeNumber(process.env, 'POD_SLOTS');
  const slot = await takeSlot(slots, process.env['PORT'] ?? '');
  Object.assign(process.env, portsOfSlot(process.env, slot));
  writeFileSync(portFile(), `${process.env['PORT']}\n`);
}
