import { runSteps, type Steps } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';
import type { Photo } from './image.ts';
import { denormalizePhoto, type Normalization, normalizePhoto } from './normalization.ts';
import { resizePhotoSteps } from './resize.ts';

/** How a photo is brought to a square, by name; what exports it or tells of it has an entry for each. */
export const resizeRules = ['stretch-area-bilinear'] as const;

/**
 * `stretch-area-bilinear`: each side by itself, so that a photo which is not square is stretched; area means along a side
 * that shrinks, bilinear with half-pixel centres along one that grows, rounded to bytes, halves up (`resizePhoto`).
 */
export type ResizeRule = (typeof resizeRules)[number];

/** What a network expects of its input, whatever the size. */
export interface PreprocessingRules extends Normalization {
  readonly resize: ResizeRule;
}

/** All that turns a photo into the input of a network. It belongs to the weights: with another one they are worth nothing. */
export interface Preprocessing extends PreprocessingRules {
  /** Side in pixels of the square that the network is given. */
  readonly size: number;
}

/**
 * What networks without a preference of their own are trained with: centred, with about unit spread. Weights files of version 1
 * stand for these rules without naming them, so they stay as they are.
 */
export const defaultPreprocessing: PreprocessingRules = {
  resize: 'stretch-area-bilinear',
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
};

const smallestNetworkSide = 32;

/** Side in pixels of the largest square that a network is given. */
export const largestNetworkSide = 4096;

/** Networks that were trained on 0 to 255 have a std of 1/255; what is further out is no statistic of photos. */
const ranges = { mean: [-10, 10], std: [0.001, 10] } as const;

const resizers: Readonly<Record<ResizeRule, (photo: Photo, size: number) => Steps<Photo>>> = {
  'stretch-area-bilinear': (photo, size) => resizePhotoSteps(photo, size, size),
};

/**
 * A photo of any size as the network takes it: planar 3×size×size floats.
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

/** The square that an input of 3×size×size floats shows, for people: normalisation is taken back, resizing is not. */
export function inputToPhoto(input: Float32Array, preprocessing: Preprocessing): Photo {
  const { size } = preprocessing;
  return denormalizePhoto(input, { width: size, height: size }, preprocessing);
}

/**
 * Checks a preprocessing that was read from somewhere.
 *
 * @param name what it was read from, for errors
 * @throws FaceparseError that names the setting, its value and what it may be
 */
export function checkPreprocessing(
  candidate: Readonly<Record<keyof Preprocessing, unknown>>,
  name: string,
): Preprocessing {
  const { size, resize } = candidate;
  if (!Number.isInteger(size) || !isWithin(size, [smallestNetworkSide, largestNetworkSide])) {
    throw new FaceparseError(
      `${name} gives a size of ${show(size)}, but must give a whole number of pixels from ${smallestNetworkSide} to ` +
        `${largestNetworkSide}; it may be damaged.`,
    );
  }
  const rule = resizeRules.find((known) => known === resize);
  if (!rule) {
    throw new FaceparseError(
      `${name} wants photos resized by the rule ${show(resize)}, but this faceparse has only ${resizeRules.join(', ')}; ` +
        'a newer one may be needed.',
    );
  }
  const [mean, std] = (['mean', 'std'] as const).map((key) => {
    const values = candidate[key];
    if (isTriple(values) && values.every((value) => isWithin(value, ranges[key]))) return values;
    const [from, to] = ranges[key];
    throw new FaceparseError(
      `${name} gives a ${key} of ${show(values)}, but must give three numbers from ${from} to ${to}, for red, green and blue; ` +
        'it may be damaged.',
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

/** What was given, in a few characters of one line. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
