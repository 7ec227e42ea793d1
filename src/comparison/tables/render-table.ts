import { formatCount } from '../../text/counts.ts';
import { formatCsv } from '../../text/csv.ts';
import { escapeMarkdown, escapeMarkup, shorten } from '../../text/escape-markup.ts';
import { type Column, markdownTable } from '../../text/markdown-table.ts';
import { formatPoints } from '../../text/points.ts';
import { withoutControls } from '../../text/quoted-text.ts';
import type { NumberFormat, Table, TableColumn, TableValue } from './table.ts';

/** Text for people is cut here; CSV and JSON have all of it. */
const mostCharacters = 200;
const mostNoteCharacters = 1500;
/** Tables with more columns are printed in a smaller size. */
const mostNarrowColumns = 10;

function formatNumber(value: number, format: NumberFormat | undefined): string {
  if (format?.kind === 'points') return formatPoints(value);
  if (format?.kind === 'count') return formatCount(Math.round(value)).replace(/^-0$/, '0').replace('-', '−');
  if (format === undefined) return String(value).replace('-', '−');
  const text = Math.abs(value).toFixed(format.digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Whether a value is a number that can be shown. */
function isNumber(value: TableValue): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/**
 * Formats a value of a column for people; missing values and numbers that are not finite are `–`.
 *
 * @example formatValue(0.91234, { key: 'f', title: 'F', format: { kind: 'fixed', digits: 4 } }) // '0.9123'
 */
export function formatValue(value: TableValue, { format }: TableColumn): string {
  if (typeof value === 'string')
    return shorten(withoutControls(shorten(value, 2 * mostCharacters)).replace(/\s+/g, ' '), mostCharacters);
  return isNumber(value) ? formatNumber(value, format) : '–';
}

/** The heading of a column with its unit: `time (ms)`. */
function heading({ title, unit }: TableColumn): string {
  return shorten(unit === undefined ? title : `${title} (${unit})`, mostCharacters);
}

/**
 * Whether each cell has the best number of its column. All numbers that read the same as the best one count; a column with
 * fewer than two numbers has none.
 */
function bestCells({ columns, rows }: Table): boolean[][] {
  const best = columns.map((column, index) => {
    const numbers = rows.map((row) => row[index]).filter(isNumber);
    if (column.best === undefined || numbers.length < 2) return undefined;
    const pick = column.best === 'highest' ? Math.max : Math.min;
    return formatValue(
      numbers.reduce((a, b) => pick(a, b)),
      column,
    );
  });
  return rows.map((row) =>
    columns.map((column, index) => isNumber(row[index]) && formatValue(row[index], column) === best[index]),
  );
}

/** Columns and cells as plain text, for a table in a terminal. */
export function tableCells(table: Table): { readonly columns: readonly Column[]; readonly rows: readonly string[][] } {
  return {
    columns: table.columns.map((column) => ({
      title: withoutControls(heading(column)),
      ...(column.format && { align: 'right' as const }),
    })),
    rows: table.rows.map((row) => table.columns.map((column, index) => formatValue(row[index], column))),
  };
}

/** Formats a table as Markdown, with the best numbers bold and the note below; the title is left to the caller. */
export function tableToMarkdown(table: Table): string {
  const { columns, rows } = tableCells(table);
  const best = bestCells(table);
  const titles = columns.map((column) => ({ ...column, title: escapeMarkdown(column.title) }));
  const isCode = (text: string, c: number) => table.columns[c].code && !/`|^–?$/.test(text);
  const cells = rows.map((row, r) =>
    row.map((text, c) => (best[r][c] ? `**${text}**` : isCode(text, c) ? `\`${text}\`` : escapeMarkdown(text))),
  );
  return `${markdownTable(titles, cells)}${table.note === undefined ? '' : `\n\n${escapeMarkdown(shorten(table.note, mostNoteCharacters))}`}`;
}

/** Formats a table as CSV: the keys of its columns, then its rows with unrounded numbers. */
export function tableToCsv({ columns, rows }: Table): string {
  return formatCsv([columns.map(({ key }) => key), ...rows.map((row) => columns.map((_, index) => row[index]))]);
}

/** The rows of a table as objects by column key, with unrounded numbers; missing values are null. */
export function tableToJson({ columns, rows }: Table): Record<string, string | number | null>[] {
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(({ key }, index) => {
        const value = row[index];
        return [key, typeof value === 'string' || isNumber(value) ? value : null];
      }),
    ),
  );
}

/** The id of a table's element in HTML, also the target of links to it. */
export function tableElementId({ id }: Table): string {
  return `table-${id.replace(/[^\w-]+/g, '-')}`;
}

/** Text as HTML that may break after the joints of a long name. */
function breakable(text: string): string {
  return escapeMarkup(text).replace(/([_/.-])(?=[a-z])/gi, '$1<wbr>');
}

/**
 * Formats a table as an HTML figure: caption, a region that scrolls sideways and can be focused, and the note. The best numbers
 * are bold and named as such to screen readers.
 */
export function tableToHtml(table: Table): string {
  const id = tableElementId(table);
  const best = bestCells(table);
  const kind = table.columns.map(({ format }) => (format ? ' class="number"' : ''));
  const head = table.columns.map((column) => {
    const title = heading(column);
    // Words of a language stay whole; a long name may break anywhere.
    const classes = [...(column.format ? ['number'] : []), ...(/\S{16}/.test(title) ? ['name'] : [])].join(' ');
    return `<th scope="col"${classes && ` class="${classes}"`}>${breakable(title)}</th>`;
  });
  const body = table.rows.map((row, r) => {
    const cells = table.columns.map((column, c) => {
      const value = formatValue(row[c], column);
      const text = typeof row[c] === 'string' ? breakable(value) : escapeMarkup(value);
      if (c === 0) return `<th scope="row">${text}</th>`;
      if (!best[r][c]) return `<td${kind[c]}>${text}</td>`;
      return `<td${kind[c]}><strong>${text}</strong><span class="unseen"> best</span></td>`;
    });
    // Rows under the same head read as a group.
    const isSame = r > 0 && row[0] === table.rows[r - 1][0];
    return `<tr${isSame ? ' class="same"' : ''}>${cells.join('')}</tr>`;
  });
  return [
    `<figure class="table${table.columns.length > mostNarrowColumns ? ' wide' : ''}" id="${id}">`,
    `<figcaption id="${id}-title">${escapeMarkup(shorten(table.title, mostCharacters))}</figcaption>`,
    `<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}-title">`,
    `<table aria-labelledby="${id}-title">`,
    `<thead><tr>${head.join('')}</tr></thead>`,
    `<tbody>\n${body.join('\n')}\n</tbody>`,
    '</table></div>',
    ...(table.note === undefined
      ? []
      : [`<p class="note">${escapeMarkup(shorten(table.note, mostNoteCharacters))}</p>`]),
    '</figure>',
  ].join('\n');
}
