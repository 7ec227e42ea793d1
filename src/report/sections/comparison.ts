import type { VariantSummary } from '../../study/summary.ts';
import { countOf, formatCount } from '../../text/counts.ts';
import { baseLabel, type ComparedVariant, type Comparison } from '../facts/comparison.ts';
import { firstImages, formatF, formatPoints } from '../facts/format-facts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { dataPaths, formatDifference, type RunDifference } from '../facts/run-differences.ts';
import { lastValidation, scoredFirst } from '../facts/run-progress.ts';
import { blocks, code, figure, list, markup, paragraph, sideBySide, table, typstString } from '../typst/typst-text.ts';

/** A longer table omits the middle; the highest and lowest F are the most informative. */
const mostRows = 24;

/** A longer table takes the full page width, with the figure below it. */
const mostRowsBesideFigure = 10;

/** Longer lists of names are counted. */
const mostNames = 6;

/** More differences of a variant than this are counted. */
const mostDifferences = 5;

function describeDifferences(differences: readonly RunDifference[]): string {
  const shown = differences.slice(0, mostDifferences).map((one) => code(formatDifference(one)));
  const rest = differences.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}

/** ` ±0.40 (2)`: half the range of values in points and their number, if there are several. */
function formatSpread(values: readonly number[]): string {
  if (values.length < 2) return '';
  return ` ±${((Math.max(...values) - Math.min(...values)) * 50).toFixed(2)} (${values.length})`;
}

function finishedScores({ results }: VariantSummary): number[] {
  return results.flatMap(({ state, f }) => (state === 'finished' ? [f!] : []));
}

/** Whether the table shows a number of seeds and a spread for a variant. */
function hasSeveralSeeds({ summary }: ComparedVariant): boolean {
  return finishedScores(summary).length > 1;
}

/** `0.8123 ±0.11 (3)` */
function formatScore(summary: VariantSummary): string {
  return summary.mean === undefined ? '–' : `${formatF(summary.mean)}${formatSpread(finishedScores(summary))}`;
}

/** `16`, or `4 of 16` for a variant without a finished run. */
function formatEpochs({ epochs, summary }: ComparedVariant): string {
  const text = String(Number(epochs.toFixed(1)));
  if (summary.mean !== undefined) return text;
  const { minutes, epochs: planned } = summary.results[0].run.config.train;
  return minutes ? `${text}, stopped` : `${text} of ${planned}`;
}

/** Whether a variant is the run of the report and has too many differences from the base to list. */
function isAnotherRecipe({ changedKeys, summary, title }: ComparedVariant, main: string): boolean {
  return title === undefined && changedKeys > mostDifferences && summary.results.some(({ folder }) => folder === main);
}

/** Truncates a name, to leave room for the changes in the table. */
function shorten(name: string): string {
  return name.length > 20 ? `${name.slice(0, 19)}…` : name;
}

/** The title of a study's variant without a title is its overrides. */
const overrides = /^\w+(\.\w+)*=/;

function describeChange(variant: ComparedVariant, main: string): string {
  const { title, differences, changedKeys } = variant;
  if (title !== undefined) return overrides.test(title) ? code(title) : markup(title);
  if (isAnotherRecipe(variant, main)) return `the run of this report (${changedKeys} keys differ)`;
  return describeDifferences(differences) || '–';
}

/** Whether the difference of a variant is set in bold. */
function isBold({ summary: { difference, verdict } }: ComparedVariant): boolean {
  return difference !== undefined && verdict === 'beyond noise' && Number(formatPoints(difference)) !== 0;
}

function rowOf(variant: ComparedVariant, main: string, isBase: boolean): string[] {
  const { name, parameters, summary, paired } = variant;
  const { difference } = summary;
  const change = difference === undefined ? '' : `${formatPoints(difference)}`;
  const bold = isBold(variant);
  return [
    markup(isBase ? baseLabel(shorten(name)) : shorten(name)),
    describeChange(variant, main),
    formatScore(summary),
    change && `${bold ? `*${change}*` : change}${formatSpread(paired)}`,
    parameters === undefined ? '' : `${(parameters / 1e6).toFixed(2)}`,
    formatEpochs(variant),
  ];
}

function comparisonTable({ variants }: Comparison, main: string): string {
  const hasSeeds = variants.some(hasSeveralSeeds);
  const right = 'right' as const;
  const columns = [
    { title: 'run' },
    { title: 'change', width: '1fr' },
    { title: hasSeeds ? 'F (seeds)' : 'F', align: right },
    { title: 'Δ, same seed', align: right },
    { title: 'M par.', align: right },
    { title: 'epochs', align: right },
  ];
  const half = mostRows / 2;
  const shown = variants.length > mostRows ? [...variants.slice(0, half), ...variants.slice(-half)] : variants;
  return `{\n  set text(8pt)\n  set par(justify: false)\n  ${table(
    columns,
    shown.map((variant) => rowOf(variant, main, variant === variants[0])),
  ).replaceAll('\n', '\n  ')}\n}`;
}

