import { occurringClasses, rowShares } from '../../charts/confusion-matrix.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { countOf } from '../../text/counts.ts';
import { firstImages, formatF, formatRatio, formatShare } from '../facts/format-facts.ts';
import { borderReach, type Measurements } from '../facts/measurements.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { scoredFirst, validations } from '../facts/run-progress.ts';
import { blocks, figure, list, markup, paragraph, sideBySide, table, typstString } from '../typst/typst-text.ts';
import { countNotFound, listScores, rankClasses } from './class-ranking.ts';
import { convergence, curves, overfitting } from './curves.ts';

/** A class that is often predicted as another. */
interface Mistake {
  readonly truth: number;
  readonly predicted: number;
  /** Share of the pixels of the true class, 0 to 1. */
  readonly share: number;
}

/** The classes confused most often, ordered by share and then by size; one mistake per class. */
export function worstMistakes(
  { summary, labelSet }: Pick<Measurements, 'summary' | 'labelSet'>,
  count: number,
): Mistake[] {
  const { length } = labelSet.classes;
  const pixels = (id: number) => summary.perClass[id].truthPixels;
  return occurringClasses(summary)
    .map((truth): Mistake => {
      const shares = rowShares(summary.confusion, length, truth);
      shares[truth] = 0;
      const share = Math.max(...shares);
      return { truth, predicted: shares.indexOf(share), share };
    })
    .filter(({ share }) => share >= 0.01)
    .sort((a, b) => b.share - a.share || pixels(b.truth) - pixels(a.truth))
    .slice(0, count);
}

/** Share of the pixels of paired classes predicted as the other side; undefined if no such class occurs or is predicted. */
export function sideConfusion({ summary, labelSet }: Pick<Measurements, 'summary' | 'labelSet'>): number | undefined {
  const { length } = labelSet.classes;
  let [wrong, all, predicted] = [0, 0, 0];
  for (const pair of labelSet.mirrorPairs) {
    for (const [own, other] of [pair, pair.toReversed() as [number, number]]) {
      wrong += summary.confusion[own * length + other];
      all += summary.perClass[own].truthPixels;
      predicted += summary.perClass[own].predictedPixels;
    }
  }
  return all === 0 || predicted === 0 ? undefined : wrong / all;
}

function classTable({ summary, labelSet }: Measurements): string {
  const right = 'right' as const;
  const rows = occurringClasses(summary).map((id) => {
    const { images, meanImageF1, precision, recall, f1, iou } = summary.perClass[id];
    const first = images > 0 ? `*${formatRatio(meanImageF1)}*` : '–';
    return [markup(labelSet.classes[id].name), String(images), first, ...[precision, recall, f1, iou].map(formatRatio)];
  });
  const { precision, recall, f1, iou } = summary.macro.withBackground;
  rows.push(['*mean*', '', '–', ...[precision, recall, f1, iou].map((value) => `*${formatRatio(value)}*`)]);
  const columns = [{ title: 'class' }, ...['n', 'F', 'P', 'R', 'F1', 'IoU'].map((title) => ({ title, align: right }))];
  return `{\n  set text(7.8pt)\n  set table(inset: (x: 2.6pt, y: 2.3pt))\n  ${table(columns, rows).replaceAll('\n', '\n  ')}\n}`;
}

/** F of the plain prediction, if training measured it for these weights on all of these images. */
function plainF({ run, network, hasOwnData }: ReportFacts): number | undefined {
  if (!hasOwnData || run.config.validation.limit !== undefined) return undefined;
  return validations(run).find(({ step }) => step === network.step)?.valF;
}

/** F on the images that training scored, if these are not all images; curves and comparison show this F. */
function onFirst(facts: ReportFacts): string | undefined {
  const { measured, hasOwnData, averaging } = facts;
  const first = scoredFirst(facts);
  if (first === undefined || !hasOwnData) return undefined;
  const f = measured!.images.slice(0, first).reduce((sum, { score }) => sum + score.f, 0) / first;
  return (
    `Validations during training scored only ${firstImages(first)}, on which F is ${formatF(f)}` +
    `${averaging ? ' with averaging over views' : ''}. F in @fig-curves${facts.comparison ? ' and @tab-comparison' : ''} refers to these images.`
  );
}

function scores(facts: ReportFacts): string {
  const { measured, run, averaging } = facts;
  const { summary, images } = measured!;
  const { macro } = summary;
  const plain = plainF(facts);
  const sorted = images.map(({ score }) => score.f).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return paragraph(
    `The network reaches *F (per image) ${formatF(summary.fPerImage)}* on ${countOf(summary.images, 'validation image')}.`,
    averaging && plain !== undefined && `Without averaging over views, training measured ${formatF(plain)}.`,
    `Pooled over all pixels, mean F1 over classes is ${formatF(macro.withBackground.f1)} (${formatF(macro.withoutBackground.f1)} without the background), ` +
      `mean IoU ${formatF(macro.withBackground.iou)} and pixel accuracy ${formatShare(summary.pixelAccuracy)}.`,
    sorted.length >= 10 &&
      `Half of the images score between ${formatRatio(at(0.25))} and ${formatRatio(at(0.75))} (median ${formatRatio(at(0.5))}, lowest ${formatRatio(sorted[0])}, highest ${formatRatio(sorted.at(-1)!)}).`,
    onFirst(facts),
    validations(run).length > 1 && '@fig-curves shows the training curves.',
  );
}

