import { encodePng } from '../../formats/png/png-encoder.ts';
import type { RgbaImage } from '../../image/cut-out.ts';
import type { LabelMap } from '../../image/image.ts';
import { type ClassChoice, findClasses } from '../../labels/find-class.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { runInSlices, type Steps } from '../../scheduling/steps.ts';
import { checkOptions } from '../../text/check-options.ts';
import type { FaceGrid } from '../faces/face-grid.ts';
import type { ClassScores } from '../grid/grid-classes.ts';
import { classConfidenceSteps, probabilitySteps } from '../grid/probabilities.ts';
import type { AlphaMask, MaskOptions } from './alpha-mask.ts';
import type { ClassArea } from './class-areas.ts';
import { hardMaskSteps, softMaskSteps } from './masks.ts';
import { ParsedFace } from './parsed-face.ts';
import { type ProbabilityBand, ProbabilityBands } from './probability-bands.ts';
import { FacesField, type ScoreField, WholeField } from './score-field.ts';

/** Parsing time in milliseconds, excluding the wait for earlier images. */
export interface ParseTiming {
  /** Decoding the file, or converting pixels to RGB. */
  readonly decode: number;
  /** Finding faces; 0 if the photo was parsed as a whole on request. */
  readonly detect: number;
  readonly preprocess: number;
  readonly network: number;
  readonly postprocess: number;
  /** The sum of the parts. */
  readonly total: number;
}

/** One class of an image, in the form of an image-segmentation pipeline. */
export interface Segment {
  readonly label: string;
  /** Mean probability of the class over its region, 0 to 1. */
  readonly score: number;
  readonly mask: AlphaMask;
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

/** A face and its labels, before its result has been made. */
export type FaceParts = Omit<ParsedFace, 'labelMap' | 'mask'>;

export interface ResultParts extends Pick<ParseResult, 'width' | 'height' | 'labels' | 'areas' | 'scores' | 'timing'> {
  readonly faces?: readonly FaceParts[];
  /** The grids of the faces, and which pixels are theirs, unless the photo was parsed as a whole. */
  readonly composed?: { readonly grids: readonly FaceGrid[]; readonly owners: Uint8Array };
}

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
  /** The faces that were found, the most prominent first; empty if none was, or none was looked for (`faces: 'whole'`). */
  readonly faces: readonly ParsedFace[];
  /**
   * Scores C×h×w on the network's grid: logits, or logarithms of averaged probabilities. Softmax gives probabilities. The grid
   * of a letterboxed photo has no padding; its `region` then says which part of it the photo spans. Undefined if the faces were
   * parsed one by one: each has scores of its own.
   */
  readonly scores: ClassScores | undefined;
  readonly timing: ParseTiming;
  readonly #labelSet: LabelSet;
  readonly #composed: ResultParts['composed'];
  #probabilities: Promise<Float32Array[]> | undefined;

  /** @internal Results come from `FaceParser.parse`. */
  constructor({ width, height, labels, areas, scores, timing, faces = [], composed }: ResultParts, labelSet: LabelSet) {
    this.width = width;
    this.height = height;
    this.labels = labels;
    this.areas = areas;
    this.scores = scores;
    this.timing = timing;
    this.#labelSet = labelSet;
    this.#composed = composed;
    this.faces = faces.map(
      (parts, index) => new ParsedFace(parts, (classes, soft) => this.maskOf(this.idsOf(classes), soft, index)),
    );
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
  async mask(classes: ClassChoice, options: MaskOptions = {}): Promise<AlphaMask> {
    checkOptions(options, ['soft'], 'mask');
    return this.maskOf(findClasses(this.#labelSet, classes), options.soft ?? true);
  }

  /**
   * Every class that occurs, largest first, as `{ label, score, mask }`, like transformers.js. Masks are hard by default. Each
   * takes one byte per pixel.
   */
  async segments(options: MaskOptions = {}): Promise<Segment[]> {
    checkOptions(options, ['soft'], 'segments');
    const { soft = false } = options;
    const confidence = await runInSlices(classConfidenceSteps(await this.probabilities(), this.field().grids));
    const segments: Segment[] = [];
    for (const { id, name } of this.areas) {
      // Without any face, all is background, for certain.
      segments.push({ label: name, score: confidence[id] ?? 1, mask: await this.mask(id, { soft }) });
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
    const bands = new ProbabilityBands(this.field(), this.#labelSet.classes.length, this.width);
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

  /** @param face index of the face whose pixels alone count */
  private async maskOf(ids: readonly number[], soft: boolean, face?: number): Promise<AlphaMask> {
    const { width, height } = this;
    const owners = this.#composed?.owners;
    const owned = owners && face !== undefined ? { owners, index: face } : undefined;
    const data = soft
      ? await runInSlices(softMaskSteps(await this.probabilities(), this.field(face), ids, this))
      : await runInSlices(hardMaskSteps(this.labels, ids, this, owned));
    return { width, height, channels: 1, data };
  }

  private idsOf(classes: ClassChoice | undefined): number[] {
    if (classes !== undefined) return findClasses(this.#labelSet, classes);
    return this.#labelSet.classes.map(({ id }) => id).filter((id) => id !== 0);
  }

  private field(face?: number): ScoreField {
    if (this.scores) return new WholeField(this.scores, this);
    const { grids, owners } = this.#composed ?? { grids: [], owners: new Uint8Array(this.width * this.height) };
    return new FacesField(grids, owners, this.width, face);
  }

  private probabilities(): Promise<Float32Array[]> {
    this.#probabilities ??= Promise.all(this.field().grids.map((grid) => runInSlices(probabilitySteps(grid))));
    return this.#probabilities;
  }
}

function* coloredSteps({ width, height, data }: LabelMap, colors: Uint32Array): Steps<Uint8ClampedArray<ArrayBuffer>> {
  const pixels = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let i = y * width; i < (y + 1) * width; i++) pixels[i] = colors[data[i]];
    yield;
  }
  return new Uint8ClampedArray(pixels.buffer);
}
