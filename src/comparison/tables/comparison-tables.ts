import { configDifferences } from '../../config/config-differences.ts';
import { valueAt } from '../../config/parse-yaml.ts';
import { labelSetName } from '../../labels/label-table.ts';
import type { PooledRatios } from '../../metrics/face-score.ts';
import type { ComparedRun, Comparison, RunDifference, SplitName, SplitScores } from '../comparison.ts';
import { occurringIn, scoresOn, shownSplits, splitTitles } from '../split-scores.ts';
import type { Table, TableColumn, TableValue } from './table.ts';

/** With more runs, the table of differences has only those to the first and to the best run. */
const mostRunsPairwise = 6;

const runColumn: TableColumn = { key: 'run', title: 'run' };
const classColumn: TableColumn = { key: 'class', title: 'class' };

const score = (key: string, title: string): TableColumn => ({
  key,
  title,
  format: { kind: 'fixed', digits: 4 },
  best: 'highest',
});
const plain = (key: string, title: string, digits = 4): TableColumn => ({
  key,
  title,
  format: { kind: 'fixed', digits },
});
const count = (key: string, title: string): TableColumn => ({ key, title, format: { kind: 'count' } });

const ratioNames: readonly (readonly [keyof PooledRatios, string])[] = [
  ['precision', 'precision'],
  ['recall', 'recall'],
  ['f1', 'F1 (Dice)'],
  ['iou', 'IoU (Jaccard)'],
];

function ratiosOf(ratios: PooledRatios): number[] {
  return ratioNames.map(([name]) => ratios[name]);
}

/** The scores of a run on a split on which all are scored. */
function scoresOf(run: ComparedRun, split: SplitName): SplitScores {
  const found = scoresOn(run, split);
  if (!found) throw new Error(`no scores on ${split}`);
  return found;
}

/** NaN of a single image becomes an empty cell. */
function known(value: number): TableValue {
  return Number.isFinite(value) ? value : undefined;
}

/** A row per run with its scores on a split. */
function scoresTable({ runs, boundaryTolerance }: Comparison, split: SplitName): Table {
  const { images } = scoresOf(runs[0], split).summary;
  return {
    id: `scores-${split}`,
    title: `Scores on ${images} ${splitTitles[split]} images`,
    columns: [
      runColumn,
      score('fPerImage', 'F (per image)'),
      plain('fStandardError', 'standard error'),
      score('boundaryF', 'boundary F'),
      plain('boundaryFStandardError', 'standard error of boundary F'),
      score('pixelAccuracy', 'pixel accuracy'),
    ],
    rows: runs.map((run) => {
      const { summary, f, boundaryF } = scoresOf(run, split);
      return [
        run.name,
        summary.fPerImage,
        known(f.standardError),
        known(boundaryF.mean),
        known(boundaryF.standardError),
        summary.pixelAccuracy,
      ];
    }),
    note: `F (per image) and boundary F are means over images. Boundary F has a tolerance of ${boundaryTolerance} pixels.`,
  };
}

/** Two rows per run: the means of the pooled scores of the classes, with and without background. */
function macroTable({ runs }: Comparison, split: SplitName): Table {
  return {
    id: `macro-${split}`,
    title: `Macro scores on ${splitTitles[split]} images`,
    columns: [
      runColumn,
      { key: 'classes', title: 'classes' },
      ...ratioNames.map(([name, title]) => plain(name, title)),
    ],
    rows: runs.flatMap((run): TableValue[][] => {
      const { withBackground, withoutBackground } = scoresOf(run, split).summary.macro;
      return [
        [run.name, 'all', ...ratiosOf(withBackground)],
        [run.name, 'without background', ...ratiosOf(withoutBackground)],
      ];
    }),
    note: 'Means over the classes that occur in the ground truth or in a prediction, of scores that are pooled over all images.',
  };
}

