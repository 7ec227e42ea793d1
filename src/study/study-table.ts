import { formatCount } from '../text/counts.ts';
import { formatCsv } from '../text/csv.ts';
import { markdownTable } from '../text/markdown-table.ts';
import { formatPoints } from '../text/points.ts';
import type { StudyResult } from './load-study.ts';
import { baseName, defaultTitle } from './parse-study.ts';
import type { GroupSummary, VariantSummary } from './summary.ts';

/** Columns of a comparison's table. */
export const studyColumns = [
  'variant',
  'what changed',
  'F by seed',
  'mean F',
  'spread',
  'to base',
  'steps',
  'minutes',
] as const;
type StudyColumn = (typeof studyColumns)[number];

function formatResult({ run, state, f, epochs }: StudyResult): string {
  if (state === 'missing') return `s${run.seed} missing`;
  return `s${run.seed} ${state === 'finished' ? f!.toFixed(4) : `unfinished, epoch ${epochs.toFixed(1)}`}`;
}

function formatDifference({ difference, verdict }: VariantSummary): string {
  if (difference === undefined) return '–';
  return `${formatPoints(difference)}${verdict === 'beyond noise' ? '' : `, ${verdict}`}`;
}

function rowOf(summary: VariantSummary): Record<StudyColumn, string> {
  const { variant, results, mean, spread, steps, seconds } = summary;
  return {
    variant: variant.name,
    'what changed': variant.title,
    'F by seed': results.map(formatResult).join('; '),
    'mean F': mean?.toFixed(4) ?? '–',
    spread: spread === undefined ? '–' : (spread * 100).toFixed(2),
    'to base': formatDifference(summary),
    steps: steps === undefined ? '–' : formatCount(Math.round(steps)),
    minutes: seconds === undefined ? '–' : (seconds / 60).toFixed(1),
  };
}

/** Selected columns of a comparison's table as text, one row per variant. */
export function studyRows({ variants }: GroupSummary, columns: readonly StudyColumn[]): string[][] {
  return variants.map((summary) => {
    const row = rowOf(summary);
    return columns.map((column) => row[column]);
  });
}

function code(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(' ');
}

/** Explains the table and gives the measured noise. */
function notes({ variants }: GroupSummary, table: string): string {
  const base = variants.find(({ variant }) => variant.name === baseName)!;
  const seeds = base.results.filter(({ state }) => state === 'finished').length;
  const noise =
    base.spread === undefined
      ? 'The base has fewer than two finished seeds, so its spread is unknown.'
      : `The spread of the base over its ${seeds} seeds is ${(base.spread * 100).toFixed(2)} points.`;
  const isWithin = variants.some(({ verdict }) => verdict === 'within noise');
  return [
    'F is F (per image) on the validation images after the last step. Spread (highest minus lowest seed) and difference',
    `to the base (between runs with the same seed) are in points of 0.01. ${noise}${isWithin ? ' Within noise: the mean difference is smaller' : ''}`,
    `${isWithin ? 'than the larger spread of base and variant. ' : ''}Minutes include validation.`,
    `Best F and seconds of every run: [${table}](${table}).`,
  ].join('\n');
}

/**
 * A comparison as Markdown: question, common settings, table, explanation, and the chart if given.
 *
 * @example markdownReport(summarizeGroup(group, results), { chart: 'study/recipe.svg', table: 'study/recipe.csv' })
 */
export function markdownReport(summary: GroupSummary, links: { chart?: string; table: string }): string {
  const { group, variants } = summary;
  const results = variants.flatMap((variant) => variant.results);
  const finished = results.filter(({ state }) => state === 'finished').length;
  const rows = variants.map((entry) => {
    const row = rowOf(entry);
    const { name, title, overrides } = entry.variant;
    return [
      code([name]),
      overrides.length === 0
        ? title
        : title === defaultTitle(name, overrides)
          ? code(overrides)
          : `${title}: ${code(overrides)}`,
      ...studyColumns.slice(2).map((column) => row[column]),
    ];
  });
  const columns = studyColumns.map((title, index) => ({
    title,
    align: index > 2 ? ('right' as const) : ('left' as const),
  }));
  return [
    ...(group.question ? [`**${group.question}**`, ''] : []),
    `All runs: ${code([group.config, ...group.overrides])}. Finished: ${finished} of ${results.length} runs.`,
    '',
    markdownTable(columns, rows),
    '',
    notes(summary, links.table),
    ...(links.chart ? ['', `![${group.title}: validation F over epochs](${links.chart})`] : []),
  ].join('\n');
}

/** The runs of a comparison as CSV, one line per run; missing values are empty. */
export function csvReport({ variants }: GroupSummary): string {
  const header = ['variant', 'seed', 'state', 'f', 'bestF', 'steps', 'epochs', 'seconds', 'overrides'];
  const rows = variants.flatMap(({ variant, results }) =>
    results.map(({ run, state, f, bestF, steps, epochs, seconds }) => [
      variant.name,
      run.seed,
      state,
      f,
      bestF,
      ...(state === 'missing' ? [undefined, undefined, undefined] : [steps, epochs, seconds]),
      variant.overrides.join(' '),
    ]),
  );
  return formatCsv([header, ...rows]);
}