/** `The largest gain in F over the base is +1.00 points for #raw("a").`; undefined without variants. */
function stateDifferences(what: string, than: string, variants: readonly ComparedVariant[]): string | undefined {
  if (variants.length === 0) return undefined;
  const each = variants.map(
    ({ name, summary }) => `${formatPoints(summary.difference!)} points for ${code(shorten(name))}`,
  );
  return `${what}${variants.length === 1 ? '' : 's'} in F ${than} the base ${variants.length === 1 ? 'is' : 'are'} ${list(each)}.`;
}

/** The differences in F from the base: all of few variants, the largest of many. */
function describeRanked(ranked: readonly ComparedVariant[]): (string | undefined)[] {
  if (ranked.length <= mostNames) return [stateDifferences('The difference', 'from', ranked)];
  const better = ranked.filter(({ summary }) => summary.difference! > 0).slice(0, 3);
  const worse = ranked.filter(({ summary }) => summary.difference! < 0).slice(-3);
  return [
    stateDifferences('The largest gain', 'over', better),
    stateDifferences('The largest drop', 'from', worse.reverse()),
  ];
}

/** Summarises the comparison: the differences from the base, and the spread over seeds. */
function findings({ variants }: Comparison, main: string): string {
  const compared = variants.slice(1).filter(({ summary }) => summary.difference !== undefined);
  const others = compared.filter((variant) => !isAnotherRecipe(variant, main));
  const [own] = compared.filter((variant) => isAnotherRecipe(variant, main));
  // The table is sorted by mean F; differences between runs with the same seed may have another order.
  const ranked = others.toSorted((a, b) => b.summary.difference! - a.summary.difference!);
  const spreads = variants.flatMap(({ summary: { spread } }) => (spread === undefined ? [] : [spread]));
  return paragraph(
    own &&
      `The run of this report differs from the base in ${own.changedKeys} keys and by ${formatPoints(own.summary.difference!)} points.`,
    ...describeRanked(ranked),
    seedsOfBase(variants[0].summary),
    spreads.length === 0 &&
      others.length > 0 &&
      'Every configuration was trained with one seed, so small differences may be chance.',
    withinNoise(others),
  );
}

/** The scores of the base, so that a reader can check the differences. */
function seedsOfBase({ results, spread }: VariantSummary): string | undefined {
  if (spread === undefined) return undefined;
  const scores = results.flatMap(({ state, f, run }) =>
    state === 'finished' ? [`${formatF(f!)} (seed ${run.seed})`] : [],
  );
  const points = `${(spread * 100).toFixed(2)} points`;
  return scores.length > mostNames
    ? `The ${scores.length} seeds of the base differ by up to ${points}.`
    : `The base scores ${list(scores)}, a spread of ${points}.`;
}

function withinNoise(others: readonly ComparedVariant[]): string | undefined {
  const within = others.filter(({ summary }) => summary.verdict === 'within noise');
  if (within.length === 0) return undefined;
  if (within.length > mostNames) return `${formatCount(within.length)} differences are within seed noise.`;
  const names = list(within.map(({ name }) => code(shorten(name))));
  return within.length === 1
    ? `The difference of ${names} is within seed noise.`
    : `The differences of ${names} are within seed noise.`;
}

function introduce(facts: ReportFacts, comparison: Comparison): string {
  const { base, variants, shared } = comparison;
  const runs = variants.reduce((sum, { summary }) => sum + summary.results.length, 0);
  const besides = variants.flatMap(({ differences }) => differences);
  const mentioned = [...shared, ...besides];
  const hasTitles = variants.some(({ title }) => title !== undefined);
  const common = !besides.some(({ path }) => shared.some((one) => one.path === path));
  const { minutes, epochs, size } = base.config.train;
  const length = minutes ? countOf(minutes, 'minute') : countOf(epochs, 'epoch');
  const isMain = base.folder === facts.run.folder;
  return paragraph(
    `@tab-comparison compares ${countOf(runs, 'run')} of ${countOf(variants.length, 'configuration')} by the F (per image) of their last validation${onFirst(facts)}.`,
    isMain
      ? `The base is the run of this report, ${code(variants[0].name)}.`
      : `The base, ${code(variants[0].name)}, is a run of ${length} on ${size}×${size} images.`,
    variants.length > mostRows && `The table shows the ${mostRows} with the highest and the lowest F.`,
    shared.length > 0 &&
      (common
        ? `All others differ from the base in ${describeDifferences(shared)}. The table lists only further changes.`
        : `Most others differ from the base in ${describeDifferences(shared)}. The table lists deviations from that.`),
    hasTitles && 'Variants of a study are described by their titles there, other runs by the keys that differ.',
    mentioned.some(({ path }) => dataPaths.includes(path)) &&
      'Runs with different training pairs may also have been validated on different images.',
    otherLabelSets(variants),
    otherThanHeadline(facts),
  );
}

