/** The plain RTP path between one media worker and one voice worker, for all calls that the two share. */
import type { types } from 'mediasoup';
import type { SfuWorker } from './sfu-worker.ts';
import type { VoiceThread } from './workers/voice-thread.ts';

const LOOPBACK = '127.0.0.1';
const BUFFER_BYTES = 4 << 20;
/** The payload type on this path; only the two ends see it. */
export const AGENT_PAYLOAD_TYPE = 100;

export class SfuLink {
  readonly id: number;
  readonly worker: SfuWorker;
  readonly #transport: types.PlainTransport;
  readonly #voicePort: number;
  #thread: VoiceThread;

  private constructor(
    id: number,
    worker: SfuWorker,
    thread: VoiceThread,
    transport: types.PlainTransport,
    voicePort: number,
  ) {
    this.id = id;
    this.worker = worker;
    this.#thread = thread;
    this.#transport = transport;
    this.#voicePort = voicePort;
  }

  static async open(id: number, worker: SfuWorker, thread: VoiceThread): Promise<SfuLink> {
    const voicePort = await thread.openLink(id, 0);
    const transport = await worker.router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: LOOPBACK, recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES },
      rtcpMux: true,
      comedia: false,
    });
    try {
      await transport.connect({ ip: LOOPBACK, port: voicePort });
      await thread.connectLink(id, transport.tuple.localPort);
    } catch (error) {
      transport.close();
      throw error;
    }
    return new SfuLink(id, worker, thread, transport, voicePort);
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  /**
   * Gives the path to the replacement of a voice worker. It takes its predecessor's port, so that the media worker sees
   * the same peer, and every producer and consumer on the path stays as it is.
   */
  async handTo(thread: VoiceThread): Promise<void> {
    // Opened while the replacement was starting: it is there already.
    if (thread === this.#thread) return;
    this.#thread = thread;
    await thread.openLink(this.id, this.#voicePort);
    await thread.connectLink(this.id, this.#transport.tuple.localPort);
  }

  /** The agent's voice, on its way to the caller. */
  produceAgent(ssrc: number): Promise<types.Producer> {
    return this.#transport.produce({
      kind: 'audio',
      rtpParameters: {
        codecs: [
          {
            mimeType: 'audio/opus',
            clockRate: 48_000,
            channels: 2,
            payloadType: AGENT_PAYLOAD_TYPE,
            parameters: { usedtx: 1 },
          },
        ],
        encodings: [{ ssrc, dtx: true }],
      },
    });
  }

  /** The caller's voice, on its way to the voice worker. */
  consumeCaller(producerId: string): Promise<types.Consumer> {
    const { rtpCapabilities } = this.worker.router;
    return this.#transport.consume({ producerId, rtpCapabilities, enableRtx: false });
  }

  close(): void {
    this.#transport.close();
  }
}
