/** RTP and DTLS parameters as mediasoup and mediasoup-client define them, bounded against hostile sizes. */
import { z } from 'zod';

const codecParameters = z.record(z.string().max(64), z.union([z.string().max(1024), z.number()]));
const rtcpFeedback = z.object({ type: z.string().max(64), parameter: z.string().max(64).exactOptional() });

const headerExtensionUri = z.string().max(256);

/** RTP capabilities of an endpoint, as mediasoup and mediasoup-client define them (audio only here). */
export const rtpCapabilities = z.object({
  codecs: z
    .array(
      z.object({
        kind: z.enum(['audio', 'video']),
        mimeType: z.string().max(64),
        preferredPayloadType: z.number().int().min(0).max(127),
        clockRate: z.number().int().positive(),
        channels: z.number().int().positive().exactOptional(),
        parameters: codecParameters.exactOptional(),
        rtcpFeedback: z.array(rtcpFeedback).max(32).exactOptional(),
      }),
    )
    .max(64),
  headerExtensions: z
    .array(
      z.object({
        kind: z.enum(['audio', 'video']),
        uri: headerExtensionUri,
        preferredId: z.number().int().min(1).max(255),
        preferredEncrypt: z.boolean().exactOptional(),
        direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).exactOptional(),
      }),
    )
    .max(64)
    .exactOptional(),
});

/** RTP parameters of what one endpoint sends. */
export const rtpParameters = z.object({
  mid: z.string().max(64).exactOptional(),
  msid: z.string().max(256).exactOptional(),
  codecs: z
    .array(
      z.object({
        mimeType: z.string().max(64),
        payloadType: z.number().int().min(0).max(127),
        clockRate: z.number().int().positive(),
        channels: z.number().int().positive().exactOptional(),
        parameters: codecParameters.exactOptional(),
        rtcpFeedback: z.array(rtcpFeedback).max(32).exactOptional(),
      }),
    )
    .min(1)
    .max(16),
  headerExtensions: z
    .array(
      z.object({
        uri: headerExtensionUri,
        id: z.number().int().min(1).max(255),
        encrypt: z.boolean().exactOptional(),
        parameters: codecParameters.exactOptional(),
      }),
    )
    .max(32)
    .exactOptional(),
  encodings: z
    .array(
      z.object({
        ssrc: z.number().int().min(0).max(0xffffffff).exactOptional(),
        rid: z.string().max(16).exactOptional(),
        codecPayloadType: z.number().int().min(0).max(127).exactOptional(),
        rtx: z.object({ ssrc: z.number().int().min(0).max(0xffffffff) }).exactOptional(),
        dtx: z.boolean().exactOptional(),
        maxBitrate: z.number().int().positive().exactOptional(),
        scalabilityMode: z.string().max(16).exactOptional(),
      }),
    )
    .max(4)
    .exactOptional(),
  rtcp: z
    .object({
      cname: z.string().max(256).exactOptional(),
      reducedSize: z.boolean().optional(),
      mux: z.boolean().optional(),
    })
    .exactOptional(),
});

export const dtlsParameters = z.object({
  role: z.enum(['auto', 'client', 'server']).exactOptional(),
  fingerprints: z
    .array(
      z.object({
        algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']),
        value: z.string().max(256),
      }),
    )
    .min(1)
    .max(8),
});
