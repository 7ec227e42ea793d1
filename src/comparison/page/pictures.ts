import sharp from 'sharp';
import type { LabelMap, Photo } from '../../image/image.ts';
import { encodeLabelPng } from '../../image/label-png.ts';
import { resizeLabels } from '../../image/resize.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { escapeMarkup, shorten } from '../../text/escape-markup.ts';

/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Width and height with the longest side at most `side`. */
export function sizeWithin({ width, height }: PictureSize, side: number): PictureSize {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The largest classes of a map with their shares, in words. */
export function largestClasses(labels: Uint8Array, { classes }: LabelSet): string {
  const pixels = new Float64Array(256);
  for (const id of labels) pixels[id] += 1;
  return classes
    .map(({ id, name }) => ({ name, share: pixels[id] / labels.length }))
    .filter(({ share }) => share >= 0.005)
    .sort((a, b) => b.share - a.share)
    .slice(0, 5)
    .map(({ name, share }) => `${name} ${Math.round(100 * share)} %`)
    .join(', ');
}

/** A photo as a data URI. */
export async function webpUri({ width, height, data }: Photo, size: PictureSize): Promise<string> {
  const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(size.width, size.height)
    .webp({ quality: 84, smartSubsample: true, effort: 4 })
    .toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}

/** A label map in the colours of its label set, as a data URI. */
export function labelUri(map: LabelMap, size: PictureSize, set: LabelSet): string {
  const png = encodeLabelPng(resizeLabels(map, size.width, size.height), set);
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

/** A picture with a text for those who do not see it. */
export function imageHtml(uri: string, { width, height }: PictureSize, alt: string): string {
  return `<img src="${uri}" width="${width}" height="${height}" alt="${escapeMarkup(shorten(alt, 300))}">`;
}

/** The classes with their colours. */
export function classLegend({ classes }: LabelSet): string {
  const swatches = classes.map(
    ({ name, color }) =>
      `<li><span class="swatch" style="background:rgb(${color.join(',')})"></span>${escapeMarkup(shorten(name, 40))}</li>`,
  );
  return `<ul class="legend" aria-label="Classes">${swatches.join('')}</ul>`;
}
