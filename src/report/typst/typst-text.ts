/** Longer texts from configurations, names and options are cut. */
const longestText = 300;

/** One line without control characters, of bounded length. */
function clean(text: string): string {
  const line = text.slice(0, longestText * 2).replace(/[\p{C}\p{Z}]+/gu, ' ');
  const characters = Array.from(line.trim());
  return characters.length > longestText ? `${characters.slice(0, longestText - 1).join('')}…` : characters.join('');
}

/**
 * Escapes a text as Typst markup. Dashes and dots inside words are not escaped, so that the source stays readable.
 *
 * @example markup('a_b #c') // 'a\\_b \\#c'
 */
export function markup(text: string): string {
  return clean(text).replace(
    /[\\#$*_`<>@~[\]"'=+/|]|-(?![A-Za-z])|(?<![A-Za-z])-|\.(?![A-Za-z0-9])|(?<![A-Za-z0-9])\./g,
    '\\$&',
  );
}

/** A string in Typst code. A `@` at the beginning or after a quote is escaped, so that no name looks like the import of a package. */
export function typstString(text: string): string {
  return `"${clean(text)
    .replace(/["\\]/g, '\\$&')
    .replace(/(^|")@/g, '$1\\u{40}')}"`;
}

/** A name in code font, as written in a configuration. */
export function code(text: string): string {
  return `#raw(${typstString(text)})`;
}

/** Joins the sentences of a paragraph, one per line; missing ones are skipped. */
export function paragraph(...sentences: readonly (string | false | undefined)[]): string {
  return sentences.filter(Boolean).join('\n');
}

/** Joins paragraphs and other blocks of a document with blank lines. */
export function blocks(...texts: readonly (string | false | undefined)[]): string {
  return texts.filter(Boolean).join('\n\n');
}

/** Text that stays on one page, such as an equation with the sentences around it; `together` is defined at the top of the report. */
export function keepTogether(text: string): string {
  return `#together[\n${indent(text)}\n]`;
}

/** `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Width in Typst, such as `1fr`; default: as wide as the text. */
  readonly width?: string;
}

/** A table as Typst code (without `#`); titles and cells are markup. */
export function table(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) => row.map((cell) => `[${cell}]`).join(', ');
  return [
    'table(',
    `  columns: (${columns.map(({ width = 'auto' }) => `${width},`).join(' ')}),`,
    `  align: (${columns.map(({ align = 'left' }) => `${align},`).join(' ')}),`,
    '  table.hline(stroke: 0.7pt),',
    `  table.header(${cells(columns.map(({ title }) => `*${title}*`))}),`,
    '  table.hline(stroke: 0.4pt),',
    ...rows.map((row) => `  ${cells(row)},`),
    '  table.hline(stroke: 0.7pt),',
    ')',
  ].join('\n');
}

/** A figure with a caption (markup) and a label for references; `body` is Typst code. */
export function figure(body: string, caption: string, label: string, placement?: 'auto'): string {
  const kind = body.startsWith('table(') ? ['  kind: table,'] : [];
  return [
    '#figure(',
    `${indent(body)},`,
    ...kind,
    ...(placement ? [`  placement: ${placement},`] : []),
    `  caption: [${caption}],`,
    `) <${label}>`,
  ].join('\n');
}

/** Texts and figures side by side on one page; widths as in Typst, such as `1fr`. */
export function sideBySide(widths: readonly string[], figures: readonly string[]): string {
  return [
    '#block(breakable: false, grid(',
    `  columns: (${widths.join(', ')}),`,
    '  column-gutter: 12pt,',
    ...figures.map((entry) => `  [\n${indent(indent(entry))}\n  ],`),
    '))',
  ].join('\n');
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
