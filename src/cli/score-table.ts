import type { LabelSet } from '../labels/label-set.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import { formatCount, formatTable } from './format.ts';

/** F with the digits that leaderboards show. */
export function formatScore(value: number): string {
  return value.toFixed(4);
}

/**
 * The scores of an evaluation as text: the headline, the classes, the means. Columns of a class are pooled over all
 * pictures; `F/image` is the mean over the pictures that contain the class, of which F (per image) is made.
 */
export function formatScores(summary: ScoreSummary, set: LabelSet): string {
  const right = 'right' as const;
  const present = summary.perClass.filter((score) => score.truthPixels > 0 || score.predictedPixels > 0);
  const ratio = (value: number) => value.toFixed(3);
  const rows = present.map((score) => [
    set.classes[score.id]!.name,
    formatCount(score.images),
    score.images > 0 ? ratio(score.meanImageF1) : '',
    ...[score.precision, score.recall, score.f1, score.iou].map(ratio),
  ]);
  const mean = (name: string, { precision, recall, f1, iou }: ScoreSummary['macro']['withBackground']) => [
    name,
    '',
    '',
    ...[precision, recall, f1, iou].map(ratio),
  ];
  const table = formatTable(
    [
      { title: 'class' },
      { title: 'images', align: right },
      { title: 'F/image', align: right },
      { title: 'precision', align: right },
      { title: 'recall', align: right },
      { title: 'F1 (Dice)', align: right },
      { title: 'IoU', align: right },
    ],
    [...rows, mean('mean', summary.macro.withBackground), mean('mean, no background', summary.macro.withoutBackground)],
  );
  return [
    `F (per image)   ${formatScore(summary.fPerImage)}   mean over ${summary.images} pictures of the mean F1 of the classes that each contains`,
    `pixel accuracy  ${formatScore(summary.pixelAccuracy)}`,
    '',
    table,
    '',
    'precision, recall, F1 and IoU are pooled over all pictures; F/image is the mean over the pictures with the class.',
  ].join('\n');
}
