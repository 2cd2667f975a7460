// Asks the server of this container whether it lives: status 0 or 1. For Docker, which cannot ask by HTTP itself.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { portFile } from './port-file.mjs';

const TIMEOUT_MS = 4000;
const anywhere = ['', '0.0.0.0', '::'];

const { env } = process;
const secure = Boolean(env['TLS_CERT']);
const host = anywhere.includes(env['HOST'] ?? '') ? '127.0.0.1' : env['HOST'];
const port = env['POD_SLOTS'] ? readFileSync(portFile(), 'utf8').trim() : (env['PORT'] ?? '3000');

// A certificate is for the name that clients use; this is the way to oneself.
const options = { host, port, path: '/health/live', timeout: TIMEOUT_MS, rejectUnauthorized: false };
const request = (secure ? https : http).get(options, (response) => {
  response.resume();
  process.exitCode = response.statusCode === 200 ? 0 : 1;
});
request.on('timeout', () => request.destroy(new Error('no answer')));
request.on('error', () => (process.exitCode = 1));
