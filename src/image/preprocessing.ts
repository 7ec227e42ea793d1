import { runSteps, type Steps } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';
import type { LabelMap, Photo } from './image.ts';
import { type Box, type Extents, letterboxLabels, letterboxOf, letterboxPhotoSteps } from './letterbox.ts';
import { denormalizePhoto, type Normalization, normalizePhoto } from './normalization.ts';
import { resizeLabels, resizePhotoSteps } from './resize.ts';

/** Rules for resizing a photo to a square, by name. Exports and descriptions have an entry for each. */
export const resizeRules = ['stretch-area-bilinear', 'letterbox-area-bilinear'] as const;

/**
 * `stretch-area-bilinear` resizes each axis independently, so non-square photos are stretched. Axes that shrink use area
 * averaging, axes that grow bilinear interpolation with half-pixel centres; results round to bytes, halves up (`resizePhoto`).
 *
 * `letterbox-area-bilinear` keeps the aspect ratio: the longer side fills the square, and equal margins of mid-grey (128) are
 * added along the other (`letterboxOf`). Square photos are the same under both rules.
 */
export type ResizeRule = (typeof resizeRules)[number];

/** The rules by their names in a configuration (`data.resize`). */
export const resizeRuleOf = { stretch: 'stretch-area-bilinear', letterbox: 'letterbox-area-bilinear' } as const;

/** What a network expects of its input, regardless of size. */
export interface PreprocessingRules extends Normalization {
  readonly resize: ResizeRule;
}

/** The conversion of a photo to a network input. It belongs to the weights, which work only with it. */
export interface Preprocessing extends PreprocessingRules {
  /** Side in pixels of the square network input. */
  readonly size: number;
}

/**
 * The default for networks: centred, with about unit standard deviation. Weights files of version 1 imply these rules, so
 * they must not change.
 */
export const defaultPreprocessing: PreprocessingRules = {
  resize: 'stretch-area-bilinear',
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
};

/** Minimum side of a network input in pixels. */
export const smallestNetworkSide = 32;

/** Maximum side of a network input in pixels. */
export const largestNetworkSide = 4096;

/** Networks trained on 0 to 255 have a std of 1/255; values outside these ranges cannot be statistics of photos. */
const ranges = { mean: [-10, 10], std: [0.001, 10] } as const;

const resizers: Readonly<Record<ResizeRule, (photo: Photo, size: number) => Steps<Photo>>> = {
  'stretch-area-bilinear': (photo, size) => resizePhotoSteps(photo, size, size),
  'letterbox-area-bilinear': letterboxPhotoSteps,
};

/** A photo as a size×size square. */
export function squarePhoto(photo: Photo, size: number, resize: ResizeRule): Photo {
  return runSteps(resizers[resize](photo, size));
}

/**
 * Labels as a size×size square, by nearest neighbour; the padding of a letterbox is 255 (ignored).
 *
 * @param shape size of the photo, if the labels may have another one
 */
export function squareLabels(map: LabelMap, size: number, resize: ResizeRule, shape: Extents = map): LabelMap {
  return resize === 'letterbox-area-bilinear' ? letterboxLabels(map, size, shape) : resizeLabels(map, size, size);
}

/** The part of a network input that shows the photo. */
export function contentBox(photo: Extents, { resize, size }: Pick<Preprocessing, 'resize' | 'size'>): Box {
  return resize === 'letterbox-area-bilinear' ? letterboxOf(photo, size) : { x: 0, y: 0, width: size, height: size };
}

/**
 * Converts a photo of any size to a network input: planar 3×size×size floats.
 *
 * @example const { logits } = await program.run({ image: photoToInput(photo, weights.preprocessing) });
 */
export function photoToInput(photo: Photo, preprocessing: Preprocessing): Float32Array {
  return runSteps(photoToInputSteps(photo, preprocessing));
}

/** `photoToInput` in steps of one row. */
export function* photoToInputSteps(photo: Photo, preprocessing: Preprocessing): Steps<Float32Array> {
  const { size, resize } = preprocessing;
  const input = new Float32Array(3 * size * size);
  normalizePhoto(yield* resizers[resize](photo, size), preprocessing, input);
  return input;
}

/** Converts an input of 3×size×size floats back to an image for display. Only normalisation is inverted, not resizing. */
export function inputToPhoto(input: Float32Array, preprocessing: Preprocessing): Photo {
  const { size } = preprocessing;
  return denormalizePhoto(input, { width: size, height: size }, preprocessing);
}

/**
 * Checks a preprocessing read from a file.
 *
 * @param name source of the preprocessing, for errors
 * @param isOption whether a user gave it, so that no file is damaged and the exit code is 2
 * @throws FaceparseError that names the setting, its value and the accepted values
 */
export function checkPreprocessing(
  candidate: Readonly<Record<keyof Preprocessing, unknown>>,
  name: string,
  isOption = false,
): Preprocessing {
  const { size, resize } = candidate;
  const ending = isOption ? '' : '; it may be damaged.';
  const exit = isOption ? { exitCode: 2 as const } : {};
  if (!Number.isInteger(size) || !isWithin(size, [smallestNetworkSide, largestNetworkSide])) {
    throw new FaceparseError(
      `${name} has a size of ${show(size)}, but it must be a whole number of pixels from ${smallestNetworkSide} to ` +
        `${largestNetworkSide}${ending}`,
      exit,
    );
  }
  const rule = resizeRules.find((known) => known === resize);
  if (!rule) {
    throw new FaceparseError(
      `${name} requires the resize rule ${show(resize)}, but this version supports only ${resizeRules.join(', ')}; ` +
        'a newer version may be needed.',
    );
  }
  const [mean, std] = (['mean', 'std'] as const).map((key) => {
    const values = candidate[key];
    if (isTriple(values) && values.every((value) => isWithin(value, ranges[key]))) return values;
    const [from, to] = ranges[key];
    throw new FaceparseError(
      `${name} has a ${key} of ${show(values)}, but it must be three numbers from ${from} to ${to}, for red, green and blue${ending}`,
      exit,
    );
  });
  return { size, resize: rule, mean, std };
}

function isWithin(value: unknown, [from, to]: readonly [number, number]): value is number {
  // NaN is in no range.
  return typeof value === 'number' && value >= from && value <= to;
}

function isTriple(values: unknown): values is [number, number, number] {
  return Array.isArray(values) && values.length === 3;
}

/** A value as short text on one line. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
