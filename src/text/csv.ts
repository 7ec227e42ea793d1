/** A value of a CSV file; undefined and numbers that are not finite are written as nothing. */
export type CsvValue = string | number | undefined;

function field(value: CsvValue): string {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Formats rows as CSV with the quoting of RFC 4180. Lines end with `\n`; numbers have a decimal point and full precision.
 *
 * @example formatCsv([['run', 'f'], ['a, b', 0.5]]) // 'run,f\n"a, b",0.5\n'
 */
export function formatCsv(rows: readonly (readonly CsvValue[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\n`).join('');
}
