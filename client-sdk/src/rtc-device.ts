import { Device, detectDevice } from 'mediasoup-client';
import { Chrome74 } from 'mediasoup-client/handlers/Chrome74';
import { Chrome111 } from 'mediasoup-client/handlers/Chrome111';
import { Firefox120 } from 'mediasoup-client/handlers/Firefox120';
import { Safari12 } from 'mediasoup-client/handlers/Safari12';
import type { HandlerFactory, RtpCapabilities } from 'mediasoup-client/types';
import { ParleyError } from './errors.ts';

const handlers = { Chrome74, Chrome111, Firefox120, Safari12 } as const;

type Direction = 'recvonly' | 'sendonly';

/** What the browser can do does not change while a page is open, so it is asked once. */
let asked: Record<Direction, Promise<RtpCapabilities>> | undefined;

/**
 * Asks the browser what it can do. That takes it some 40 ms, with connections that are closed again; who does it ahead of a
 * call has it ready at the click.
 *
 * @throws ParleyError `unsupported`
 */
export function prepareDevice(): void {
  askOnce(detectHandler());
}

/**
 * A mediasoup-client device that asks the browser what it can do right away, not only once the server has said what it
 * can: that would otherwise stand between `hello` and `join`.
 *
 * @throws ParleyError `unsupported`
 */
export function createDevice(): Device {
  const factory = detectHandler();
  const capabilities = askOnce(factory);
  return new Device({
    handlerFactory: { ...factory, getNativeRtpCapabilities: ({ direction }) => capabilities[direction] },
  });
}

function askOnce(factory: HandlerFactory): NonNullable<typeof asked> {
  if (asked) return asked;
  const capabilities = {
    recvonly: factory.getNativeRtpCapabilities({ direction: 'recvonly' }),
    sendonly: factory.getNativeRtpCapabilities({ direction: 'sendonly' }),
  };
  asked = capabilities;
  // `load` meets a failure again and reports it; until then nobody listens. The next device asks anew.
  for (const promise of Object.values(capabilities)) promise.catch(() => (asked = undefined));
  return capabilities;
}

function detectHandler(): HandlerFactory {
  const name = typeof RTCPeerConnection === 'undefined' ? undefined : detectDevice();
  const handler = Object.entries(handlers).find(([known]) => known === name)?.[1];
  if (!handler) throw new ParleyError('unsupported');
  return handler.createFactory({});
}
