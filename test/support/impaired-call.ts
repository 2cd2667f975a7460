/** One call over a network that does what a test says: a real client, a relay, and the real media of a pod. */
import { setTimeout as sleep } from 'node:timers/promises';
import { JitterBuffer } from '../../media/rtp/jitter-buffer.ts';
import { OpusDecoder } from '../../media/audio/opus.ts';
import { parseRtp, RtpHeader } from '../../media/rtp/rtp.ts';
import type { CallEvent } from '../../signalling/call-control.ts';
import { eventually } from './eventually.ts';
import { MediaPodClient, type MediaPod } from './media-pod.ts';
import type { RtcLink } from './rtc-link.ts';
import { sessionRecord } from './session-record.ts';
import { UdpRelay, type Impairment } from './udp-relay.ts';

/** What the caller says: packets of 20 ms, and the silence after them. */
export type Utterance = { packets: readonly Uint8Array[]; pauseMs: number };

/** Times are session time. */
export type Said = { startMs: number; endMs: number };
export type TurnHeard = { startMs: number; endOfSpeechMs: number; speechMs: number; atMs: number };

/** What a client heard: 16 kHz mono, and how many packets of it were lost, or sent again in time. */
export type Heard = { samples: Int16Array; concealedMs: number; lost: number; recovered: number };

const HEARD_RATE_HZ = 16_000;
const PATIENCE_MS = 20_000;
const FRAME_MS = 20;
/** A listener's patience: about what a browser's buffer grows to on a network as bad as these. */
const LISTENER_WAIT_MS = 200;

export class ImpairedCall {
  readonly id: string;
  readonly said: Said[] = [];
  readonly turns: TurnHeard[] = [];
  /** When the caller was found to begin to speak. */
  readonly onsetsMs: number[] = [];
  readonly relay: UdpRelay;
  readonly link: RtcLink;
  readonly #pod: MediaPod;
  readonly #client: MediaPodClient;
  readonly #ears: Ears;
  #state = 'listening';

  private constructor(
    pod: MediaPod,
    id: string,
    parts: { client: MediaPodClient; relay: UdpRelay; link: RtcLink; ears: Ears },
  ) {
    this.#pod = pod;
    this.id = id;
    this.relay = parts.relay;
    this.link = parts.link;
    this.#client = parts.client;
    this.#ears = parts.ears;
  }

  /** Connects over a network without faults, and waits until the agent has said its greeting. */
  static async open(pod: MediaPod, id: string): Promise<ImpairedCall> {
    const events: CallEvent[] = [];
    let note = (event: CallEvent): void => void events.push(event);
    pod.listen(id, (event) => note(event));
    const { rtpCapabilities } = pod.calls;
    const request = { rtpCapabilities, playback: 'running' as const };
    const joined = await pod.calls.join({ ...sessionRecord(), id }, request, AbortSignal.timeout(PATIENCE_MS));
    if (joined.kept) throw new Error('there was nothing to keep');
    const targetPort = joined.media.send.iceCandidates.find(({ protocol }) => protocol === 'udp')!.port;
    const relay = await UdpRelay.start({ targetPort });
    const client = new MediaPodClient();
    const ears = new Ears();
    const options = { repairs: true, onPacket: (packet: Buffer) => ears.hear(packet) };
    const link = await client.connect(pod.calls, id, relay.route(joined.media), options);
    const call = new ImpairedCall(pod, id, { client, relay, link, ears });
    note = (event) => call.#note(event);
    for (const event of events) note(event);
    await eventually(() => ears.packets > 0 && call.#state === 'speaking', PATIENCE_MS);
    pod.calls.interrupt(id);
    await eventually(() => call.#state === 'listening', PATIENCE_MS);
    return call;
  }

  impair(impairment: Impairment): void {
    this.relay.impair(impairment);
  }

  /** Has the agent say this. @returns what of it was heard: 16 kHz mono, with the made-up sound of what was lost */
  async hearAgentSay(text: string): Promise<Heard> {
    this.#ears.begin();
    await this.#pod.calls.say(this.id, text);
    await eventually(() => this.#state === 'speaking', PATIENCE_MS);
    await eventually(() => this.#state === 'listening', PATIENCE_MS);
    // The last packets are under way, or have to be sent again.
    await sleep(LISTENER_WAIT_MS + 300);
    return this.#ears.end();
  }

  /** Says all of this, one after the other, on the caller's own clock. The agent is cut short as soon as it answers. */
  async say(utterances: readonly Utterance[]): Promise<void> {
    for (const { packets, pauseMs } of utterances) {
      const startMs = this.#pod.calls.elapsedMs(this.id);
      this.said.push({ startMs, endMs: startMs + packets.length * FRAME_MS });
      await this.#client.voice.say(packets);
      await sleep(pauseMs);
    }
  }

  /** How its caller's packets came, as the server has it. */
  network() {
    return this.#pod.calls.report(this.id, {});
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#pod.calls.end(this.id);
    await this.relay.close();
  }

  #note(event: CallEvent): void {
    if (event.name === 'speech' && event.data.speaking) this.onsetsMs.push(event.data.atMs);
    if (event.name === 'turn') this.turns.push(event.data);
    if (event.name !== 'agent-state') return;
    this.#state = event.data.state;
    // What the caller says next is not to cut in.
    if (event.data.state === 'speaking' && this.said.length > 0) this.#pod.calls.interrupt(this.id);
  }
}

/** A listener: puts packets in order, decodes them, and makes up what is lost. */
class Ears {
  packets = 0;
  readonly #header = new RtpHeader();
  #decoder = new OpusDecoder(HEARD_RATE_HZ);
  #buffer = this.#createBuffer();
  #heard: Int16Array[] = [];

  hear(packet: Buffer): void {
    if (!parseRtp(packet, packet.length, this.#header)) return;
    this.packets++;
    const { payloadEnd, payloadOffset, sequence, timestamp } = this.#header;
    const nowMs = performance.now();
    this.#buffer.push(sequence, timestamp, Buffer.from(packet.subarray(payloadOffset, payloadEnd)), nowMs);
  }

  begin(): void {
    this.#heard = [];
    this.#decoder = new OpusDecoder(HEARD_RATE_HZ);
    this.#buffer = this.#createBuffer();
  }

  end(): Heard {
    this.#buffer.poll(performance.now());
    const samples = new Int16Array(this.#heard.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#heard) {
      samples.set(part, at);
      at += part.length;
    }
    const { concealedSamples48k, lost, recovered } = this.#buffer.statistics;
    return { samples, concealedMs: concealedSamples48k / 48, lost, recovered };
  }

  #createBuffer(): JitterBuffer {
    const keep = (samples: Int16Array | undefined) => void (samples && this.#heard.push(samples.slice()));
    return new JitterBuffer(
      { targetMs: LISTENER_WAIT_MS },
      {
        packet: (payload) => keep(this.#decoder.decode(payload) ?? this.#decoder.conceal()),
        lost: (samples48k) => {
          for (let done = 0; done < samples48k; done += 960) keep(this.#decoder.conceal());
        },
        gap: (samples48k) => keep(new Int16Array(Math.min(samples48k / 3, HEARD_RATE_HZ))),
        restart: () => undefined,
      },
    );
  }
}
