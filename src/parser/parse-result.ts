import { encodePng } from '../formats/png/png-encoder.ts';
import type { RgbaImage } from '../image/cut-out.ts';
import type { LabelMap } from '../image/image.ts';
import { findClasses } from '../labels/find-class.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { runInSlices, type Steps } from '../scheduling/steps.ts';
import { checkOptions } from '../text/check-options.ts';
import type { ClassScores } from './grid-classes.ts';
import { type Grid, pixelGrid } from './grid-taps.ts';
import { classConfidenceSteps, probabilitySteps } from './probabilities.ts';
import { type ProbabilityBand, ProbabilityBands } from './probability-bands.ts';
import { RowUpsampler } from './row-upsampler.ts';

/** How much of an image one class covers. */
export interface ClassArea {
  readonly id: number;
  readonly name: string;
  readonly pixels: number;
  /** Fraction of the whole image, 0 to 1. */
  readonly share: number;
}

/** Parsing time in milliseconds, excluding the wait for earlier images. */
export interface ParseTiming {
  /** Decoding the file, or converting pixels to RGB. */
  readonly decode: number;
  readonly preprocess: number;
  readonly network: number;
  readonly postprocess: number;
  /** The sum of the parts. */
  readonly total: number;
}

/** An 8-bit mask, H×W: 0 outside, 255 inside. */
export interface AlphaMask {
  readonly width: number;
  readonly height: number;
  readonly channels: 1;
  readonly data: Uint8Array;
}

/** One class of an image, in the form of an image-segmentation pipeline. */
export interface Segment {
  readonly label: string;
  /** Mean probability of the class over its region, 0 to 1. */
  readonly score: number;
  readonly mask: AlphaMask;
}

/** Options of a mask. */
export interface MaskOptions {
  /**
   * Whether values from 0 to 255 express probability, for blending along hair and borders. Otherwise a pixel is 255 if its
   * label is one of the classes, else 0.
   */
  readonly soft?: boolean;
}

/** Options of probability bands. */
export interface BandOptions {
  /** Rows per band; default 16. */
  readonly rows?: number;
}

/** Options for colouring labels. */
export interface ColorOptions {
  /** Opacity of the classes, 0 to 1; default 1. */
  readonly opacity?: number;
  /** Whether background (id 0) is transparent; default true. */
  readonly transparentBackground?: boolean;
}

type ResultParts = Pick<ParseResult, 'width' | 'height' | 'labels' | 'areas' | 'scores' | 'timing'>;

/**
 * The result of parsing one image. Methods that create images are asynchronous and do not block the thread.
 *
 * @example
 * const result = await parser.parse('photo.jpg');
 * const hair = await result.mask('hair'); // soft, 0 to 255
 * const lips = await result.mask(['u_lip', 'l_lip'], { soft: false });
 * await writeFile('labels.png', await result.toPng());
 */
export class ParseResult {
  readonly width: number;
  readonly height: number;
  /** One class id per pixel, H×W at the size of the image. */
  readonly labels: Uint8Array;
  /** The classes that occur, largest first. */
  readonly areas: readonly ClassArea[];
  /**
   * Scores C×h×w on the network's grid: logits, or logarithms of averaged probabilities. Softmax gives probabilities. The grid
   * of a letterboxed photo has no padding; its `region` then says which part of it the photo spans.
   */
  readonly scores: ClassScores;
  readonly timing: ParseTiming;
  readonly #labelSet: LabelSet;
  #probabilities: Promise<Float32Array> | undefined;

  /** @internal Results come from `FaceParser.parse`. */
  constructor({ width, height, labels, areas, scores, timing }: ResultParts, labelSet: LabelSet) {
    this.width = width;
    this.height = height;
    this.labels = labels;
    this.areas = areas;
    this.scores = scores;
    this.timing = timing;
    this.#labelSet = labelSet;
  }

  /** The labels as a label map, for `blendOverlay`, `colorize` and `encodeLabelPng`. */
  get labelMap(): LabelMap {
    return { width: this.width, height: this.height, data: this.labels };
  }

