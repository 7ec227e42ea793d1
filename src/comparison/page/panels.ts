import { errorImage } from '../../charts/error-image.ts';
import { imageGrid } from '../../charts/image-grid.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import { colorize } from '../../image/overlay.ts';
import { resizeLabels, resizePhoto } from '../../image/resize.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { escapeMarkup, shorten } from '../../text/escape-markup.ts';
import type { Panel, PanelReason } from '../comparison.ts';
import { classLegend, imageHtml, labelUri, largestClasses, sizeWithin, webpUri } from './pictures.ts';

/** Why a panel is shown, in a sentence. */
export const reasonTexts: Readonly<Record<PanelReason, string>> = {
  best: 'one of the highest mean F over the runs',
  median: 'a median mean F over the runs',
  worst: 'one of the lowest mean F over the runs',
  'most disagreed': 'the runs disagree on the most pixels',
  'chosen by name': 'chosen by name',
};

const splitNames: Readonly<Record<Panel['split'], string>> = { train: 'Training', val: 'Validation', test: 'Test' };

/** Longest side of a picture on the page in pixels, for few and for many pictures. */
const sides = { few: 320, many: 192 };
const fewPictures = 150;

function photoOf({ width, height, photo }: Panel): Photo {
  return { width, height, data: photo };
}

function mapOf({ width, height }: Panel, data: Uint8Array): LabelMap {
  return { width, height, data };
}

/** Share of the pixels that count and are wrong, 0 to 1. */
function wrongShare(truth: Uint8Array, labels: Uint8Array): number {
  let [counted, wrong] = [0, 0];
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] === ignoreLabel) continue;
    counted += 1;
    if (truth[i] !== labels[i]) wrong += 1;
  }
  return counted === 0 ? 0 : wrong / counted;
}

/** A panel as HTML: photo and truth, then the prediction and the errors of each run. */
async function panelHtml(panel: Panel, index: number, set: LabelSet, side: number): Promise<string> {
  const size = sizeWithin(panel, side);
  const [photo, truth] = [photoOf(panel), mapOf(panel, panel.truth)];
  const stem = shorten(panel.stem, 80);
  const runs = await Promise.all(
    panel.predictions.map(async ({ run, f, labels }) => {
      const prediction = mapOf(panel, labels);
      const name = shorten(run, 60);
      const wrong = `${(100 * wrongShare(panel.truth, labels)).toFixed(1)} % of pixels wrong`;
      return [
        '<figure>',
        imageHtml(labelUri(prediction, size, set), size, `Prediction of ${name}: ${largestClasses(labels, set)}.`),
        imageHtml(await webpUri(errorImage(photo, truth, prediction), size), size, `Errors of ${name}: ${wrong}.`),
        `<figcaption><b><bdi>${escapeMarkup(name)}</bdi></b><br>F ${f.toFixed(4)}<br>${wrong}</figcaption>`,
        '</figure>',
      ].join('');
    }),
  );
  return [
    `<article class="panel" aria-labelledby="panel-${index}">`,
    `<h3 id="panel-${index}"><bdi>${escapeMarkup(stem)}</bdi></h3>`,
    `<p class="reason">${escapeMarkup(`${splitNames[panel.split]} image: ${reasonTexts[panel.reason]}`)}</p>`,
    '<div class="pictures">',
    '<figure>',
    imageHtml(await webpUri(photo, size), size, `Photo ${stem}.`),
    imageHtml(labelUri(truth, size, set), size, `Ground truth of ${stem}: ${largestClasses(panel.truth, set)}.`),
    '<figcaption><b>photo</b> and<br><b>ground truth</b></figcaption>',
    '</figure>',
    ...runs,
    '</div>',
    '</article>',
  ].join('\n');
}

/** The panels of a comparison as HTML, with a legend of the classes. Pictures are data URIs, smaller if there are many. */
export async function panelsHtml(panels: readonly Panel[], set: LabelSet): Promise<string> {
  const pictures = panels.reduce((sum, { predictions }) => sum + 2 + 2 * predictions.length, 0);
  const side = pictures > fewPictures ? sides.many : sides.few;
  const shown: string[] = [];
  for (const [index, panel] of panels.entries()) shown.push(await panelHtml(panel, index + 1, set, side));
  const columns = panels.reduce((most, { predictions }) => Math.max(most, 1 + predictions.length), 0);
  return [
    classLegend(set),
    `<div class="panels" style="--least:${Math.min(70, 10 * columns)}rem">`,
    ...shown,
    '</div>',
  ].join('\n');
}

/**
 * A panel as one PNG: above, the photo and the prediction of each run with its F; below, the ground truth and the errors.
 *
 * @param runs names of the runs to show, in this order; default: all
 */
export function panelSheet(panel: Panel, set: LabelSet, runs?: readonly string[]): Promise<Buffer> {
  const cellSize = 200;
  const shown = runs
    ? runs.flatMap((name) => panel.predictions.find(({ run }) => run === name) ?? [])
    : panel.predictions;
  // The grid scales photos; labels of a large map are scaled here, or their colours would mix.
  const size = sizeWithin(panel, cellSize);
  const colors = (labels: Uint8Array) => colorize(resizeLabels(mapOf(panel, labels), size.width, size.height), set);
  const photo = photoOf(panel);
  const truth = mapOf(panel, panel.truth);
  return imageGrid(
    [
      [resizePhoto(photo, size.width, size.height), ...shown.map(({ labels }) => colors(labels))],
      [colors(panel.truth), ...shown.map(({ labels }) => errorImage(photo, truth, mapOf(panel, labels)))],
    ],
    {
      cellSize,
      captions: [shorten(panel.stem, 60), ...shown.map(({ run, f }) => `${f.toFixed(3)} ${shorten(run, 60)}`)],
      legend: set,
    },
  );
}
