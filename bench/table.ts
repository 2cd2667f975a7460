/** Tables of plain text: the first column to the left, numbers to the right. */

export type Cell = string | number;

/** @param rows the first one is the heading; NaN and ∞ are shown as a dash */
export function table(rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map(show));
  const columns = Math.max(0, ...texts.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...texts.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  const [heading = [], ...body] = texts;
  return [line(heading), widths.map((width) => '─'.repeat(width)).join('──'), ...body.map(line)].join('\n');
}

/** Three significant digits: more would claim a precision that no run repeats. */
export function show(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '–';
  const magnitude = Math.abs(cell);
  if (Number.isInteger(cell) || magnitude >= 100) return Math.round(cell).toLocaleString('en');
  return cell.toFixed(magnitude >= 10 ? 1 : magnitude >= 0.1 ? 2 : 3);
}
