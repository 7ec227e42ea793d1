/** A column of a table of text. */
export interface Column {
  readonly title: string;
  /** Numbers stand to the right, words (the default) to the left. */
  readonly align?: 'left' | 'right';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}

/**
 * A Markdown table; bars in texts are escaped, line breaks become spaces.
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
