import type { Column } from '../text/markdown-table.ts';

/** A duration for display: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * A text table with aligned columns, a rule under the titles and, if given, another above the totals.
 *
 * @example formatTable([{ title: 'model' }, { title: 'parameters', align: 'right' }], [['unet', '1,220,691']]);
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  totals?: readonly string[],
): string {
  const all = [columns.map(({ title }) => title), ...rows, ...(totals ? [totals] : [])];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => (row[index] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, index) => {
        const cell = cells[index] ?? '';
        return columns[index].align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(all[0]), rule, ...rows.map(line), ...(totals ? [rule, line(totals)] : [])].join('\n');
}

/**
 * One line per name and value, with aligned values; further lines of a value are indented.
 *
 * @example formatPairs([['Node', '20.20.2'], ['Memory', '7.6 GiB']]);
 */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 2;
  return pairs
    .map(([name, value]) => `${name.padEnd(width)}${value.replaceAll('\n', `\n${' '.repeat(width)}`)}`)
    .join('\n');
}

/**
 * Breaks a text between words into lines of at most `width` characters.
 *
 * @example wrapWords('one two three', 8) // 'one two\nthree'
 */
export function wrapWords(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const joined = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && joined.length <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.join('\n');
}
