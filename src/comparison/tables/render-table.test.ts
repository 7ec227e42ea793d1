import { describe, expect, it } from 'vitest';
import { formatTable } from '../../cli/format.ts';
import { formatValue, tableCells, tableToCsv, tableToHtml, tableToJson, tableToMarkdown } from './render-table.ts';
import type { Table, TableColumn } from './table.ts';

const four: TableColumn = { key: 'f', title: 'F', format: { kind: 'fixed', digits: 4 } };
const table: Table = {
  id: 'scores-val',
  title: 'Scores on val',
  columns: [
    { key: 'run', title: 'run' },
    { ...four, best: 'highest' },
    { key: 'time', title: 'time', unit: 'ms', format: { kind: 'fixed', digits: 1 }, best: 'lowest' },
    { key: 'parameters', title: 'parameters', format: { kind: 'count' } },
    { key: 'difference', title: 'to best', format: { kind: 'points' } },
  ],
  rows: [
    ['a', 0.91231, 12.25, 1_681_235, undefined],
    ['b', 0.91234, 8, undefined, -0.0035],
    ['<b> | `c`', Number.NaN, 8.04, 5, 0.000001],
  ],
  note: 'Mean & more.',
};

describe('formatValue', () => {
  it.each<[number | string | undefined, TableColumn['format'], string]>([
    [0.91239, { kind: 'fixed', digits: 4 }, '0.9124'],
    [-0.5, { kind: 'fixed', digits: 2 }, '−0.50'],
    [-0.0001, { kind: 'fixed', digits: 2 }, '0.00'],
    [1_681_235, { kind: 'count' }, '1,681,235'],
    [-1234.4, { kind: 'count' }, '−1,234'],
    [-0.2, { kind: 'count' }, '0'],
    [0.012, { kind: 'points' }, '+1.20'],
    [-0.00001, { kind: 'points' }, '±0.00'],
    [undefined, { kind: 'count' }, '–'],
    [Number.POSITIVE_INFINITY, { kind: 'count' }, '–'],
    [-3, undefined, '−3'],
    ['within noise', { kind: 'points' }, 'within noise'],
    ['x'.repeat(300), undefined, `${'x'.repeat(199)}…`],
    ['a\u001b[31m\nb', undefined, 'a[31m b'],
  ])('writes %s as people read it', (value, format, text) => {
    expect(formatValue(value, { key: 'k', title: 't', ...(format && { format }) })).toBe(text);
  });
});

describe('a table', () => {
  it('as Markdown has units, bold best numbers with ties as they read, and no markup of its own', () => {
    expect(tableToMarkdown(table)).toBe(
      [
        '| run | F | time (ms) | parameters | to best |',
        '| --- | ---: | ---: | ---: | ---: |',
        '| a | **0.9123** | 12.3 | 1,681,235 | – |',
        '| b | **0.9123** | **8.0** | – | −0.35 |',
        '| &lt;b&gt; \\| \\`c\\` | – | **8.0** | 5 | ±0.00 |',
        '',
        'Mean &amp; more.',
      ].join('\n'),
    );
  });

  it('as CSV and JSON has keys and unrounded numbers', () => {
    expect(tableToCsv(table)).toBe(
      [
        'run,f,time,parameters,difference',
        'a,0.91231,12.25,1681235,',
        'b,0.91234,8,,-0.0035',
        '<b> | `c`,,8.04,5,0.000001',
        '',
      ].join('\n'),
    );
    expect(tableToJson(table)[2]).toEqual({ run: '<b> | `c`', f: null, time: 8.04, parameters: 5, difference: 1e-6 });
    expect(JSON.stringify(tableToJson(table)[1])).toBe(
      '{"run":"b","f":0.91234,"time":8,"parameters":null,"difference":-0.0035}',
    );
  });

  it('as text has aligned columns', () => {
    const { columns, rows } = tableCells(table);
    expect(formatTable(columns, rows).split('\n')[3]).toBe('b          0.9123        8.0           –    −0.35');
  });

  it('as HTML has headings with scope, a region to scroll, and escaped text', () => {
    const html = tableToHtml({ ...table, title: '<script>"x"</script>' });
    expect(html).toContain('<th scope="col" class="number">time (ms)</th>');
    expect(html).toContain('<th scope="row">&lt;b&gt; | `c`</th>');
    expect(html).toContain('<td class="number"><strong>8.0</strong><span class="unseen"> best</span></td>');
    expect(html).toContain('role="region" tabindex="0" aria-labelledby="table-scores-val-title"');
    expect(html).toContain('&lt;script&gt;&quot;x&quot;');
    expect(html).not.toContain('<script');
    expect(html.match(/<strong>/g)).toHaveLength(4);
  });

  it('has no best number where there is nothing to compare', () => {
    expect(tableToHtml({ ...table, rows: table.rows.slice(0, 1) })).not.toContain('<strong>');
  });
});