/** A row per class and run, for the classes that occur. */
function classesTable({ runs, labelSet }: Comparison, split: SplitName): Table {
  const perRun = runs.map((run) => ({ name: run.name, classes: scoresOf(run, split).summary.perClass }));
  const occurring = occurringIn(runs.map((run) => scoresOf(run, split))).map((id) => labelSet.classes[id]);
  const absent = labelSet.classes.filter((entry) => !occurring.includes(entry)).map(({ name }) => name);
  return {
    id: `classes-${split}`,
    title: `Scores by class on ${splitTitles[split]} images`,
    columns: [
      classColumn,
      runColumn,
      count('images', 'images'),
      plain('meanImageF1', 'mean F1 per image'),
      ...ratioNames.map(([name, title]) => plain(name, title)),
    ],
    rows: occurring.flatMap(({ id, name }) =>
      perRun.map((run): TableValue[] => {
        const { images, meanImageF1, ...ratios } = run.classes[id];
        return [name, run.name, images, images > 0 ? meanImageF1 : undefined, ...ratiosOf(ratios)];
      }),
    ),
    note:
      'Precision, recall, F1 and IoU are pooled over all images; mean F1 per image is over the images with the class.' +
      (absent.length > 0 ? ` Not in these images: ${absent.join(', ')}.` : ''),
  };
}

/** The pairs of runs worth a row: all of few runs, else those with the first or the best one. */
function shownDifferences({ runs, differences }: Comparison, split: SplitName): RunDifference[] {
  const here = differences.filter((difference) => difference.split === split);
  if (runs.length <= mostRunsPairwise) return here;
  const best = runs.reduce((a, b) => (scoresOf(b, split).f.mean > scoresOf(a, split).f.mean ? b : a));
  const anchors = new Set([runs[0].name, best.name]);
  return here.filter(({ run, base }) => anchors.has(run) || anchors.has(base));
}

function differencesTable(comparison: Comparison, split: SplitName): Table {
  const points = (key: string, title: string): TableColumn => ({ key, title, format: { kind: 'points' } });
  return {
    id: `differences-${split}`,
    title: `Differences in F (per image) on ${splitTitles[split]} images`,
    columns: [
      runColumn,
      { key: 'base', title: 'compared with' },
      points('difference', 'difference'),
      points('low', '95 % from'),
      points('high', '95 % to'),
      { key: 'excludesZero', title: 'excludes 0' },
    ],
    rows: shownDifferences(comparison, split).map(({ run, base, difference, low, high }) => [
      run,
      base,
      difference,
      low,
      high,
      low > 0 || high < 0 ? 'yes' : 'no',
    ]),
    note:
      'In percentage points. The 95 % interval is a paired percentile bootstrap over the images, with 10,000 draws. It covers the choice ' +
      'of images, not the randomness of training: another seed can change a run by more.',
  };
}

function costTable({ runs }: Comparison): Table {
  const isMeasured = runs.some(({ measured }) => measured);
  // What all runs have in common is said once, at the top of the page.
  const hasStates = runs.some(({ unfinished }) => unfinished !== undefined);
  const hasMachines = new Set(runs.map(({ machine }) => machine)).size > 1;
  const measuredColumns: TableColumn[] = [
    { ...plain('stepMilliseconds', 'training step', 0), unit: 'ms', best: 'lowest' },
    { ...plain('inferenceMilliseconds', 'one image', 1), unit: 'ms', best: 'lowest' },
    { ...count('trainingMebibytes', 'training memory'), unit: 'MiB', best: 'lowest' },
    { ...count('inferenceMebibytes', 'inference memory'), unit: 'MiB', best: 'lowest' },
  ];
  return {
    id: 'cost',
    title: 'Size and cost',
    columns: [
      runColumn,
      { key: 'network', title: 'network' },
      { ...count('size', 'input'), unit: 'pixels' },
      { ...count('parameters', 'parameters'), best: 'lowest' },
      { ...plain('gmac', 'GMAC per image', 2), best: 'lowest' },
      plain('epochs', 'epochs', 1),
      count('steps', 'steps'),
      { ...plain('secondsPerEpoch', 'epoch', 1), unit: 's' },
      ...(isMeasured ? measuredColumns : []),
      ...(hasStates ? [{ key: 'state', title: 'state' }] : []),
      ...(hasMachines ? [{ key: 'machine', title: 'trained on' }] : []),
    ],
    rows: runs.map(({ name, cost, measured, machine, unfinished }) => [
      name,
      cost.encoder === undefined ? cost.model : `${cost.model} (${cost.encoder})`,
      cost.size,
      cost.parameters,
      cost.gigaMultiplyAccumulates,
      cost.epochs,
      cost.steps,
      cost.secondsPerEpoch,
      ...(isMeasured
        ? [
            measured?.stepMilliseconds,
            measured?.inferenceMilliseconds,
            measured?.trainingMebibytes,
            measured?.inferenceMebibytes,
          ]
        : []),
      ...(hasStates ? [unfinished ?? 'finished'] : []),
      ...(hasMachines ? [machine] : []),
    ]),
    note:
      'Seconds of an epoch include validation. ' +
      (isMeasured
        ? 'Times are medians and memory is the peak of a process of its own, measured on the machine that made this page.'
        : 'Times and memory were not measured.'),
  };
}

