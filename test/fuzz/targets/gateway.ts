/** Frames of a client at the whole gateway, with and without a token, joined and not. */
import { setTimeout as pause } from 'node:timers/promises';
import * as fc from 'fast-check';
import { startLoneGateway } from '../../support/lone-gateway.ts';
import { asJson, expectUnpolluted, type FuzzTarget, inTime, jsonOf, ODD_VALUES, textOf } from '../fuzz-target.ts';
import { requests } from './message.ts';

const ODD_FRAMES = [
  '40', '40{}', '41', '42', '42["a"', '420["say",{"text":"x"}]', '450-["say",{"_placeholder":true,"num":9}]', '2', '3', '6',
  '451-["x",{"_placeholder":true,"num":0}]', '40/other,{}', '42/other,["say"]', '44{}', '43[]', '499999999999["say"]',
]; // prettier-ignore

/** The frames of one connection, one after another; `TOKEN` in them stands for a token that is good. */
export async function openGateway(): Promise<FuzzTarget> {
  const gateway = await startLoneGateway();
  const url = `${gateway.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
  const request = fc.tuple(fc.nat(9), requests).map(([id, event]) => `42${id}${JSON.stringify(event)}`);
  const frames = fc.array(fc.oneof(request, request, fc.constantFrom(...ODD_FRAMES)), { maxLength: 8 });
  const connection = fc.tuple(fc.constantFrom('40{"token":"TOKEN"}', '40{"token":"TOKEN"}', '40{}'), frames);
  return {
    inputs: asJson(connection.map(([first, rest]) => [first, ...rest])),
    shape: 'json',
    words: [...ODD_FRAMES, 'TOKEN', ...ODD_VALUES.map((odd) => JSON.stringify(odd))],
    run: async (input) => {
      const sent = [jsonOf(input)].flat();
      const { id, token } = await gateway.open();
      const answers = await inTime(talk(url, sent.map(textOf), token), 'the end of a connection');
      await gateway.sessions.end(id, 'deleted');
      expectUnharmed(gateway);
      expectUnpolluted();
      return answers;
    },
    close: async () => gateway.close(),
  };
}

function expectUnharmed({ log, calls }: Awaited<ReturnType<typeof startLoneGateway>>): void {
  const error = log.lines.find(({ level }) => level === 'error');
  log.lines.length = 0;
  calls.asked.length = 0;
  calls.restored.clear();
  if (error) throw new Error(`${error.message}: ${String((error.details as { err?: unknown }).err)}`);
}

/** Answered last, where anything is answered at all: requests are answered in order. */
const LAST = '42999["consume",{"participant":"agent"}]';
/** What never became a connection is told nothing, and its end comes later. */
const PATIENCE_MS = 60;

/** @returns the codes that were answered */
async function talk(url: string, [first = '', ...frames]: readonly string[], token: string): Promise<string> {
  const socket = new WebSocket(url);
  const codes = new Set<string>();
  const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  const answered = async () => {
    const next = new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    await Promise.race([next, closed, pause(PATIENCE_MS)]);
  };
  await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
  socket.addEventListener('message', ({ data }) => {
    const text = String(data);
    for (const [, code] of text.matchAll(/"code":"(\w+)"|"ok":true/g)) codes.add(code ?? 'ok');
    if (text.startsWith('43999[')) socket.close();
  });
  if (socket.readyState !== WebSocket.OPEN) throw new Error('the gateway takes no connection any more');
  // Whatever comes before it is connected ends the connection.
  socket.send(first.replaceAll('TOKEN', token));
  await answered();
  for (const frame of [...frames, LAST]) if (socket.readyState === WebSocket.OPEN) socket.send(frame);
  const patience = setTimeout(() => socket.close(), PATIENCE_MS);
  await closed;
  clearTimeout(patience);
  return [...codes].toSorted().join();
}
