/** A process of its own for one campaign, since an input may end it. Started by `supervisor.ts`, told by its argument. */
import { openSync, writeSync } from 'node:fs';
import { readCorpus } from './corpus.ts';
import { runCampaign } from './campaign.ts';
import type { CampaignOrder, CampaignReport } from './supervisor.ts';
import { openSelfTest } from './self-test.ts';
import { targets } from './targets.ts';

const order = JSON.parse(process.argv[2] ?? '') as CampaignOrder;
const open = order.target === 'self-test' ? openSelfTest : targets[order.target];
if (!open) throw new Error(`There is no target ${order.target}.`);

const file = openSync(order.trackFile, 'w');
const head = Buffer.alloc(8);
let count = 0;

/** The number of the input, its length, and itself. */
const track = (input: Buffer): void => {
  head.writeUInt32LE(++count, 0);
  head.writeUInt32LE(input.length, 4);
  writeSync(file, Buffer.concat([head, input]), 0, undefined, 0);
};

const target = await open();
const { seed, inputs, untilMs, slowMs } = order;
const corpus = order.only === undefined ? readCorpus(order.target) : [Buffer.from(order.only, 'base64')];
const { findings, ...result } = await runCampaign({
  target,
  corpus,
  seed,
  inputs,
  untilMs,
  track,
  ...(slowMs !== undefined && { slowMs }),
});
await target.close?.();
const report: CampaignReport = {
  ...result,
  findings: findings.map(({ input, ...finding }) => ({ ...finding, input: input.toString('base64') })),
};
process.send?.(report, () => process.disconnect());
