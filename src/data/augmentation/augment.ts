import type { ColorMatrix } from '../../image/draw-boxes.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import type { Normalization } from '../../image/normalization.ts';
import { ignoreLabel } from '../../labels/label-set.ts';
import type { Random } from '../../random/random.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type CopyPasteOptions, checkCopyPaste } from './copy-paste-rules.ts';
import { jpegPlanes } from './jpeg-artefacts.ts';
import { type AugmentationKernels, plainKernels } from './kernels.ts';
import { colorMatrix } from './photometric.ts';
import { fillSurroundings } from './surroundings.ts';
import type { Warp } from './warp.ts';

/** Augmentation of a training pair; a strength of 0 disables it. */
export interface AugmentationOptions {
  /** Probability of a horizontal flip. */
  readonly flip: number;
  /** Whether a flip also swaps left and right ids; false only for ablations. */
  readonly flipSwap: boolean;
  /** Maximum rotation to either side in degrees, uniform. */
  readonly rotation: number;
  /** Zoom by a factor of e^−s to e^+s, uniform in the exponent, so enlarging and shrinking are equally likely. */
  readonly scale: number;
  /** Further shrinking by a factor down to e^−s, uniform in the exponent: faces that are smaller than the frame. */
  readonly shrink: number;
  /** Maximum shift in each direction as a fraction of the side, uniform. */
  readonly shift: number;
  /** Factor on all values, from 1 − b to 1 + b. */
  readonly brightness: number;
  /** Factor on the distance to mid-grey, from 1 − c to 1 + c. */
  readonly contrast: number;
  /** Factor on the distance to the pixel's own grey, from 1 − s to 1 + s. */
  readonly saturation: number;
  /** Probability of converting the photo to greyscale. */
  readonly grayscale: number;
  /** Probability of a Gaussian blur with a sigma of 0.4 to 1.2 output pixels. */
  readonly blur: number;
  /** Probability of JPEG artefacts at a quality of 20 to 80. */
  readonly jpeg: number;
  /** Maximum standard deviation of the pixel noise, as a fraction of the range (0.02 is 5 of 255), uniform from 0. */
  readonly noise: number;
  /** Probability that a rectangle of 10 % to 40 % of the area shows another augmented pair. Applied by `BatchFiller`. */
  readonly cutMix: number;
  /** Pasting of classes from other pairs, before any other augmentation. Applied by `BatchFiller`. */
  readonly copyPaste: CopyPasteOptions;
  /**
   * What is outside the source image. `ignore`: the photo repeats its border; the true class is unknown, so the loss ignores it.
   * `texture`: random textures, labelled as background.
   */
  readonly outside: 'ignore' | 'texture';
}

/** No augmentation. */
export const noAugmentation: AugmentationOptions = {
  flip: 0,
  flipSwap: true,
  rotation: 0,
  scale: 0,
  shrink: 0,
  shift: 0,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  grayscale: 0,
  blur: 0,
  jpeg: 0,
  noise: 0,
  cutMix: 0,
  copyPaste: { probability: 0, classes: ['hat', 'eye_g', 'ear_r', 'neck_l'] },
  outside: 'ignore',
};

/** The maximum of each strength. */
const limits = {
  flip: 1,
  rotation: 180,
  scale: 2,
  shrink: 2,
  shift: 1,
  brightness: 1,
  contrast: 1,
  saturation: 1,
  grayscale: 1,
  blur: 1,
  jpeg: 1,
  noise: 1,
  cutMix: 1,
} as const;

/** One draw of the options: the augmentation of one pair. */
export interface Augmentation {
  readonly warp: Warp;
  /** Absent if the colours do not change. */
  readonly color?: ColorMatrix;
  /** Sigma of the blur in output pixels, 0 for none. */
  readonly blur: number;
  /** JPEG quality of the artefacts, 0 for none. */
  readonly jpeg: number;
  /** Standard deviation of the noise as a fraction of the range, 0 for none. */
  readonly noise: number;
}

/** Settings of `augmentPair`. */
export interface AugmentationSettings {
  /** Side of the output photo in pixels. */
  readonly size: number;
  /** Side of the output labels in pixels, such as `size / 2` for a network whose logits have stride 2. */
  readonly labelSize: number;
  readonly options: AugmentationOptions;
  /** 256 entries, id → id in the flipped image (`mirrorTable`). */
  readonly mirror: Uint8Array;
  readonly normalization: Normalization;
  /** Implementation of the pixel operations; the results do not depend on it. Default: `plainKernels`. */
  readonly operations?: AugmentationKernels;
}

/** The destination of one pair inside the arrays of a batch. */
export interface AugmentationTarget {
  /** 3×size×size planar floats from `imageOffset` on. */
  readonly images: Float32Array;
  readonly imageOffset: number;
  /** labelSize×labelSize ids from `labelOffset` on. */
  readonly labels: Int32Array | Uint8Array;
  readonly labelOffset: number;
}

/**
 * Fills in missing options with "off" and checks the rest.
 *
 * @throws FaceparseError that names the option, its value and its range
 */
