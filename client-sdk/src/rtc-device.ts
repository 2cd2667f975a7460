import { Device, detectDevice } from 'mediasoup-client';
import { Chrome74 } from 'mediasoup-client/handlers/Chrome74';
import { Chrome111 } from 'mediasoup-client/handlers/Chrome111';
import { Firefox120 } from 'mediasoup-client/handlers/Firefox120';
import { Safari12 } from 'mediasoup-client/handlers/Safari12';
import type { HandlerFactory } from 'mediasoup-client/types';
import { ParleyError } from './errors.ts';

const handlers = { Chrome74, Chrome111, Firefox120, Safari12 } as const;

/**
 * A mediasoup-client device that asks the browser what it can do right away, not only once the server has said what it
 * can: the two questions take some 20 ms each, which would otherwise stand between `hello` and `join`.
 *
 * @throws ParleyError `unsupported`
 */
export function createDevice(): Device {
  const factory = detectHandler();
  const capabilities = {
    recvonly: factory.getNativeRtpCapabilities({ direction: 'recvonly' }),
    sendonly: factory.getNativeRtpCapabilities({ direction: 'sendonly' }),
  };
  // `load` meets the failure again and reports it; until then nobody listens.
  for (const promise of Object.values(capabilities)) promise.catch(() => undefined);
  return new Device({
    handlerFactory: { ...factory, getNativeRtpCapabilities: ({ direction }) => capabilities[direction] },
  });
}

function detectHandler(): HandlerFactory {
  const name = typeof RTCPeerConnection === 'undefined' ? undefined : detectDevice();
  const handler = Object.entries(handlers).find(([known]) => known === name)?.[1];
  if (!handler) throw new ParleyError('unsupported');
  return handler.createFactory({});
}
