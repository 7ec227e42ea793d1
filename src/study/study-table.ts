import { tableToMarkdown } from '../comparison/tables/render-table.ts';
import type { Table } from '../comparison/tables/table.ts';
import { formatPoints } from '../text/points.ts';
import type { StudyResult } from './load-study.ts';
import { baseName } from './parse-study.ts';
import type { GroupSummary, VariantSummary } from './summary.ts';

function formatResult({ run, state, f, epochs }: StudyResult): string {
  if (state === 'missing') return `s${run.seed} missing`;
  return `s${run.seed} ${state === 'finished' ? f!.toFixed(4) : `unfinished, epoch ${epochs.toFixed(1)}`}`;
}

function formatDifference({ difference, verdict }: VariantSummary): string {
  if (difference === undefined) return '–';
  return `${formatPoints(difference)}${verdict === 'beyond noise' ? '' : `, ${verdict}`}`;
}

/** The comparison of a group as a table, one row per variant. */
export function studyTable({ group, variants }: GroupSummary): Table {
  const f = { kind: 'fixed', digits: 4 } as const;
  return {
    id: group.name,
    title: group.title,
    columns: [
      { key: 'variant', title: 'variant', code: true },
      { key: 'change', title: 'what changed' },
      { key: 'overrides', title: 'settings', code: true },
      { key: 'seeds', title: 'F by seed' },
      { key: 'mean', title: 'mean F', format: f },
      { key: 'spread', title: 'spread', format: { kind: 'fixed', digits: 2 } },
      { key: 'difference', title: 'to base' },
      { key: 'steps', title: 'steps', format: { kind: 'count' } },
      { key: 'minutes', title: 'minutes', format: { kind: 'fixed', digits: 1 } },
    ],
    rows: variants.map((summary) => {
      const { variant, results, mean, spread, steps, seconds } = summary;
      const overrides = variant.overrides.join(' ');
      return [
        variant.name,
        // Without a title of its own, a variant is called by its settings.
        variant.title === overrides ? '' : variant.title,
        overrides,
        results.map(formatResult).join('; '),
        mean,
        spread && 100 * spread,
        formatDifference(summary),
        steps,
        seconds && seconds / 60,
      ];
    }),
  };
}

/** The runs of a group as a table, one row per run. */
export function studyRunsTable({ group, variants }: GroupSummary): Table {
  const keys = ['variant', 'seed', 'state', 'f', 'bestF', 'steps', 'epochs', 'seconds', 'overrides'];
  return {
    id: group.name,
    title: group.title,
    columns: keys.map((key) => ({ key, title: key })),
    rows: variants.flatMap(({ variant, results }) =>
      results.map(({ run, state, f, bestF, steps, epochs, seconds }) => [
        variant.name,
        run.seed,
        state,
        f,
        bestF,
        ...(state === 'missing' ? [undefined, undefined, undefined] : [steps, epochs, seconds]),
        variant.overrides.join(' '),
      ]),
    ),
  };
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
    `to the base (between runs with the same seed) are in percentage points. ${noise}${isWithin ? ' Within noise: the mean difference is smaller' : ''}`,
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
  return [
    ...(group.question ? [`**${group.question}**`, ''] : []),
    `All runs: ${code([group.config, ...group.overrides])}. Finished: ${finished} of ${results.length} runs.`,
    '',
    tableToMarkdown(studyTable(summary)),
    '',
    notes(summary, links.table),
    ...(links.chart ? ['', `![${group.title}: validation F over epochs](${links.chart})`] : []),
  ].join('\n');
}
