import type { Random } from '../../random/random.ts';

/** A rectangle of label pixels; `right` and `bottom` are exclusive. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** One sample of a batch: 3×S×S floats from `imageOffset` on and L×L ids from `labelOffset` on. */
export interface SamplePlace {
  readonly images: Float32Array;
  readonly imageOffset: number;
  readonly labels: Int32Array;
  readonly labelOffset: number;
}

/**
 * Draws the rectangle of CutMix (Yun et al., 2019) in whole label pixels: 10 % to 40 % of the area, uniform, with an
 * aspect ratio of up to 2, anywhere inside the image.
 *
 * @param size side of the labels
 */
export function drawRectangle(random: Random, size: number): Rectangle {
  const area = random.uniform(0.1, 0.4);
  const ratio = Math.exp(random.uniform(-Math.LN2, Math.LN2));
  const width = Math.min(size, Math.max(1, Math.round(size * Math.sqrt(area * ratio))));
  const height = Math.min(size, Math.max(1, Math.round(size * Math.sqrt(area / ratio))));
  const left = random.integer(size - width + 1);
  const top = random.integer(size - height + 1);
  return { left, top, right: left + width, bottom: top + height };
}

/**
 * Copies a rectangle of one sample over another, image and labels. If the image size is not a multiple
 * of the label size, the rectangle is rounded to whole pixels.
 *
 * @param size side of the images
 * @param labelSize side of the labels
 */
export function copyRectangle(
  from: SamplePlace,
  to: SamplePlace,
  { left, top, right, bottom }: Rectangle,
  size: number,
  labelSize: number,
): void {
  const copy = <T extends Float32Array | Int32Array>(
    source: T,
    sourceOffset: number,
    target: T,
    targetOffset: number,
    side: number,
  ) => {
    const scaled = (edge: number) => Math.round((edge * side) / labelSize);
    const [first, last] = [scaled(left), scaled(right)];
    for (let y = scaled(top); y < scaled(bottom); y++) {
      const row = source.subarray(sourceOffset + y * side + first, sourceOffset + y * side + last);
      target.set(row, targetOffset + y * side + first);
    }
  };
  for (let start = 0; start < 3 * size * size; start += size * size) {
    copy(from.images, from.imageOffset + start, to.images, to.imageOffset + start, size);
  }
  copy(from.labels, from.labelOffset, to.labels, to.labelOffset, labelSize);
}
