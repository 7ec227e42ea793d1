import { labelSetName } from '../../labels/label-table.ts';
import { countOf, formatCount } from '../../text/counts.ts';
import { joinWords } from '../../text/join-words.ts';
import { formatPoints } from '../../text/points.ts';
import type { ComparedRun, Comparison, RunDifference, SplitName, SplitScores } from '../comparison.ts';
import { shownSplits, splitTitles } from '../split-scores.ts';

/** A piece of a sentence: text of this program, or the name of a run, which is emphasised and escaped. */
export type Words = readonly (string | { readonly run: string })[];

/** `100 validation images`. */
function imagesOf(split: SplitName, images: number): string {
  return `${formatCount(images)} ${splitTitles[split]} ${images === 1 ? 'image' : 'images'}`;
}

function withError({ mean, standardError }: SplitScores['f']): string {
  return `${mean.toFixed(4)}${Number.isFinite(standardError) ? ` (standard error ${standardError.toFixed(4)})` : ''}`;
}

/** The difference of a run to another in points, if it is known in either direction. */
function differenceOf(
  differences: readonly RunDifference[],
  split: SplitName,
  run: string,
  base: string,
): { readonly difference: number; readonly low: number; readonly high: number } | undefined {
  const here = differences.filter((entry) => entry.split === split);
  const found = here.find((entry) => entry.run === run && entry.base === base);
  if (found) return found;
  const reverse = here.find((entry) => entry.run === base && entry.base === run);
  return reverse && { difference: -reverse.difference, low: -reverse.high, high: -reverse.low };
}

function interval({ difference, low, high }: { difference: number; low: number; high: number }): string {
  if (difference === 0 && low === 0 && high === 0) return 'Resampling the images changes nothing about this.';
  const excludes = low > 0 || high < 0;
  return (
    `The difference is ${formatPoints(difference)} percentage points. Its 95\u00a0% paired bootstrap interval, ` +
    `${formatPoints(low)} to ${formatPoints(high)}, ${excludes ? 'excludes' : 'includes'}\u00a00` +
    `${excludes ? '.' : ': these images do not show which of the two is better.'}`
  );
}

/** The best run of a split and its lead. */
function describeSplit(comparison: Comparison, split: SplitName): Words {
  const scored = comparison.runs.flatMap((run) => {
    const scores = run.scores.find((entry) => entry.split === split);
    return scores ? [{ run: run.name, scores }] : [];
  });
  const [best, next] = scored.toSorted((a, b) => b.scores.f.mean - a.scores.f.mean);
  const where = `On the ${imagesOf(split, best.scores.summary.images)}${split === 'train' ? ', which the networks have seen,' : ','} `;
  if (!next) return [where, { run: best.run }, ` has an F (per image) of ${withError(best.scores.f)}.`];
  const isTied = best.scores.f.mean === next.scores.f.mean;
  const difference = differenceOf(comparison.differences, split, best.run, next.run);
  const lead: Words = isTied
    ? [
        where,
        { run: best.run },
        ' and ',
        { run: next.run },
        ` both have the highest F (per image), ${withError(best.scores.f)}.`,
      ]
    : [
        where,
        { run: best.run },
        ` has the highest F (per image), ${withError(best.scores.f)}. `,
        { run: next.run },
        ` is second with ${withError(next.scores.f)}.`,
      ];
  return difference ? [...lead, ` ${interval(difference)}`] : lead;
}

/**
 * The result in sentences: for each split the run with the highest F (per image), its lead over the second, and whether the paired
 * bootstrap interval of the lead excludes 0; then what these intervals do not cover.
 */
export function summarize(comparison: Comparison): Words[] {
  const { runs } = comparison;
  const unfinished = runs.flatMap(({ name, unfinished: why }) =>
    why === undefined ? [] : [[{ run: name }, ` (${why})`] as Words],
  );
  return [
    ...shownSplits(comparison).map((split) => describeSplit(comparison, split)),
    ...(runs.length > 1
      ? [
          [
            'The intervals cover the choice of images, not the randomness of training. Another seed can change the F of a run by more.',
          ],
        ]
      : []),
    ...(unfinished.length > 0
      ? [['Not finished: ', ...unfinished.flatMap((words, index) => (index > 0 ? [', ', ...words] : words)), '.']]
      : []),
  ];
}

/**
 * Why curves of the runs cannot be compared with each other or with the tables: the scores of a training are in the classes of its
 * run, and losses have the weights of its configuration. Undefined if nothing stands against it.
 */
export function curvesNote({ runs, labelSet }: Comparison): string | undefined {
  const setOf = ({ config }: ComparedRun) => labelSetName(config.data.labels);
  const sets = [...new Set(runs.map(setOf))];
  const namesOf = (set: string) =>
    joinWords(
      runs.filter((run) => setOf(run) === set).map(({ name }) => name),
      'and',
    );
  const losses = new Set(runs.map(({ config }) => JSON.stringify(config.loss)));
  const notes = [
    ...(sets.length > 1
      ? [
          `Curves are scored in the classes of each run: ${sets.map((set) => `${namesOf(set)} in ${set}`).join('; ')}. ` +
            `Curves of different label sets are not comparable; the tables, in ${labelSet.name}, are.`,
        ]
      : sets[0] === labelSet.name
        ? []
        : [`Curves are scored in the classes of ${sets[0]}, the tables in those of ${labelSet.name}.`]),
    ...(losses.size > 1 ? ['The runs have different loss functions, so their loss values are not comparable.'] : []),
  ];
  return notes.length > 0 ? notes.join(' ') : undefined;
}

/** What was compared, as names and values: runs, data, classes, machines. */
export function describeSubject({ runs, distributions, labelSet }: Comparison): [name: string, value: string][] {
  const machines = [...new Set(runs.map(({ machine }) => machine))];
  const data = distributions.map(({ split, images }) => imagesOf(split, images));
  return [
    [
      'Runs',
      joinWords(
        runs.map(({ name }) => name),
        'and',
      ),
    ],
    ...(data.length > 0 ? ([['Data', joinWords(data, 'and')]] as [string, string][]) : []),
    ['Classes', `${labelSet.name}, ${countOf(labelSet.classes.length, 'class', 'classes')}`],
    ['Trained on', machines.join('; ')],
  ];
}
