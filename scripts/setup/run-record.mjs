// What a process of mocha has told of itself while it ran (test/support/run-record.ts), read after its end, however it ended.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @typedef {{ file: string, title: string, reason: string }} Failure */

/**
 * @typedef {object} RunRecord
 * @property {Map<string, Counts>} counts by file, relative to the project
 * @property {Failure[]} failures of tests and of hooks
 * @property {string[]} begun the files that ran, be it not to their end
 * @property {string | undefined} underWay the file that was loaded or ran last
 * @property {boolean} isOver whether mocha came to its end
 */

/**
 * @param {string} text one entry of JSON a line; the last may have been cut off
 * @returns {RunRecord}
 */
export function readRecord(text) {
  /** @type {RunRecord} */
  const record = { counts: new Map(), failures: [], begun: [], underWay: undefined, isOver: false };
  for (const line of text.split('\n').slice(0, -1)) addEntry(record, JSON.parse(line));
  return record;
}

/**
 * @param {RunRecord} record
 * @param {import('../../test/support/run-record.ts').RecordEntry} entry
 */
function addEntry(record, entry) {
  if (entry.event === 'over') {
    record.isOver = true;
    return;
  }
  const { event, file } = entry;
  if (event === 'loads') {
    record.underWay = file;
    return;
  }
  if (!record.begun.includes(file)) record.begun.push(file);
  const counts = record.counts.get(file) ?? { passed: 0, failed: 0, skipped: 0 };
  record.counts.set(file, counts);
  if (event === 'begins') record.underWay = file;
  else counts[event]++;
  if (event === 'failed') record.failures.push({ file, title: entry.title, reason: entry.reason });
}

/**
 * One plain line for people and machines that only look for the counts.
 * @param {Counts} counts
 * @param {number} filesTriedAgain
 */
export function countLine({ passed, failed, skipped }, filesTriedAgain = 0) {
  const rest = [
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(filesTriedAgain > 0 ? [`${filesTriedAgain} ${filesTriedAgain === 1 ? 'file' : 'files'} tried again`] : []),
  ];
  return [`${passed} passed`, `${failed} failed`, ...rest].join(', ');
}
