/** Builds the parts of signalling, the same for a pod by itself and for one of many. */
import { Drain } from '../signalling/drain.ts';
import { Fleet } from '../signalling/fleet.ts';
import { GatewayRouter } from '../signalling/gateway-router.ts';
import { HandoverSource } from '../signalling/handover-source.ts';
import type { HandoverSourceOptions } from '../signalling/handover-source.ts';
import { HandoverTarget } from '../signalling/handover-target.ts';
import type { HandoverTargetOptions } from '../signalling/handover-target.ts';
import { HeldSessions } from '../signalling/held-sessions.ts';
import type { Log } from '../signalling/log.ts';
import { LeftBehind } from '../signalling/left-behind.ts';
import { MemorySessionStore } from '../signalling/memory-session-store.ts';
import { Places } from '../signalling/places.ts';
import type { Pods } from '../signalling/pods.ts';
import { RelayDesk } from '../signalling/relay-desk.ts';
import { RemoteClient } from '../signalling/remote-client.ts';
import { SessionFinder } from '../signalling/session-finder.ts';
import type { ClaimCause } from '../signalling/session-finder.ts';
import { SessionHost } from '../signalling/session-host.ts';
import { Sessions } from '../signalling/sessions.ts';
import { WaitingRoom } from '../signalling/waiting-room.ts';
import type { WaitingRoomOptions } from '../signalling/waiting-room.ts';
import type { Calls } from './calls.ts';
import type { Config } from './config.ts';
import type { FleetLink } from './fleet-link.ts';

/** Told of what happens, for whoever counts. */
export type SignallingCounts = {
  claimed: (cause: ClaimCause) => void;
  moved: (outcome: 'moved' | 'failed') => void;
};

export type SignallingOptions = {
  config: Config;
  calls: Calls;
  link: FleetLink;
  counts: SignallingCounts;
  log: Log;
  nowMs: () => number;
};

export type Signalling = {
  store: HeldSessions;
  sessions: Sessions;
  pods: Pods;
  host: SessionHost;
  router: GatewayRouter;
  waitingRoom: WaitingRoom;
  fleet: Fleet;
  drain: Drain;
};

/** Each part is closed by `started`, in the reverse order. */
export const createSignalling = async (
  options: SignallingOptions,
  started: AsyncDisposableStack,
): Promise<Signalling> => {
  const { config, calls, link, counts, log, nowMs } = options;
  const { podId, bus, shared } = link;
  const local = new MemorySessionStore({ podId });
  const store = started.adopt(new HeldSessions({ local, ...(shared && { shared }), log }), (held) => held.close());
  const places = new Places({ capacity: config.voice.workers * config.voice.maxSessionsPerWorker });
  const hasTime = () => calls.hasTime();
  const sessions = new Sessions({ store, places, podId, hasTime, timeoutMs: config.sessionTimeoutMs, nowMs });
  // Without time for one more it is as good as full.
  const load = () => ({
    calls: hasTime() ? sessions.occupied : sessions.capacity,
    capacity: sessions.capacity,
    draining: sessions.draining,
  });
  started.adopt(new LeftBehind({ store, sessions, bus, log }), (open) => open.close());
  const pods = started.adopt(await link.createPods(load), (registered) => registered.close());
  const finder = new SessionFinder({ store, sessions, bus, pods, onClaimed: counts.claimed, nowMs });
  const parts = { ...options, store, sessions, pods, finder };
  const { host, router, waitingRoom, handover } = connectClients(parts, started);
  const fleet = new Fleet({ sessions, store, finder, waitingRoom, bus, pods, calls, log, nowMs });
  const drain = new Drain({ sessions, store, host, handover, pods, timeoutMs: config.drainTimeoutMs, nowMs });
  return { store, sessions, pods, host, router, waitingRoom, fleet, drain };
};

type Foundation = SignallingOptions & Pick<Signalling, 'store' | 'sessions' | 'pods'> & { finder: SessionFinder };

/** What stands between clients and the pod that leads their session. */
const connectClients = (parts: Foundation, started: AsyncDisposableStack) => {
  const { config, calls, link, log, nowMs, store, sessions, finder } = parts;
  const { bus } = link;
  const host: SessionHost = new SessionHost({
    calls,
    sessions,
    toStandby: (target, id, parsed) => handover.toStandby(target, id, parsed),
    toSuccessor: (id, continuation) => handover.toSuccessor(id, continuation),
    publish: bus.publish.bind(bus),
    log,
    nowMs,
  });
  const desk = started.adopt(new RelayDesk({ bus, calls, host, sessions, nowMs }), (open) => open.close());
  const router = started.adopt(
    new GatewayRouter({ finder, host, waitingRoom: () => waitingRoom, bus, log, nowMs }),
    (open) => open.close(),
  );
  const onPlaced: WaitingRoomOptions['onPlaced'] = (client, request) => router.place(client.id, request);
  const limit = config.maxQueuedSessions;
  const waitingRoom: WaitingRoom = started.adopt(
    new WaitingRoom({ store, sessions, finder, bus, limit, onPlaced, log }),
    (open) => open.close(),
  );
  const handover = connectHandover({ ...parts, host, desk, router }, started);
  return { host, router, waitingRoom, handover };
};

/** How sessions go from pod to pod while their clients talk. */
const connectHandover = (
  parts: Foundation & { host: SessionHost; desk: RelayDesk; router: GatewayRouter },
  started: AsyncDisposableStack,
): HandoverSource => {
  const { calls, link, counts, log, nowMs, sessions, pods, finder, host, desk, router } = parts;
  const { bus } = link;
  const takeHome: HandoverTargetOptions['takeHome'] = (clientId, sessionId) => router.takeHome(clientId, sessionId);
  started.adopt(new HandoverTarget({ bus, calls, sessions, finder, host, desk, takeHome, log }), (open) =>
    open.close(),
  );
  const relayTo: HandoverSourceOptions['relayTo'] = (client, target, { position }) => {
    if (client instanceof RemoteClient) desk.rehome(client, target, position);
    else router.relayTo(client, target, position);
  };
  const addressOf: HandoverSourceOptions['addressOf'] = (client) =>
    client instanceof RemoteClient ? { id: client.id, podId: client.podId } : router.addressOf(client);
  const onMoved = counts.moved;
  return new HandoverSource({ bus, calls, sessions, host, pods, addressOf, relayTo, onMoved, log, nowMs });
};
