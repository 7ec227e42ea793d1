import { imageGrid } from '../charts/image-grid.ts';
import type { Batch } from '../data/batches/batch-loader.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { defaultNormalization } from '../image/normalization.ts';
import { blendOverlay, colorize } from '../image/overlay.ts';
import { resizeLabels } from '../image/resize.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import type { ScoredImage } from './evaluation.ts';

/** Images of a batch or a validation that are shown. */
export const shownImages = 8;

/** What the network saw: the images of a batch after augmentation, each beside its labels. */
export function batchImage(batch: Batch, size: number, labelSize: number, set: LabelSet): Promise<Buffer> {
  const rows: Photo[][] = [];
  for (let index = 0; index < Math.min(batch.count, shownImages); index += 2) {
    const row: Photo[] = [];
    for (let image = index; image < Math.min(index + 2, batch.count); image++) {
      const photo = denormalize(batch.images.subarray(image * 3 * size * size), size);
      const ids = batch.labels.subarray(image * labelSize * labelSize, (image + 1) * labelSize * labelSize);
      const labels = resizeLabels({ width: labelSize, height: labelSize, data: Uint8Array.from(ids) }, size, size);
      row.push(photo, blendOverlay(photo, labels, set));
    }
    rows.push(row);
  }
  return imageGrid(rows, { captions: ['photo', 'labels', 'photo', 'labels'].slice(0, rows[0].length), legend: set });
}

/** Photo, truth, prediction and errors of some validation images, two images a row. */
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
        errorMap(truth, prediction),
      ]),
    );
    titles.push(`F ${pair.map(({ score }) => score.f.toFixed(2)).join(', ')}`);
  }
  const captions = rows[0].map((_, column) => ['photo', 'truth', 'prediction', 'errors'][column % 4]);
  return imageGrid(rows, { captions, rowCaptions: titles, legend: set, cellSize: 160 });
}

/** Wrong pixels red on grey. */
function errorMap(truth: LabelMap, prediction: LabelMap): Photo {
  const data = new Uint8Array(truth.data.length * 3).fill(238);
  truth.data.forEach((id, index) => {
    if (id !== prediction.data[index] && id !== ignoreLabel) data.set([214, 40, 40], index * 3);
  });
  return { width: truth.width, height: truth.height, data };
}

function denormalize(image: Float32Array, size: number): Photo {
  const { mean, std } = defaultNormalization;
  const pixels = size * size;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = (image[channel * pixels + i] * std[channel] + mean[channel]) * 255;
      data[i * 3 + channel] = Math.min(255, Math.max(0, Math.round(value)));
    }
  }
  return { width: size, height: size, data };
}
