/** One call in one network: the agent says something, then the caller does. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallerNetwork } from '../media/rtp/caller-network.ts';
import { ImpairedCall } from '../test/support/impaired-call.ts';
import { sentences, thoughtfulSentences } from '../test/support/impaired-talk.ts';
import type { MediaPod } from '../test/support/media-pod.ts';
import type { StreamCount, StreamCounts } from '../test/support/stream-counts.ts';
import { compareTurns, type TurnComparison } from '../test/support/turn-comparison.ts';
import type { Condition } from './network-conditions.ts';

const AGENT_TEXT =
  'Seven boats are on the lake today. Two of them have a red sail, and one has none at all. ' +
  'The ferry leaves at a quarter past every hour, and comes back when all of its passengers have had their tea.';
/** The last turn ends, and the last heartbeat tells of it. */
const SETTLING_MS = 2500;

export type NetworkTrial = {
  condition: string;
  seed: number;
  utterances: number;
  onsets: number;
  turns: TurnComparison;
  caller: CallerNetwork;
  /** Time for which the caller spoke, and the agent. */
  callerMs: number;
  agentMs: number;
  streams: Pick<StreamCount, 'fromCaller' | 'toCaller'>;
  client: { asked: number; cameAgain: number; askedOfIt: number; sentAgain: number };
  agent: Awaited<ReturnType<ImpairedCall['hearAgentSay']>>;
};

let made = 0;

export async function networkTrial(options: {
  pod: MediaPod;
  counts: StreamCounts;
  condition: Condition;
  seed: number;
}): Promise<NetworkTrial> {
  const { pod, counts, condition, seed } = options;
  const talk = [...(await sentences(4)), ...(await thoughtfulSentences())];
  const call = await ImpairedCall.open(pod, `network-${made++}`);
  try {
    call.impair({ toServer: { ...condition.path, seed }, toClient: { ...condition.path, seed: seed + 1000 } });
    const agent = await call.hearAgentSay(AGENT_TEXT);
    await call.say(talk);
    await sleep(SETTLING_MS);
    const { asked, answered } = call.link.repairs;
    return {
      condition: condition.name,
      seed,
      utterances: talk.length,
      onsets: call.onsetsMs.length,
      turns: compareTurns(call.said, call.turns),
      caller: call.network()!,
      callerMs: talk.reduce((sum, { packets }) => sum + packets.length * 20, 0),
      agentMs: agent.samples.length / 16,
      streams: await streamsOf(counts, call),
      client: {
        asked: asked.asked,
        cameAgain: asked.cameAgain,
        askedOfIt: answered.asked,
        sentAgain: answered.sentAgain,
      },
      agent,
    };
  } finally {
    await call.close();
  }
}

async function streamsOf(counts: StreamCounts, { link }: ImpairedCall): Promise<NetworkTrial['streams']> {
  const all = await counts.read();
  const of = (id: string | undefined) => all.find(({ transportId }) => transportId === id)!;
  const { send, receive } = link.keep!;
  return { fromCaller: of(send).fromCaller, toCaller: of(receive).toCaller };
}