/** A caveat about variants whose scores cannot be compared with those of the base; undefined without them. */
function otherLabelSets(variants: readonly ComparedVariant[]): string | undefined {
  const others = variants.filter(({ otherLabels }) => otherLabels !== undefined);
  if (others.length === 0) return undefined;
  const named = others.map(({ name, otherLabels = '' }) => `${code(shorten(name))} (${markup(otherLabels)})`);
  const which = others.length > mostNames ? countOf(others.length, 'configuration') : list(named);
  return (
    `${which} ${others.length === 1 ? 'has' : 'have'} another label set than the base. F over different classes is not comparable, ` +
    `so ${others.length === 1 ? 'it is' : 'they are'} listed last, without a difference.`
  );
}

/** ` on the first 30 validation images`, if training scored only these. */
function onFirst(facts: ReportFacts): string {
  const first = scoredFirst(facts);
  return first === undefined ? '' : ` on ${firstImages(first)}`;
}

/** Why the F of the report's run differs between the table and the headline. */
function otherThanHeadline(facts: ReportFacts): string | undefined {
  const { measured, run, network, comparison } = facts;
  const last = lastValidation(run);
  const isCompared = comparison!.variants.some(({ summary }) =>
    summary.results.some(({ folder }) => folder === run.folder),
  );
  if (!measured || !last || !isCompared || formatF(last.valF) === formatF(measured.summary.fPerImage)) return undefined;
  const reasons = [
    network.weightsAre === 'best' && network.step !== last.step && 'comes from the best checkpoint',
    scoredFirst(facts) !== undefined && `covers all ${formatCount(measured.summary.images)} validation images`,
    facts.averaging !== undefined && 'averages several views',
  ].filter((reason) => reason !== false);
  if (reasons.length === 0) return undefined;
  return `The headline F of ${formatF(measured.summary.fPerImage)} is not in the table: it ${list(reasons)}.`;
}

/** Explains the notation that occurs in the table. */
function tableCaption(facts: ReportFacts, { variants }: Comparison): string {
  const hasSeeds = variants.some(hasSeveralSeeds);
  return paragraph(
    `Runs compared with the base by F (per image)${onFirst(facts)}${hasSeeds ? ': mean over seeds ± half their range in percentage points (number of seeds)' : ''}.`,
    hasSeeds
      ? 'Δ is the mean difference from the base run with the same seed, in points, ± half the range of these differences (number of seeds). ' +
          'If the seeds differ, it can differ from the difference of the two means.'
      : 'Δ is the difference from the base, in percentage points, between runs with the same seed.',
    variants.some(isBold) && 'Bold: larger than the spread over seeds.',
    variants.some(({ summary }) => summary.mean === undefined) && '–: not finished.',
  ).replaceAll('\n', ' ');
}

/** The comparison with other runs; undefined without them. */
export function comparisonSection(facts: ReportFacts): string | undefined {
  const { comparison, figures, run } = facts;
  if (!comparison) return undefined;
  const tableFigure = figure(
    comparisonTable(comparison, run.folder),
    tableCaption(facts, comparison),
    'tab-comparison',
  );
  const others = comparison.variants.some(({ otherLabels }) => otherLabels !== undefined);
  const plot =
    figures.comparison &&
    figure(
      `image(${typstString(figures.comparison)}, width: 100%)`,
      `F of every finished run${others ? ' with the label set of the base' : ''} (dots)${onFirst(facts)} and the mean (bars). Dashed: the base.`,
      'fig-comparison',
    );
  const found = findings(comparison, run.folder);
  const beside = comparison.variants.length <= mostRowsBesideFigure;
  const shown = plot
    ? beside
      ? [sideBySide(['1fr', '5.6cm'], [tableFigure, plot]), found]
      : [tableFigure, sideBySide(['1fr', '5.6cm'], [found, plot])]
    : [tableFigure, found];
  return blocks('= Experiments', introduce(facts, comparison), ...shown);
}
