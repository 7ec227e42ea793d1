import { errorImage } from '../charts/error-image.ts';
import { imageGrid } from '../charts/image-grid.ts';
import type { Batch } from '../data/batches/batch-loader.ts';
import type { ScoredImage } from '../evaluation/evaluate-parser.ts';
import type { Photo } from '../image/image.ts';
import { blendOverlay, colorize } from '../image/overlay.ts';
import { inputToPhoto, type Preprocessing } from '../image/preprocessing.ts';
import { resizeLabels } from '../image/resize.ts';
import type { LabelSet } from '../labels/label-set.ts';

/** Number of images of a batch or a validation to show. */
export const shownImages = 8;

/** The images of a batch after augmentation, each next to its labels. */
export function batchImage(
  batch: Batch,
  preprocessing: Preprocessing,
  labelSize: number,
  set: LabelSet,
): Promise<Buffer> {
  const { size } = preprocessing;
  const rows: Photo[][] = [];
  for (let index = 0; index < Math.min(batch.count, shownImages); index += 2) {
    const row: Photo[] = [];
    for (let image = index; image < Math.min(index + 2, batch.count); image++) {
      const photo = inputToPhoto(batch.images.subarray(image * 3 * size * size), preprocessing);
      const ids = batch.labels.subarray(image * labelSize * labelSize, (image + 1) * labelSize * labelSize);
      const labels = resizeLabels({ width: labelSize, height: labelSize, data: Uint8Array.from(ids) }, size, size);
      row.push(photo, blendOverlay(photo, labels, set));
    }
    rows.push(row);
  }
  return imageGrid(rows, { captions: ['photo', 'labels', 'photo', 'labels'].slice(0, rows[0].length), legend: set });
}

/** Photo, truth, prediction and errors of some validation images, two images per row. */
export function validationImage(images: readonly ScoredImage[], set: LabelSet): Promise<Buffer> {
  const shown = images.slice(0, shownImages);
  const rows: Photo[][] = [];
  const titles: string[] = [];
  for (let index = 0; index < shown.length; index += 2) {
    const pair = shown.slice(index, index + 2);
    rows.push(
      pair.flatMap(({ photo, truth, prediction }) => [
        photo,
        colorize(truth, set),
        blendOverlay(photo, prediction, set),
        errorImage(photo, truth, prediction),
      ]),
    );
    titles.push(`F ${pair.map(({ score }) => score.f.toFixed(2)).join(', ')}`);
  }
  const captions = rows[0].map((_, column) => ['photo', 'truth', 'prediction', 'errors'][column % 4]);
  return imageGrid(rows, { captions, rowCaptions: titles, legend: set, cellSize: 160 });
}
