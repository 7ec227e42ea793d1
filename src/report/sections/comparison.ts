import { baseName } from '../../study/parse-study.ts';
import type { VariantSummary } from '../../study/summary.ts';
import { formatCount } from '../../text/counts.ts';
import type { ComparedVariant, Comparison } from '../facts/comparison.ts';
import { formatF, formatPoints } from '../facts/format-facts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { dataPaths, formatDifference, type RunDifference } from '../facts/run-differences.ts';
import { blocks, code, figure, list, markup, paragraph, sideBySide, table, typstString } from '../typst/typst-text.ts';

/** A longer table leaves out the middle: what has the highest and the lowest F says most. */
const mostRows = 24;

/** A longer table has the whole width of the page, the figure below it. */
const mostRowsBesideFigure = 10;

/** Longer lists of names are counted. */
const mostNames = 6;

/** More differences of a variant than this are counted, not told. */
const mostDifferences = 5;

function tellDifferences(differences: readonly RunDifference[]): string {
  const shown = differences.slice(0, mostDifferences).map((one) => code(formatDifference(one)));
  const rest = differences.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}

/** `0.8123 ±0.11 (3)`: mean, half of the range of the seeds in points, number of finished runs where there are several. */
function tellScore({ mean, spread, results }: VariantSummary): string {
  if (mean === undefined) return '–';
  const finished = results.filter(({ state }) => state === 'finished').length;
  return `${formatF(mean)}${spread === undefined ? '' : ` ±${(spread * 50).toFixed(2)}`}${finished > 1 ? ` (${finished})` : ''}`;
}

/** `16`, or of a variant without a finished run `4 of 16`. */
function tellEpochs({ epochs, summary }: ComparedVariant): string {
  const text = String(Number(epochs.toFixed(1)));
  if (summary.mean !== undefined) return text;
  const { minutes, epochs: planned } = summary.results[0].run.config.train;
  return minutes ? `${text}, stopped` : `${text} of ${planned}`;
}

/** Whether a variant is the run of the report and differs from the base in too much to tell. */
function isAnotherRecipe({ changedKeys, summary }: ComparedVariant, main: string): boolean {
  return changedKeys > mostDifferences && summary.results.some(({ folder }) => folder === main);
}

/** The table must have room for what changed. */
function shorten(name: string): string {
  return name.length > 20 ? `${name.slice(0, 19)}…` : name;
}

function rowOf(variant: ComparedVariant, main: string): string[] {
  const { name, differences, changedKeys, parameters, summary } = variant;
  const { difference, verdict } = summary;
  const what = isAnotherRecipe(variant, main)
    ? `the run of this report (${changedKeys} keys differ)`
    : tellDifferences(differences);
  const change = difference === undefined ? '' : formatPoints(difference);
  return [
    markup(shorten(name)),
    what || '–',
    tellScore(summary),
    verdict === 'beyond noise' && Number(change) !== 0 ? `*${change}*` : change,
    parameters === undefined ? '' : `${(parameters / 1e6).toFixed(2)}`,
    tellEpochs(variant),
  ];
}

function comparisonTable({ variants }: Comparison, main: string): string {
  const right = 'right' as const;
  const columns = [
    { title: 'run' },
    { title: 'what changed', width: '1fr' },
    { title: 'F (seeds)', align: right },
    { title: 'diff.', align: right },
    { title: 'M par.', align: right },
    { title: 'epochs', align: right },
  ];
  const half = mostRows / 2;
  const shown = variants.length > mostRows ? [...variants.slice(0, half), ...variants.slice(-half)] : variants;
  return `{\n  set text(8pt)\n  set par(justify: false)\n  ${table(
    columns,
    shown.map((variant) => rowOf(variant, main)),
  ).replaceAll('\n', '\n  ')}\n}`;
}