function classes(measured: Measurements): string {
  const { summary, labelSet } = measured;
  const name = (id: number) => markup(labelSet.classes[id].name);
  const ranking = rankClasses(measured);
  const { found, notFound } = ranking;
  const count = countNotFound(ranking);
  const scored = summary.perClass.filter(({ images, predictedPixels }) => images > 0 && predictedPixels > 0);
  const missed = scored.filter(({ precision, recall }) => precision - recall > 0.08).map(({ id }) => name(id));
  const invented = scored.filter(({ precision, recall }) => recall - precision > 0.08).map(({ id }) => name(id));
  return paragraph(
    '@tab-classes lists the scores of each class.',
    count && `${count}: ${list(notFound.map(({ id }) => name(id)))}, in order of frequency.`,
    found.length > 6 &&
      `The best classes are ${listScores(found.slice(-3).reverse(), labelSet)}; the weakest${count ? ' of those found' : ''} are ${listScores(found.slice(0, 3), labelSet)}.`,
    missed.length > 0 &&
      `Precision is well above recall for ${list(missed)}: the network misses pixels of ${missed.length === 1 ? 'this class' : 'these classes'} more often than it adds them.`,
    invented.length > 0 &&
      `Recall is well above precision for ${list(invented)}: the network adds pixels of ${invented.length === 1 ? 'this class' : 'these classes'} more often than it misses them.`,
    accessories(measured),
  );
}

/** Compares F on images with an accessory with F on the others. */
function accessories({ labelSet, images }: Measurements): string | undefined {
  const rare = rareClasses(labelSet);
  if (rare.length === 0) return undefined;
  const has = ({ score }: Measurements['images'][number]) => score.perClass.some(({ id }) => rare.includes(id));
  const [withOne, without] = [images.filter(has), images.filter((image) => !has(image))];
  if (withOne.length < 3 || without.length < 3) return undefined;
  const mean = (list: Measurements['images']) => list.reduce((sum, { score }) => sum + score.f, 0) / list.length;
  const names = list(rare.map((id) => markup(labelSet.classes[id].name)));
  return `Mean F is ${formatRatio(mean(withOne))} on the ${withOne.length} images with at least one of ${names}, and ${formatRatio(mean(without))} on the other ${without.length}.`;
}

/** Ids of accessories, which are not part of a face. */
function rareClasses({ classes }: LabelSet): number[] {
  const worn = ['glasses', 'eye_g', 'hat', 'ear_r', 'neck_l'];
  return classes.filter((entry) => worn.includes(entry.name)).map(({ id }) => id);
}

function errors(measured: Measurements): string {
  const { labelSet, wrongNearBorders, summary } = measured;
  const name = (id: number) => markup(labelSet.classes[id].name);
  const mistakes = worstMistakes(measured, 4).map(
    ({ truth, predicted, share }) =>
      `${name(truth)} with ${name(predicted)} (${formatShare(Number(share.toFixed(2)))})`,
  );
  const sides = sideConfusion(measured);
  return paragraph(
    mistakes.length > 0 &&
      `The network most often confuses ${list(mistakes)}; percentages are of the pixels of the true class (@fig-confusion).`,
    sides !== undefined && `It confuses left and right in ${formatShare(sides)} of the pixels of paired parts.`,
    summary.pixelAccuracy < 1 &&
      `Of the wrong pixels, ${formatShare(wrongNearBorders)} lie within ${borderReach} pixels of a class boundary, where annotations are ambiguous.`,
  );
}

/** Scores, curves, classes and confusions. */
export function resultsSection(facts: ReportFacts): string {
  const { measured, figures } = facts;
  if (!measured) {
    const text =
      'The validation images were not available when this report was written, so this report has no scores by class. The curves were recorded during training.';
    return blocks('= Results', paragraph(text, convergence(facts), overfitting(facts)), curves(facts));
  }
  return blocks(
    '= Results',
    paragraph(scores(facts), convergence(facts)),
    overfitting(facts),
    curves(facts),
    classes(measured),
    errors(measured),
    sideBySide(
      ['7.4cm', '1fr'],
      [
        figure(
          classTable(measured),
          'Scores by class: number of images with the class (n) and mean F over them; precision, recall, F1 and IoU pooled over all pixels. F (per image) is a mean over images, not over these classes.',
          'tab-classes',
        ),
        figure(
          `image(${typstString(figures.confusion!)}, width: 100%)`,
          'Confusion matrix, in percent of the pixels of each true class.',
          'fig-confusion',
        ),
      ],
    ),
  );
}
