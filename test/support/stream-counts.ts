/** What mediasoup has counted of the streams to and from clients: it is who asks callers for packets, and sends again. */
import { observer } from 'mediasoup';
import type { types } from 'mediasoup';

export type StreamCount = {
  transportId: string;
  fromCaller: { packets: number; nacks: number; packetsAsked: number; cameAgain: number; jitterMs: number };
  toCaller: { packets: number; nacks: number; packetsAsked: number; sentAgain: number };
};

const nothing = (): Omit<StreamCount, 'transportId'> => ({
  fromCaller: { packets: 0, nacks: 0, packetsAsked: 0, cameAgain: 0, jitterMs: 0 },
  toCaller: { packets: 0, nacks: 0, packetsAsked: 0, sentAgain: 0 },
});

/** Sees every stream of WebRTC that is made in this process from now on. */
export class StreamCounts {
  readonly #producers = new Map<string, types.Producer>();
  readonly #consumers = new Map<string, types.Consumer>();

  constructor() {
    observer.on('newworker', this.#watchWorker);
  }

  /** One entry for each transport that carries a stream. */
  async read(): Promise<StreamCount[]> {
    const producers = [...this.#producers].map(async ([transportId, producer]) => {
      const [stats] = await producer.getStats().catch(() => []);
      const count = { transportId, ...nothing() };
      if (stats) {
        const { packetCount, nackCount, nackPacketCount, packetsRepaired, jitter } = stats;
        const jitterMs = jitter / 48;
        count.fromCaller = {
          packets: packetCount,
          nacks: nackCount,
          packetsAsked: nackPacketCount,
          cameAgain: packetsRepaired,
          jitterMs,
        };
      }
      return count;
    });
    const consumers = [...this.#consumers].map(async ([transportId, consumer]) => {
      const stats = (await consumer.getStats().catch(() => [])).find(({ type }) => type === 'outbound-rtp');
      const count = { transportId, ...nothing() };
      if (stats) {
        const { packetCount, nackCount, nackPacketCount, packetsRetransmitted } = stats;
        count.toCaller = {
          packets: packetCount,
          nacks: nackCount,
          packetsAsked: nackPacketCount,
          sentAgain: packetsRetransmitted,
        };
      }
      return count;
    });
    return Promise.all([...producers, ...consumers]);
  }

  close(): void {
    observer.off('newworker', this.#watchWorker);
  }

  readonly #watchWorker = (worker: types.Worker): void => {
    worker.observer.on('newrouter', (router) => {
      router.observer.on('newtransport', (transport) => {
        if (transport.type !== 'webrtc') return;
        transport.observer.on('newproducer', (producer) => this.#producers.set(transport.id, producer));
        transport.observer.on('newconsumer', (consumer) => this.#consumers.set(transport.id, consumer));
      });
    });
  };
}
