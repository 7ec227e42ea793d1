import type { Comparison } from '../comparison.ts';
import { tableToHtml } from '../tables/render-table.ts';
import type { Table } from '../tables/table.ts';

export async function comparisonPage(comparison: Comparison, tables: readonly Table[]): Promise<string> {
  return `<h1>${comparison.title}</h1>${tables.map(tableToHtml).join('')}`;
}