/** What the numbers say: the largest gains and losses, and what noise was measured. */
function findings({ variants }: Comparison, main: string): string {
  const compared = variants.filter(({ name, summary }) => name !== baseName && summary.difference !== undefined);
  const others = compared.filter((variant) => !isAnotherRecipe(variant, main));
  const [own] = compared.filter((variant) => isAnotherRecipe(variant, main));
  const tell = ({ name, summary }: ComparedVariant) => `${markup(name)} (${formatPoints(summary.difference!)})`;
  const better = others.filter(({ summary }) => summary.difference! > 0).slice(0, 3);
  const worse = others
    .filter(({ summary }) => summary.difference! < 0)
    .slice(-3)
    .reverse();
  const base = variants[0].summary;
  const spreads = variants.flatMap(({ summary: { spread } }) => (spread === undefined ? [] : [spread]));
  const seeds = base.results.filter(({ state }) => state === 'finished').length;
  const within = others.filter(({ summary }) => summary.verdict === 'within noise');
  return paragraph(
    own &&
      `The run of this report, which differs from the base in ${own.changedKeys} keys, stands ${formatPoints(own.summary.difference!)} points from it.`,
    better.length > 0 && `Higher than the base ${better.length === 1 ? 'is' : 'are'} ${list(better.map(tell))}.`,
    worse.length > 0 && `Lower ${worse.length === 1 ? 'is' : 'are'}, most of all, ${list(worse.map(tell))}.`,
    base.spread !== undefined && `The ${seeds} seeds of the base differ by ${(base.spread * 100).toFixed(2)} points.`,
    spreads.length === 0 &&
      others.length > 0 &&
      'Every configuration was trained with one seed, so that small differences may be chance.',
    within.length > mostNames &&
      `${formatCount(within.length)} differences are within the spread of seeds, and so no evidence.`,
    within.length > 0 &&
      within.length <= mostNames &&
      `Within the spread of seeds, and so no evidence, ${within.length === 1 ? 'is' : 'are'} ${list(within.map(({ name }) => markup(name)))}.`,
  );
}

function introduce({ base, variants, shared }: Comparison, main: string): string {
  const count = variants.reduce((sum, { summary }) => sum + summary.results.length, 0);
  const { limit } = base.config.validation;
  const { epochs, minutes } = base.config.train;
  const length = minutes ? `${minutes} minutes` : `${epochs} epochs`;
  const besides = variants.flatMap(({ differences }) => differences);
  const told = [...shared, ...besides];
  const common = !besides.some(({ path }) => shared.some((one) => one.path === path));
  return paragraph(
    `@tab-comparison compares ${formatCount(count)} runs of ${variants.length} configurations by the F (per image) of their last validation${limit ? ` on the first ${limit} validation pictures` : ''}; the differences in configuration and in F (in points of 0.01) are those to the base, ` +
      `${base.folder === main ? 'the run of this report' : `a run of ${length} at ${base.config.train.size}²`}.`,
    variants.length > mostRows && `Of these, the table shows the ${mostRows} with the highest and the lowest F.`,
    shared.length > 0 &&
      `${common ? 'All' : 'Most'} others differ from the base in ${tellDifferences(shared)}; the table tells what each has besides${common ? '' : ' or instead'}.`,
    told.some(({ path }) => dataPaths.includes(path)) &&
      'Runs with other training pairs may also have been validated on other pictures.',
    'Equal configurations with several seeds are one row: mean ± half of the range, and their number.',
  );
}

/** The comparison with other runs; undefined without them. */
export function comparisonSection({ comparison, figures, run }: ReportFacts): string | undefined {
  if (!comparison) return undefined;
  const tableFigure = figure(
    comparisonTable(comparison, run.folder),
    'Runs compared with the base. Bold differences are larger than the spread of seeds, where it is known; – is not finished.',
    'tab-comparison',
  );
  const plot =
    figures.comparison &&
    figure(
      `image(${typstString(figures.comparison)}, width: 100%)`,
      'F of every finished run (dots) and mean (bars); dashed: the base.',
      'fig-comparison',
    );
  const found = findings(comparison, run.folder);
  const beside = comparison.variants.length <= mostRowsBesideFigure;
  const shown = plot
    ? beside
      ? [sideBySide(['1fr', '5.6cm'], [tableFigure, plot]), found]
      : [tableFigure, sideBySide(['1fr', '5.6cm'], [found, plot])]
    : [tableFigure, found];
  return blocks('= Experiments', introduce(comparison, run.folder), ...shown);
}
