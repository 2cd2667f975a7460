/** The bus over Redis' publish and subscribe. */
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import { PodBus } from './pod-bus.ts';
import { RedisChannels } from './redis-channels.ts';
import type { ChannelKind } from './redis-channels.ts';
import type { RedisLink } from './redis-link.ts';
import type { Wire } from './wire.ts';

export type RedisMessageBusOptions = {
  podId: string;
  /** Stays open when the bus is closed. */
  link: RedisLink;
  log: Log;
  /** Replies to a pod come on `<replyChannel>:<podId>`. Default `worker_responses`. */
  replyChannel?: string;
};

/** Sharded publish and subscribe came with it. */
const SHARDED_SINCE = 7;

/** Resolves as soon as others can reach this pod; without Redis at once, and they can when it is back. */
export const openRedisMessageBus = async ({
  podId,
  link,
  log,
  replyChannel = 'worker_responses',
}: RedisMessageBusOptions): Promise<MessageBus> => {
  const channels = new RedisChannels({ link, log });
  const bus = new PodBus({ podId, wire: new RedisWire(link, channels), log, replyChannel });
  await channels.settled();
  return bus;
};

/**
 * Plain publish and subscribe on a single Redis and under Sentinel; sharded in a Cluster, where a plain message goes to every
 * node and the number of receivers is that of one node only. (docs/decisions/0017-requests-over-pub-sub.md)
 */
class RedisWire implements Wire {
  readonly #link: RedisLink;
  readonly #channels: RedisChannels;

  constructor(link: RedisLink, channels: RedisChannels) {
    this.#link = link;
    this.#channels = channels;
  }

  get steadySince(): number | undefined {
    return this.#channels.steadySince;
  }

  async send(channel: string, text: string): Promise<number | undefined> {
    const sharded = this.#kind() === 'sharded';
    const receivers = await this.#link.run('publish', (redis) =>
      sharded ? redis.spublish(channel, text) : redis.publish(channel, text),
    );
    return sharded || this.#link.kind !== 'cluster' ? Number(receivers) : undefined;
  }

  listen(channel: string, listener: (text: string) => void): () => void {
    return this.#channels.listen(
      () => this.#kind(),
      channel,
      (message) => listener(String(message)),
    );
  }

  onUp(listener: () => void): () => void {
    this.#link.on('up', listener);
    const stop = this.#channels.onMended(listener);
    return () => {
      this.#link.off('up', listener);
      stop();
    };
  }

  async close(): Promise<void> {
    this.#channels.close();
  }

  #kind(): ChannelKind {
    return this.#link.kind === 'cluster' && (this.#link.majorVersion ?? SHARDED_SINCE) >= SHARDED_SINCE
      ? 'sharded'
      : 'plain';
  }
}
