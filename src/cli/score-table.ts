import type { LabelSet } from '../labels/label-set.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import { formatCount } from '../text/counts.ts';
import { type Column, markdownTable } from '../text/markdown-table.ts';
import { formatTable } from './format.ts';

/** F with as many digits as leaderboards show. */
export function formatScore(value: number): string {
  return value.toFixed(4);
}

const columns: readonly Column[] = [
  { title: 'class' },
  ...['images', 'F/image', 'precision', 'recall', 'F1 (Dice)', 'IoU'].map((title) => ({
    title,
    align: 'right' as const,
  })),
];
const footnote =
  'precision, recall, F1 and IoU are pooled over all images; F/image is the mean over the images that contain the class.';

/** `not in these images: hat`; nothing if every class occurs. */
function absentClasses(summary: ScoreSummary, set: LabelSet): string[] {
  const absent = summary.perClass.filter((score) => score.truthPixels === 0 && score.predictedPixels === 0);
  return absent.length === 0 ? [] : [`not in these images: ${absent.map(({ id }) => set.classes[id].name).join(', ')}`];
}

/** One row per class that occurs, then the means. */
function scoreRows(summary: ScoreSummary, set: LabelSet): string[][] {
  const present = summary.perClass.filter((score) => score.truthPixels > 0 || score.predictedPixels > 0);
  const ratio = (value: number) => value.toFixed(3);
  const mean = (name: string, { precision, recall, f1, iou }: ScoreSummary['macro']['withBackground']) => [
    name,
    '',
    '',
    ...[precision, recall, f1, iou].map(ratio),
  ];
  return [
    ...present.map((score) => [
      set.classes[score.id].name,
      formatCount(score.images),
      score.images > 0 ? ratio(score.meanImageF1) : '',
      ...[score.precision, score.recall, score.f1, score.iou].map(ratio),
    ]),
    mean('mean', summary.macro.withBackground),
    mean('mean, no background', summary.macro.withoutBackground),
  ];
}

/**
 * The scores of an evaluation as text: headline, classes, means. Columns of a class are pooled over all
 * images, except `F/image`: the mean over the images that contain the class.
 */
export function formatScores(summary: ScoreSummary, set: LabelSet): string {
  return [
    `F (per image)   ${formatScore(summary.fPerImage)}   mean over ${summary.images} images of the mean F1 of the classes in each`,
    `pixel accuracy  ${formatScore(summary.pixelAccuracy)}`,
    '',
    formatTable(columns, scoreRows(summary, set)),
    '',
    ...absentClasses(summary, set),
    footnote,
  ].join('\n');
}

/** The same in Markdown, for a model card. */
export function formatScoresMarkdown(summary: ScoreSummary, set: LabelSet): string {
  return [
    `F (per image) **${formatScore(summary.fPerImage)}** over ${summary.images} images; pixel accuracy ${formatScore(summary.pixelAccuracy)}.`,
    '',
    markdownTable(columns, scoreRows(summary, set)),
    '',
    ...absentClasses(summary, set).flatMap((line) => [`${line[0].toUpperCase()}${line.slice(1)}.`, '']),
    `${footnote[0].toUpperCase()}${footnote.slice(1)}`,
  ].join('\n');
}
