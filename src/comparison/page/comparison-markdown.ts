import type { Comparison } from '../comparison.ts';
import { tableToMarkdown } from '../tables/render-table.ts';
import type { Table } from '../tables/table.ts';

export function comparisonMarkdown(comparison: Comparison, tables: readonly Table[], _links: object): string {
  return `# ${comparison.title}\n${tables.map(tableToMarkdown).join('\n')}`;
}
