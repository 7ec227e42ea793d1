/** A column of a Markdown table. */
export interface Column {
  readonly title: string;
  /** Use `right` for numbers; default `left`. */
  readonly align?: 'left' | 'right';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}

/**
 * Formats a Markdown table; bars are escaped and line breaks become spaces.
 *
 * @example markdownTable([{ title: 'model' }, { title: 'parameters', align: 'right' }], [['unet', '1,220,691']])
 */
export function markdownTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = columns.map(({ align }) => (align === 'right' ? '---:' : '---'));
  return [line(columns.map(({ title }) => cell(title))), line(rule), ...rows.map((row) => line(row.map(cell)))].join(
    '\n',
  );
}
