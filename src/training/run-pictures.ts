import type { Batch } from '../data/batch-loader.ts';
import type { LabelMap, Photo } from '../data/picture.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import { defaultNormalization } from '../parser/normalization.ts';
import { blendOverlay, colorize } from '../parser/overlay.ts';
import { resizeLabels } from '../parser/resize.ts';
import { pictureGrid } from '../report/picture-grid.ts';
import type { ScoredPicture } from './evaluation.ts';

const shownPictures = 8;

/** What the network saw: the pictures of a batch after augmentation, each beside its labels. */
export function batchPicture(batch: Batch, size: number, labelSize: number, set: LabelSet): Promise<Buffer> {
  const rows: Photo[][] = [];
  for (let index = 0; index < Math.min(batch.count, shownPictures); index += 2) {
    const row: Photo[] = [];
    for (let picture = index; picture < Math.min(index + 2, batch.count); picture++) {
      const photo = denormalize(batch.images.subarray(picture * 3 * size * size), size);
      const ids = batch.labels.subarray(picture * labelSize * labelSize, (picture + 1) * labelSize * labelSize);
      const labels = resizeLabels({ width: labelSize, height: labelSize, data: Uint8Array.from(ids) }, size, size);
      row.push(photo, blendOverlay(photo, labels, set));
    }
    rows.push(row);
  }
  return pictureGrid(rows, { captions: ['photo', 'labels', 'photo', 'labels'].slice(0, rows[0].length), legend: set });
}

/** Photo, truth, prediction and errors of some validation pictures, two pictures a row. */
export function validationPicture(pictures: readonly ScoredPicture[], set: LabelSet): Promise<Buffer> {
  const shown = pictures.slice(0, shownPictures);
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
  return pictureGrid(rows, { captions, rowCaptions: titles, legend: set, cellSize: 160 });
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
