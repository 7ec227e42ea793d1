import { type ChartTheme, paperTheme } from '../../charts/chart-theme.ts';
import { escapeMarkdown, shorten } from '../../text/escape-markup.ts';
import type { Comparison } from '../comparison.ts';
import { tableToMarkdown } from '../tables/render-table.ts';
import type { Table } from '../tables/table.ts';
import { type ComparisonChart, scoreCharts } from './comparison-charts.ts';
import { curveCharts } from './curve-charts.ts';
import { definitions } from './definitions.ts';
import { reasonTexts } from './panels.ts';
import { curvesNote, describeSubject, summarize, type Words } from './summary.ts';

/** Where the files beside a Markdown comparison are, relative to it. Files that are not given are not linked. */
export interface ComparisonLinks {
  /** The HTML page. */
  readonly page?: string;
  /** CSV files by the id of their table. */
  readonly tables?: Readonly<Record<string, string>>;
  /** SVG files by the id of their chart, from `comparisonCharts`. */
  readonly charts?: Readonly<Record<string, string>>;
  /** PNG files of `panelSheet`, one for each panel. */
  readonly panels?: readonly string[];
}

/** The charts of a comparison as SVG files, dark on white, those of curves with a legend of their own. */
export async function comparisonCharts(
  comparison: Comparison,
  theme: ChartTheme = paperTheme,
): Promise<ComparisonChart[]> {
  return [...(await curveCharts(comparison, theme, true)), ...scoreCharts(comparison, theme)];
}

function words(parts: Words): string {
  return parts
    .map((part) => (typeof part === 'string' ? escapeMarkdown(part) : `**${escapeMarkdown(shorten(part.run, 60))}**`))
    .join('');
}

/** The target of a link; spaces and brackets would end it. */
function target(file: string): string {
  return encodeURI(file).replace(/[()]/g, (bracket) => (bracket === '(' ? '%28' : '%29'));
}

/**
 * Writes a comparison as Markdown: summary, tables, pictures and definitions, with links to files beside it.
 *
 * @param charts whose files `links` names, in the order to show
 * @example comparisonMarkdown(comparison, tables, { page: 'comparison.html', tables: { 'scores-val': 'scores-val.csv' } })
 */
export function comparisonMarkdown(
  comparison: Comparison,
  tables: readonly Table[],
  links: ComparisonLinks = {},
  charts: readonly ComparisonChart[] = [],
): string {
  const { title, question, panels, command, version, boundaryTolerance } = comparison;
  const images = charts.flatMap((chart) => {
    const file = links.charts?.[chart.id];
    return file === undefined
      ? []
      : [
          `### ${escapeMarkdown(chart.title)}`,
          `![${escapeMarkdown(shorten(chart.description, 400))}](${target(file)})`,
        ];
  });
  const aboutCurves = curvesNote(comparison);
  const pictures = panels.flatMap((panel, index) => {
    const file = links.panels?.[index];
    if (file === undefined) return [];
    const scores = panel.predictions.map(({ run, f }) => `${shorten(run, 60)} ${f.toFixed(4)}`).join(', ');
    return [
      `**${escapeMarkdown(shorten(panel.stem, 80))}** (${panel.split}), ${reasonTexts[panel.reason]}. F: ${escapeMarkdown(scores)}.`,
      `![Photo, predictions, ground truth and errors of ${escapeMarkdown(shorten(panel.stem, 80))}](${target(file)})`,
    ];
  });
  const blocks = [
    `# ${escapeMarkdown(shorten(title, 200))}`,
    ...(question === undefined ? [] : [`**${escapeMarkdown(shorten(question, 500))}**`]),
    describeSubject(comparison)
      .map(([name, value]) => `- ${name}: ${escapeMarkdown(shorten(value, 1000))}`)
      .join('\n'),
    ...(links.page === undefined
      ? []
      : [`With curves, charts and pictures: [${escapeMarkdown(links.page)}](${target(links.page)}).`]),
    '## Summary',
    ...summarize(comparison).map(words),
    '## Tables',
    'The best value of a column that compares runs is bold.',
    ...tables.flatMap((table) => {
      const file = links.tables?.[table.id];
      return [
        `### ${escapeMarkdown(shorten(table.title, 200))}`,
        tableToMarkdown(table),
        ...(file === undefined ? [] : [`Unrounded: [${escapeMarkdown(file)}](${target(file)})`]),
      ];
    }),
    ...(images.length > 0
      ? ['## Charts', ...(aboutCurves === undefined ? [] : [escapeMarkdown(aboutCurves)]), ...images]
      : []),
    ...(pictures.length > 0
      ? [
          '## Pictures',
          'Above: photo and predictions. Below: ground truth and errors (wrong pixels red, ignored pixels hatched).',
          ...pictures,
        ]
      : []),
    '## How to read this',
    definitions(boundaryTolerance)
      .map(([term, meaning]) => `- **${escapeMarkdown(term)}**: ${escapeMarkdown(meaning)}`)
      .join('\n'),
    '## Reproducing this page',
    `    ${command.replace(/\s+/g, ' ')}`,
    `faceparse ${escapeMarkdown(version)}`,
  ];
  return `${blocks.join('\n\n')}\n`;
}