  /**
   * The mask of one class or the union of several; soft by default.
   *
   * Soft values are probabilities on the network's grid, summed over the classes and upsampled bilinearly.
   *
   * @param classes names or ids; a class that does not occur gives an empty mask
   * @throws FaceparseError (exit code 2) for a class outside the label set
   */
  async mask(classes: string | number | readonly (string | number)[], options: MaskOptions = {}): Promise<AlphaMask> {
    checkOptions(options, ['soft'], 'mask');
    const { soft = true } = options;
    const ids = findClasses(this.#labelSet, classes);
    const data = await (soft ? this.softMask(ids) : runInSlices(hardMaskSteps(this.labelMap, ids)));
    return { width: this.width, height: this.height, channels: 1, data };
  }

  /**
   * Every class that occurs, largest first, as `{ label, score, mask }`, like transformers.js. Masks are hard by default. Each
   * takes one byte per pixel.
   */
  async segments(options: MaskOptions = {}): Promise<Segment[]> {
    checkOptions(options, ['soft'], 'segments');
    const { soft = false } = options;
    const confidence = await runInSlices(classConfidenceSteps(await this.probabilities(), this.scores.shape));
    const segments: Segment[] = [];
    for (const { id, name } of this.areas) {
      segments.push({ label: name, score: confidence[id], mask: await this.mask(id, { soft }) });
    }
    return segments;
  }

  /**
   * The probabilities of all classes at the size of the labels, in bands of consecutive rows. No class is more probable
   * than the label. All bands together would be 76 bytes per pixel for 19 classes.
   *
   * @param options `rows` per band; the last band may have fewer
   * @throws RangeError if `rows` is not a positive integer
   * @example
   * for await (const { y, rows, data } of result.probabilityBands()) {
   *   const hair = data.subarray(13 * rows * result.width, 14 * rows * result.width); // rows y to y + rows
   * }
   */
  async *probabilityBands(options: BandOptions = {}): AsyncGenerator<ProbabilityBand, void> {
    checkOptions(options, ['rows'], 'probabilityBands');
    const { rows = 16 } = options;
    if (!(Number.isInteger(rows) && rows >= 1)) throw new RangeError(`rows is ${rows}, but must be a positive integer`);
    const bands = new ProbabilityBands(this.scores, this.width, this.height);
    for (let y = 0; y < this.height; y += rows) yield runInSlices(bands.steps(y, Math.min(rows, this.height - y)));
  }

  /** The labels in the colours of the label set, for drawing over the image. */
  async toRgba(options: ColorOptions = {}): Promise<RgbaImage> {
    checkOptions(options, ['opacity', 'transparentBackground'], 'toRgba');
    const { opacity = 1, transparentBackground = true } = options;
    if (!(opacity >= 0 && opacity <= 1)) throw new RangeError(`opacity is ${opacity}, but must be from 0 to 1`);
    const colors = new Uint32Array(256);
    const bytes = new Uint8Array(colors.buffer);
    for (const { id, color } of this.#labelSet.classes) {
      const alpha = id === 0 && transparentBackground ? 0 : Math.round(opacity * 255);
      bytes.set([...color, alpha], id * 4);
    }
    const data = await runInSlices(coloredSteps(this.labelMap, colors));
    return { width: this.width, height: this.height, channels: 4, data };
  }

  /** The bytes of an 8-bit palette PNG of the labels; palette indices are class ids. */
  toPng(): Promise<Uint8Array<ArrayBuffer>> {
    const palette = this.#labelSet.classes.map(({ color }) => color);
    return encodePng({ ...this.labelMap, channels: 1 }, { palette });
  }

  private async softMask(ids: readonly number[]): Promise<Uint8Array> {
    return runInSlices(softMaskSteps(await this.probabilities(), this.scores, ids, this));
  }

  private probabilities(): Promise<Float32Array> {
    this.#probabilities ??= runInSlices(probabilitySteps(this.scores));
    return this.#probabilities;
  }
}

function* hardMaskSteps({ width, height, data }: LabelMap, ids: readonly number[]): Steps<Uint8Array> {
  const values = new Uint8Array(256);
  for (const id of ids) values[id] = 255;
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let i = y * width; i < (y + 1) * width; i++) mask[i] = values[data[i]];
    yield;
  }
  return mask;
}

function* coloredSteps({ width, height, data }: LabelMap, colors: Uint32Array): Steps<Uint8ClampedArray<ArrayBuffer>> {
  const pixels = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let i = y * width; i < (y + 1) * width; i++) pixels[i] = colors[data[i]];
    yield;
  }
  return new Uint8ClampedArray(pixels.buffer);
}

function* softMaskSteps(
  probabilities: Float32Array,
  grid: Grid,
  ids: readonly number[],
  { width, height }: { readonly width: number; readonly height: number },
): Steps<Uint8Array> {
  const plane = grid.shape[1] * grid.shape[2];
  const sum = new Float32Array(plane);
  for (const id of ids) {
    for (let i = 0; i < plane; i++) sum[i] += probabilities[id * plane + i];
    yield;
  }
  const upsampler = new RowUpsampler(grid, pixelGrid(height, width));
  const row = new Float32Array(width);
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    upsampler.write(sum, 0, y, row);
    // Sums of probabilities may exceed 1 by rounding, by less than half a level.
    for (let x = 0; x < width; x++) mask[y * width + x] = row[x] * 255 + 0.5;
    yield;
  }
  return mask;
}