/** The settings in which the runs differ, one row each. */
function settingsTable({ runs }: Comparison): Table | undefined {
  const [first, ...others] = runs;
  const paths = new Set(
    others.flatMap(({ config }) => configDifferences(first.config, config, ['name']).map(({ path }) => path)),
  );
  if (paths.size === 0) return undefined;
  const settingOf = ({ config }: ComparedRun, path: string): string => {
    if (path === 'data.labels') return labelSetName(config.data.labels);
    const value = valueAt(config, path.split('.'));
    return value === undefined ? 'unset' : typeof value === 'string' ? value : JSON.stringify(value);
  };
  const hasSetting = runs.some(({ name }) => name === 'setting');
  return {
    id: 'settings',
    title: 'Settings that differ',
    columns: [
      { key: 'setting', title: 'setting' },
      // Keys are unique, and so are names.
      ...runs.map(({ name }) => ({ key: hasSetting ? `run ${name}` : name, title: name })),
    ],
    rows: [...paths].map((path) => [path, ...runs.map((run) => settingOf(run, path))]),
  };
}

function distributionTable({ distributions, labelSet }: Comparison): Table {
  const percent = (key: string, title: string): TableColumn => ({ ...plain(key, title, 3), unit: '%' });
  return {
    id: 'distribution',
    title: 'Distribution of the classes',
    columns: [
      { key: 'split', title: 'split' },
      classColumn,
      percent('pixels', 'of all pixels'),
      percent('images', 'of the images'),
      ...['5', '25', '50', '75', '95'].map((level) => percent(`q${level}`, `${level} % quantile`)),
    ],
    rows: distributions.flatMap(({ split, classes }) =>
      classes.map(({ id, share, images, quantiles }) => [
        split,
        labelSet.classes[id].name,
        100 * share,
        100 * images,
        ...(quantiles ? quantiles.map((value) => 100 * value) : new Array<undefined>(5).fill(undefined)),
      ]),
    ),
    note: 'Quantiles are of the share of an image that the class covers, over the images that contain it.',
  };
}

/**
 * All tables of a comparison, in the order of its page: scores, macro scores, differences and classes of each split, the last split first;
 * then cost, settings and distribution.
 */
export function comparisonTables(comparison: Comparison): Table[] {
  const splits = shownSplits(comparison);
  const hasPairs = comparison.runs.length > 1;
  const settings = settingsTable(comparison);
  return [
    ...splits.map((split) => scoresTable(comparison, split)),
    ...splits.map((split) => macroTable(comparison, split)),
    ...(hasPairs ? splits.map((split) => differencesTable(comparison, split)) : []),
    ...splits.map((split) => classesTable(comparison, split)),
    costTable(comparison),
    ...(settings ? [settings] : []),
    distributionTable(comparison),
  ];
}