export function resolveAugmentation(options: Partial<AugmentationOptions> = {}): AugmentationOptions {
  const resolved = { ...noAugmentation, ...options };
  for (const [name, limit] of Object.entries(limits) as [keyof typeof limits, number][]) {
    const value = resolved[name];
    if (!(value >= 0 && value <= limit)) {
      throw new FaceparseError(`Augmentation "${name}" is ${value}; it must be from 0 (off) to ${limit}.`);
    }
  }
  if (resolved.outside !== 'ignore' && resolved.outside !== 'texture') {
    throw new FaceparseError(`Augmentation "outside" is ${resolved.outside}; it must be "ignore" or "texture".`);
  }
  checkCopyPaste(resolved.copyPaste);
  return resolved;
}

/**
 * Draws the augmentation of one pair.
 *
 * Every option takes its draws even if it is off, so enabling one does not change the others.
 */
export function drawAugmentation(options: AugmentationOptions, random: Random): Augmentation {
  const around = (strength: number) => random.uniform(-strength, strength);
  const mirrored = random.chance(options.flip);
  const rotation = around(options.rotation);
  const scaled = around(options.scale);
  const shiftX = around(options.shift);
  const shiftY = around(options.shift);
  const brightness = 1 + around(options.brightness);
  const contrast = 1 + around(options.contrast);
  const saturation = 1 + around(options.saturation);
  const gray = random.chance(options.grayscale);
  const blurred = random.chance(options.blur);
  const sigma = random.uniform(0.4, 1.2);
  const noise = random.uniform(0, options.noise);
  // A separate generator: the noise, drawn later, is the same as before JPEG existed.
  const jpegRandom = random.fork('jpeg');
  const compressed = jpegRandom.chance(options.jpeg);
  const quality = jpegRandom.uniform(20, 80);
  const scale = Math.exp(scaled - random.fork('shrink').uniform(0, options.shrink));
  return {
    warp: { rotation, scale, shiftX, shiftY, mirrored },
    color: colorMatrix(brightness, contrast, gray ? 0 : saturation),
    blur: blurred ? sigma : 0,
    jpeg: compressed ? quality : 0,
    noise,
  };
}

/**
 * Turns one training pair into a network input with labels, augmented at random according to the options.
 *
 * Rotation, scale, shift, flip and the resize to the output are a single warp. The photo is sampled once (bilinear, border
 * repeated; exact box means when shrinking by whole numbers). Labels are sampled at the centres of the label pixels
 * (nearest). The output is square; other images are stretched.
 *
 * @param photo H×W×3, any size
 * @param labels H×W ids, any size, covering the same scene as the photo
 * @param target receives the photo as 3×size×size, `(value / 255 − mean) / std`, and labelSize×labelSize ids,
 *   which are ids of the source, their mirrored ids, 0 or 255 (see `outside`)
 * @returns the augmentation drawn
 *
 * @example
 * const settings = { size: 256, labelSize: 128, options, mirror: mirrorTable(celebamask19), normalization };
 * augmentPair(photo, labels, settings, random, { images, imageOffset: 0, labels: ids, labelOffset: 0 });
 */
export function augmentPair(
  photo: Photo,
  labels: LabelMap,
  settings: AugmentationSettings,
  random: Random,
  target: AugmentationTarget,
): Augmentation {
  const augmentation = drawAugmentation(settings.options, random);
  applyAugmentation(photo, labels, augmentation, settings, random, target);
  return augmentation;
}

/** The second half of `augmentPair`: applies a drawn augmentation. `random` provides the noise. */
export function applyAugmentation(
  photo: Photo,
  labels: LabelMap,
  augmentation: Augmentation,
  settings: AugmentationSettings,
  random: Random,
  target: AugmentationTarget,
): void {
  const { size, labelSize, options, normalization, operations = plainKernels } = settings;
  const { warp, color, blur, jpeg, noise } = augmentation;
  checkRoom('images', target.images.length, target.imageOffset, 3 * size * size);
  checkRoom('labels', target.labels.length, target.labelOffset, labelSize * labelSize);

  const { mean, std } = normalization;
  const gain = [1 / (255 * std[0]), 1 / (255 * std[1]), 1 / (255 * std[2])] as const;
  const bias = [-mean[0] / std[0], -mean[1] / std[1], -mean[2] / std[2]] as const;
  operations.warpPhoto(photo, warp, { matrix: color, gain, bias }, size, target.images, target.imageOffset);
  if (options.outside === 'texture') {
    const covered = { width: photo.width, height: photo.height, warp };
    fillSurroundings(covered, normalization, size, target.images, target.imageOffset, random.fork('surroundings'));
  }
  if (blur > 0) operations.blurPlanes(target.images, target.imageOffset, size, blur);
  if (jpeg > 0) jpegPlanes(target.images, target.imageOffset, size, jpeg, normalization);
  if (noise > 0) {
    const sigmas = [noise / std[0], noise / std[1], noise / std[2]] as const;
    operations.addNoise(target.images, target.imageOffset, size, sigmas, random);
  }

  const relabel = warp.mirrored && options.flipSwap ? settings.mirror : unchangedLabels;
  const outside = options.outside === 'ignore' ? ignoreLabel : 0;
  operations.warpLabels(labels, warp, relabel, outside, labelSize, target.labels, target.labelOffset);
}

const unchangedLabels = Uint8Array.from({ length: 256 }, (_, id) => id);

function checkRoom(what: string, length: number, offset: number, needed: number): void {
  if (offset >= 0 && offset + needed <= length) return;
  throw new RangeError(`The ${what} array has ${length} elements; writing ${needed} from ${offset} on does not fit.`);
}
