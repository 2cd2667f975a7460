/** Whatever a stranger at Redis may write on the channels of a pod that has a session with a client. */
import * as fc from 'fast-check';
import { parseBusMessage } from '../../../signalling/bus-messages.ts';
import { payloadSchemas } from '../../../signalling/bus-payloads.ts';
import { decodePodMessage } from '../../../signalling/pod-message.ts';
import { PodBus } from '../../../signalling/pod-bus.ts';
import type { Wire } from '../../../signalling/wire.ts';
import { readConfig } from '../../../server/config.ts';
import { connectFleet } from '../../../server/fleet-link.ts';
import { createSignalling } from '../../../server/signalling-parts.ts';
import { FakeCalls, RTP_CAPABILITIES } from '../../support/fake-calls.ts';
import { memoryLog } from '../../support/running-server.ts';
import { sessionRecord } from '../../support/session-record.ts';
import { JOIN } from '../../support/socket-client.ts';
import { asJson, expectUnpolluted, type FuzzTarget, oddJson, textOf } from '../fuzz-target.ts';

const POD = 'pod-a';
const SESSION = '3f0d9b0e-8f0a-4c8e-9a53-0d9a3d3f7a11';
const client = { sessionId: SESSION, clientId: 'c1' };
const line = { turnId: 't', role: 'user', text: 'x', final: true, startMs: 0, endMs: 1 };
const restored = { transcript: [line] };
const position = { epoch: 1, seq: 1 };
const say = { name: 'say', request: { text: 'hello' } };

const PAYLOADS: Readonly<Record<string, unknown>> = {
  'session.open': { id: SESSION, request: { agent: 'parrot' } },
  'session.amend': { id: SESSION, changes: { metadata: { a: 1 } } },
  'session.end': { id: 'another', reason: 'deleted' },
  'session.get': { id: SESSION },
  'session.transcript': { id: SESSION },
  'session.lead': { id: SESSION, look: true },
  'session.claim': { id: SESSION, fromEpoch: 1, cause: 'owner_gone' },
  'session.left-behind': {
    id: SESSION,
    transcript: [line],
    changes: { changed: { epoch: 1, count: 9 }, variables: {} },
  },
  'session.placed': { id: SESSION },
  'relay.join': { ...client, request: JOIN },
  'relay.request': { ...client, parsed: say },
  'relay.ping': { ...client, after: position },
  'relay.gone': client,
  'relay.event': { clientId: 'c1', event: { name: 'speech', data: {}, ...position } },
  'relay.close': { clientId: 'c1', how: 'drop' },
  'relay.rehome': { clientId: 'c1', podId: 'b', position },
  'handover.prepare': {
    record: sessionRecord({ id: 'prepared', ownerPod: 'b', epoch: 1 }),
    request: { rtpCapabilities: RTP_CAPABILITIES, playback: 'running', microphone: true },
    restored,
  },
  'handover.request': { id: 'prepared', parsed: say },
  'handover.ready': { id: 'prepared' },
  'handover.commit': {
    id: 'prepared',
    fromEpoch: 1,
    restored,
    client: { id: 'c1', podId: 'b' },
    joinRequest: JOIN,
    withoutMicrophone: false,
  },
  'handover.cancel': { id: 'prepared' },
};

const messages = fc
  .record({
    name: fc.constantFrom(...Object.keys(payloadSchemas)),
    payload: fc.oneof(fc.constant('fitting'), fc.constant('fitting'), oddJson),
    type: fc.constantFrom('request', 'request', 'tell', 'tell', 'reply', 'cancel'),
    id: fc.uuid(),
  })
  .map(({ name, payload, ...rest }) => {
    const fitting = payload === 'fitting' ? PAYLOADS[name] : payload;
    return { from: 'b', name, timeoutMs: 500, ok: true, answer: fitting, payload: fitting, ...rest };
  });

/** A wire on which everything comes from the input. */
class HostileWire implements Wire {
  readonly steadySince = 0;
  readonly #listeners = new Map<string, Set<(text: string) => void>>();

  async send(): Promise<number> {
    return 1;
  }

  listen(channel: string, listener: (text: string) => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  onUp(): () => void {
    return () => undefined;
  }

  async close(): Promise<void> {}

  /** On every channel that anybody listens to. */
  say(text: string): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener(text);
  }
}

export async function openBus(): Promise<FuzzTarget> {
  const log = memoryLog();
  const nowMs = Date.now;
  const nothing = () => undefined;
  const config = readConfig({ WORKER_POOL_SIZE: '1', MAX_SESSIONS_PER_WORKER: '20', SESSION_TIMEOUT: '60' });
  const parts = new AsyncDisposableStack();
  const link = await connectFleet({
    config,
    podId: POD,
    version: '0',
    onCommand: nothing,
    onPersisted: nothing,
    log,
    nowMs,
  });
  const wire = new HostileWire();
  const bus = new PodBus({ podId: POD, wire, log, replyChannel: 'worker_responses' });
  parts.defer(() => link.close());
  parts.defer(() => bus.close());
  const calls = new FakeCalls();
  const counts = { claimed: nothing, moved: nothing };
  const options = { config, calls, link: { ...link, bus }, counts, log, nowMs };
  const { sessions, store } = await createSignalling(options, parts);
  await sessions.open({ agent: 'parrot' }, SESSION);
  return {
    inputs: asJson(messages),
    shape: 'json',
    // The last 20,000 requests are remembered, with their answers, so that each is handled once.
    keepsBytes: 16 << 20,
    run: async (input) => {
      const text = input.toString('utf8');
      decodePodMessage(text);
      const parsed = parseBusMessage(text);
      wire.say(text);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      const told = log.lines.find(({ level }) => level === 'error');
      log.lines.length = 0;
      calls.asked.length = 0;
      if (told) throw new Error(`${told.message}: ${String((told.details as { err?: Error }).err?.stack)}`);
      expectUnpolluted();
      for (const id of store.heldIds.filter((held) => held !== SESSION)) await sessions.end(id, 'deleted');
      return `${parsed?.type} ${parsed && 'name' in parsed ? textOf(parsed.name) : ''} ${sessions.occupied}`;
    },
    close: async () => parts.disposeAsync(),
  };
}
