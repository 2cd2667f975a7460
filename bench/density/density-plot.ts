/** The ramp as a picture: what calls cost, and how late packets and verdicts are as they become more. */
import { init, type EChartsOption } from 'echarts';
import { LIMITS, middleOf, type Stretch } from './density-figures.ts';
import type { Ramp } from './density-ramp.ts';

const WIDTH = 900;
const HEIGHT = 420;
const COLOURS = ['#2563eb', '#dc2626', '#059669'];

type Measured = { calls: number; stretches: Stretch[] };

/** @returns an SVG */
export function densityPlot({ points, steps, callsPerCore }: Ramp): string {
  const measured = [...points, ...steps.map((step) => ({ calls: step.calls, stretches: [step] }))];
  measured.sort((a, b) => a.calls - b.calls);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(optionOf(measured, `${callsPerCore ?? 'No'} calls on one core`));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function optionOf(measured: Measured[], title: string): EChartsOption {
  const line = (name: string, yAxisIndex: 0 | 1, value: (stretch: Stretch) => number) => ({
    type: 'line' as const,
    name,
    yAxisIndex,
    data: measured.map(({ calls, stretches }) => [calls, round(middleOf(stretches, value).median)]),
  });
  const limit = { silent: true, symbol: 'none', data: [{ yAxis: LIMITS.verdictP99Ms, name: 'limit' }] };
  return {
    animation: false,
    color: COLOURS,
    backgroundColor: '#ffffff',
    title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
    // Its widths of letters are guessed without a browser, and too small.
    legend: { bottom: 0, itemGap: 48 },
    grid: { left: 60, right: 60, top: 50, bottom: 70 },
    xAxis: { type: 'value', name: 'calls', nameLocation: 'middle', nameGap: 28, min: 0 },
    yAxis: [
      { type: 'value', name: '% of the core', min: 0, max: 100 },
      { type: 'value', name: 'ms', min: 0, splitLine: { show: false } },
    ],
    series: [
      line('CPU of the server', 0, ({ corePercent }) => corePercent.all),
      {
        ...line('packet due at the caller → verdict, p99', 1, ({ dueToVerdictMs }) => dueToVerdictMs.p99),
        markLine: limit,
      },
      line("agents' packets late at the callers, p99.9", 1, ({ receivedLatenessMs }) => receivedLatenessMs.p999),
    ],
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
