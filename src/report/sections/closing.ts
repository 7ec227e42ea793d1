import { countOf, formatCount } from '../../text/counts.ts';
import type { Comparison } from '../facts/comparison.ts';
import { firstImages, formatF, formatShare, formatTime } from '../facts/format-facts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { isAtEnd, scoredFirst, validations } from '../facts/run-progress.ts';
import { blocks, figure, list, markup, paragraph, typstString } from '../typst/typst-text.ts';
import { worstMistakes } from './results.ts';

function legend({ measured }: ReportFacts): string {
  const { labelSet, worst } = measured!;
  const present = new Set(
    worst.flatMap(({ truth, prediction }) => [...new Set(truth.data), ...new Set(prediction.data)]),
  );
  const entries = labelSet.classes
    .filter(({ id }) => present.has(id))
    .map(
      ({ name, color }) =>
        `#box(width: 6pt, height: 6pt, fill: rgb(${color.join(', ')}), stroke: 0.3pt + gray)~${markup(name)}`,
    );
  return `align(left, text(7.8pt)[${entries.join(' #h(3pt)\n')}])`;
}

/** File names in datasets may be long hashes; the first characters are enough to identify them. */
function shortName(stem: string): string {
  return stem.length > 12 ? `${stem.slice(0, 8)}…` : stem;
}

/** Why an image scores badly: the true classes with the lowest F1, or the number of missed classes. */
function sufferedClasses({ score }: NonNullable<ReportFacts['measured']>['worst'][number], facts: ReportFacts): string {
  const missed = score.perClass.filter(({ f1 }) => f1 === 0).length;
  // Classes at 0 cannot be ranked.
  if (missed > 2) return `${missed} of ${score.perClass.length} classes at 0`;
  const lowest = score.perClass.toSorted((a, b) => a.f1 - b.f1).slice(0, 2);
  const { classes } = facts.measured!.labelSet;
  return lowest.map(({ id, f1 }) => `${markup(classes[id].name)} ${f1.toFixed(2)}`).join(', ');
}

/** The worst validation images, and the classes that are confused. */
export function failuresSection(facts: ReportFacts): string {
  const { measured, figures } = facts;
  if (!measured || measured.worst.length === 0) {
    return blocks(
      '= Failure cases',
      'The validation images were not available when this report was written, so no failure cases are shown.',
    );
  }
  const { worst, labelSet } = measured;
  const panels = worst.map((image, index) => {
    const caption = `[${markup(shortName(image.item.stem))}: F ${formatF(image.score.f)} (${sufferedClasses(image, facts)})]`;
    return `  stack(spacing: 3pt, image(${typstString(figures.failures[index])}, width: 100%), align(left, text(8pt)${caption})),`;
  });
  const body = [
    'grid(',
    '  columns: (1fr, 1fr),',
    '  column-gutter: 8pt,',
    '  row-gutter: 7pt,',
    ...panels,
    `  grid.cell(colspan: 2, ${legend(facts)}),`,
    ')',
  ];
  const absent = worst.filter(({ score }) => score.perClass.some(({ f1 }) => f1 === 0)).length;
  const mistakes = worstMistakes(measured, 2).map(
    ({ truth, predicted, share }) =>
      `${markup(labelSet.classes[truth].name)} with ${markup(labelSet.classes[predicted].name)} (${formatShare(Number(share.toFixed(2)))} of its pixels)`,
  );
  return blocks(
    '= Failure cases',
    paragraph(
      `@fig-failures shows the ${worst.length === 1 ? 'validation image' : `${worst.length} validation images`} with the lowest F.`,
      absent > 0 &&
        `In ${absent === worst.length ? (absent === 1 ? 'it' : 'all of them') : `${absent} of them`} at least one class of the ground truth is missed entirely. In an image with ten classes this costs a tenth of F, however small the class.`,
      mistakes.length > 0 && `Over all validation images, the most frequent confusions are ${list(mistakes)}.`,
    ),
    figure(
      body.join('\n'),
      'The validation images with the lowest F: photo, ground truth, prediction and wrong pixels (red). In brackets: the two lowest F1 of classes, or the number of classes at 0.',
      'fig-failures',
      'auto',
    ),
  );
}

/** The score is optimistic on images that were used to select the checkpoint. */
function chosenBy(facts: ReportFacts): string | undefined {
  const { run, network, measured, hasOwnData } = facts;
  if (!measured || !hasOwnData || network.weightsAre !== 'best' || validations(run).length === 0) return undefined;
  if (validations(run).length === 1) {
    return 'Hyperparameters are usually tuned on the validation set, so F on unseen images may be lower.';
  }
  const first = scoredFirst(facts);
  const on = first === undefined ? 'the validation images' : firstImages(first);
  return (
    `The checkpoint was selected by its F on ${on}, and hyperparameters are usually tuned on the validation set too, ` +
    'so F on unseen images may be lower.'
  );
}

/** `384²`, or `320² to 448²` of several views. */
function seenAt({ network, averaging }: ReportFacts): string {
  const sides = averaging?.sides ?? [network.preprocessing.size];
  return [...new Set([sides[0], sides.at(-1)!])].map((side) => `${side}²`).join(' to ');
}

/** Differences between single runs may be chance. */
function singleSeeds({ variants }: Comparison): string | undefined {
  const single = variants.filter(({ summary }) => summary.results.length === 1).length;
  if (single === 0) return undefined;
  return single === variants.length
    ? `All ${single} configurations compared were trained with one seed only.`
    : `Of the ${variants.length} configurations compared, ${formatCount(single)} ${single === 1 ? 'was' : 'were'} trained with one seed only.`;
}

/** What the numbers do not show. */
export function limitsSection(facts: ReportFacts): string {
  const { run, measured, comparison } = facts;
  const last = run.metrics.at(-1)!;
  const { minutes, epochs } = run.config.train;
  const rare = measured?.summary.perClass.filter(({ images }) => images > 0 && images < 10) ?? [];
  const worn = rare.map(({ id }) => markup(measured!.labelSet.classes[id].name));
  return blocks(
    '= Limits',
    paragraph(
      !isAtEnd(run) &&
        `The run is not finished: when this report was written, it had reached ${minutes ? `${formatTime(last.seconds)} of ${countOf(minutes, 'minute')}` : `epoch ${Number(last.epoch.toFixed(1))} of ${epochs}`}.`,
      chosenBy(facts),
      worn.length > 0 &&
        `${worn.length === 1 ? 'The class' : 'The classes'} ${list(worn)} ${worn.length === 1 ? 'occurs' : 'occur'} in fewer than ten validation images, so ${worn.length === 1 ? 'its score is' : 'their scores are'} uncertain.`,
      comparison && singleSeeds(comparison),
      `The network expects aligned portraits like those in the training set and sees them at ${seenAt(facts)}. Structures thinner than a pixel at that size are lost.`,
    ),
  );
}
