/**
 * Reads the text format of Prometheus as strictly as `promtool check metrics`: every family is described and typed before
 * its samples and comes once, names and labels are well formed, no series comes twice, histograms add up.
 */
export type Family = { name: string; type: string; help: string; samples: Sample[] };
export type Sample = { name: string; labels: Readonly<Record<string, string>>; value: number };

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;
const TYPES = ['counter', 'gauge', 'histogram', 'summary'];
const SUFFIXES: Record<string, readonly string[]> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** @throws Error that names the line */
export function parseMetrics(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  let family: Family | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (!NAME.test(name) || rest === '' || families.has(name)) throw new Error(`no good description: ${line}`);
      family = { name, help: rest, type: '', samples: [] };
      families.set(name, family);
    } else if (keyword === 'TYPE') {
      if (family?.name !== name || family.type !== '' || !TYPES.includes(rest))
        throw new Error(`no good type: ${line}`);
      family.type = rest;
    } else if (family) family.samples.push(sampleOf(line, family));
    else throw new Error(`a sample of nothing: ${line}`);
  }
  for (const each of families.values()) check(each);
  return families;
}

function sampleOf(line: string, { name: family, type }: Family): Sample {
  const [, name = '', inner = '', value = ''] = SAMPLE.exec(line) ?? [];
  const own = (SUFFIXES[type] ?? ['']).map((suffix) => family + suffix);
  if (!own.includes(name)) throw new Error(`not of ${family}: ${line}`);
  const number = value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value);
  if (Number.isNaN(number) && value !== 'NaN' && value !== 'Nan') throw new Error(`no number: ${line}`);
  return { name, labels: labelsOf(inner, line), value: number };
}

function labelsOf(inner: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const [, name, value] = LABEL.exec(inner) ?? [];
    if (name === undefined || value === undefined || name in labels) throw new Error(`no good labels: ${line}`);
    labels[name] = value;
  }
  return labels;
}

function check({ name, type, samples }: Family): void {
  const series = samples.map(
    ({ name: own, labels }) => own + JSON.stringify(Object.entries(labels).map(String).toSorted()),
  );
  if (new Set(series).size < series.length) throw new Error(`${name}: a series comes twice`);
  const grows = type === 'counter' || type === 'histogram';
  if (grows && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name}: less than nothing`);
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name}: a counter's name ends with _total`);
  // Those of prom-client about Node itself break this rule.
  const ours = !name.startsWith('nodejs_');
  if (ours && type === 'gauge' && name.endsWith('_total'))
    throw new Error(`${name}: a gauge's name does not end with _total`);
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  for (const { labels, value: count } of samples.filter((sample) => sample.name === `${name}_count`)) {
    const mine = Object.entries(labels);
    const buckets = samples.filter(
      (sample) => sample.name === `${name}_bucket` && mine.every(([label, value]) => sample.labels[label] === value),
    );
    const [bounds, counts] = [
      buckets.map(({ labels: { le } }) => Number(le?.replace('+Inf', 'Infinity'))),
      buckets.map(({ value }) => value),
    ];
    const rises = (numbers: number[]) => numbers.every((number, index) => index === 0 || number >= numbers[index - 1]!);
    if (bounds.at(-1) !== Infinity || !rises(bounds) || !rises(counts))
      throw new Error(`${name}: buckets that do not rise`);
    if (counts.at(-1) !== count) throw new Error(`${name}: the last bucket is not the count`);
  }
}
