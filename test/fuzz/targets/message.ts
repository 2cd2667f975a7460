/** One event of a client, as Socket.IO hands it over: its name and its arguments. */
import * as fc from 'fast-check';
import { SignallingFailure } from '../../../signalling/errors.ts';
import { parseMessage } from '../../../signalling/gateway-message.ts';
import { requestSchemas } from '../../../signalling/protocol.ts';
import { DTLS_PARAMETERS, RTP_PARAMETERS } from '../../support/fake-calls.ts';
import { JOIN } from '../../support/socket-client.ts';
import { asJson, expectUnpolluted, type FuzzTarget, jsonOf, oddJson } from '../fuzz-target.ts';

export const requests: fc.Arbitrary<unknown[]> = fc.oneof(
  fc.constantFrom<unknown[]>(
    ['join', { ...JOIN, lastSeen: { epoch: 1, seq: 1 }, keep: { send: 's', receive: 'r', consumer: 'c' } }],
    ['connect-transport', { transportId: 't', dtlsParameters: DTLS_PARAMETERS }],
    ['produce', { transportId: 't', rtpParameters: RTP_PARAMETERS }],
    ['consume', { participant: 'agent' }],
    ['restart-ice', { transportId: 't' }],
    ['interrupt', {}],
    ['say', { text: 'hello' }],
    ['mute', { muted: true }],
    ['report', { microphone: 'none', noPacketsForMs: 500, statistics: { roundTripMs: 1, packetsLost: -1 } }],
    ['leave'],
  ),
  fc.tuple(fc.constantFrom(...Object.keys(requestSchemas), 'hello', '__proto__'), oddJson),
  fc.array(oddJson, { maxLength: 3 }),
);

export function openMessage(): FuzzTarget {
  return {
    inputs: asJson(requests),
    shape: 'json',
    run: (input) => {
      const [name, ...payloads] = [jsonOf(input)].flat();
      try {
        const parsed = parseMessage(name, payloads);
        expectUnpolluted();
        return parsed.name;
      } catch (error) {
        if (!(error instanceof SignallingFailure)) throw error;
        if (error.message.length > 400) throw new Error('a refusal of more than 400 characters', { cause: error });
        return `${error.code} ${error.message.split(':')[0]}`;
      }
    },
  };
}
