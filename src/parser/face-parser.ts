/// <reference lib="esnext.disposable" preserve="true" />
import type { Engine } from '../engine/engine.ts';
import type { Photo } from '../image/image.ts';
import { unusableImage } from '../image/image-input.ts';
import { contentBox, photoToInputSteps } from '../image/preprocessing.ts';
import { isRawImage, type RawImage, rawToPhotoSteps } from '../image/raw-image.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { mirrorTable } from '../labels/mirror.ts';
import { getLabelSet } from '../labels/registry.ts';
import type { Weights } from '../models/weights-file.ts';
import { abortable, isAbortSignal } from '../scheduling/abortable.ts';
import { Pipeline } from '../scheduling/pipeline.ts';
import { runInSlices } from '../scheduling/steps.ts';
import { checkOptions } from '../text/check-options.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { upsampledArgmaxSteps } from './argmax.ts';
import { type Averaging, checkAveraging, mirrorInPlace, ProbabilityAverage } from './averaging.ts';
import type { ClassScores } from './grid-classes.ts';
import { cropGrid, cropScores } from './grid-taps.ts';
import { type ClassArea, ParseResult, type ParseTiming } from './parse-result.ts';
import { SizedNetwork } from './sized-network.ts';

/** Options of a parser. */
export interface FaceParserOptions {
  /** Name of the weights in errors; default "the weights". */
  readonly name?: string;
  /** Views of each image to average over; default: the image alone. */
  readonly averaging?: Averaging;
}

/** Options of one call to `parse`. */
export interface ParseOptions {
  /**
   * Longest side of the labels in pixels; larger images get smaller labels of the same aspect ratio. The network sees the
   * whole image either way. Default: the size of the image.
   */
  readonly maxSide?: number;
  /** Rejects the call when aborted, also while it waits or its image is received. */
  readonly signal?: AbortSignal;
}

/** The parts of a parser. */
export interface ParserParts {
  readonly weights: Weights;
  readonly engine: Engine;
  readonly labelSet: LabelSet;
  readonly networks: readonly SizedNetwork[];
  readonly flip: boolean;
  readonly notices?: readonly string[];
}

/** Milliseconds spent so far in the parts of one call. */
type Spent = { -readonly [part in Exclude<keyof ParseTiming, 'total'>]: number };

/** A preprocessed image. */
interface Prepared {
  readonly width: number;
  readonly height: number;
  /** One input per network, 3×side×side. */
  readonly inputs: readonly Float32Array[];
  readonly spent: Spent;
}

/**
 * Compiles the networks of a parser.
 *
 * @throws FaceparseError if the weights do not match their network, or a scale is not supported
 */
export async function prepareParser(
  weights: Weights,
  engine: Engine,
  { name = 'the weights', averaging }: FaceParserOptions = {},
): Promise<ParserParts> {
  if (averaging !== undefined) checkAveraging(averaging);
  const labelSet = getLabelSet(weights.labels);
  const networks = await SizedNetwork.compileAll(weights, engine, { name, scales: averaging?.scales ?? [] });
  return { weights, engine, labelSet, networks, flip: averaging?.flip ?? false };
}

/**
 * Parses faces with a trained network. Validation, evaluation, commands and pages all go through this class.
 *
 * An image is preprocessed as in training, to a square: stretched, or padded if the network was trained on letterboxed photos.
 * The logits, without those of padding, are upsampled to the size of the image before the best class is taken. With `averaging`, the mean probabilities of several views take their place.
 *
 * Calls run in order, at most two at a time. Work in JavaScript runs in slices of a few milliseconds, so the event loop is
 * not blocked.
 *
 * @example
 * const parser = await FaceParser.create(weights, engine);
 * const { labels, areas } = await parser.parse({ width, height, data });
 */
export class FaceParser<Source = RawImage> {
  readonly #networks: readonly SizedNetwork[];
  readonly #pipeline = new Pipeline();
  #disposal: Promise<void> | undefined;
  /** The weights of the parser. */
  readonly weights: Weights;
  readonly engine: Engine;
  readonly labelSet: LabelSet;
  /** Whether predictions are averaged over the mirrored image, too. */
  readonly flip: boolean;
  /**
   * What was read from weights of another program, and what was left out or assumed: a line each. Empty for weights of
   * faceparse.
   */
  readonly notices: readonly string[];

  /** @internal Use `create`, or `load` of `faceparse/node` and `faceparse/browser`. */
  protected constructor({ weights, engine, labelSet, networks, flip, notices = [] }: ParserParts) {
    this.weights = weights;
    this.engine = engine;
    this.labelSet = labelSet;
    this.flip = flip;
    this.notices = notices;
    this.#networks = networks;
  }

  /**
   * Creates a parser of decoded images.
   *
   * @throws FaceparseError if the weights do not match their network, or a scale is not supported
   */
  static async create(weights: Weights, engine: Engine, options: FaceParserOptions = {}): Promise<FaceParser> {
    checkParts(weights, engine);
    checkOptions(options, ['name', 'averaging'], 'FaceParser.create');
    return new FaceParser(await prepareParser(weights, engine, options));
  }

  /** Sides in pixels of the network inputs, ascending. */
  get sides(): readonly number[] {
    return this.#networks.map(({ preprocessing }) => preprocessing.size);
  }

  /**
   * Parses one image of any size.
   *
   * @param image pixels; do not change them before the promise resolves
   * @throws FaceparseError for an unusable image, invalid options, or a disposed parser
   */
  parse(image: Source, options: ParseOptions = {}): Promise<ParseResult> {
    if (this.#disposal) return Promise.reject(disposed());
    let received: unknown;
    try {
      checkParseOptions(options);
      // Before a stream or a download is started.
      options.signal?.throwIfAborted();
      received = this.receive(image);
    } catch (error) {
      return Promise.reject(error);
    }
    const result =
      // A promise that was given in place of an image is refused later.
      received instanceof Promise && received !== image
        ? received.then((whole) => this.enqueue(whole, options))
        : this.enqueue(received, options);
    return options.signal ? abortable(result, options.signal) : result;
  }

  private enqueue(image: unknown, options: ParseOptions): Promise<ParseResult> {
    if (this.#disposal) return Promise.reject(disposed());
    return this.#pipeline.run(
      () => this.prepare(image, options),
      (prepared) => this.finish(prepared, options),
    );
  }

  /**
   * Waits for pending calls, then frees the engine's memory. Calls that are still receiving their image (a stream, Blob or URL)
   * are rejected.
   */
  dispose(): Promise<void> {
    this.#disposal ??= this.#pipeline.idle.then(async () => {
      await Promise.all(this.#networks.map((network) => network.dispose()));
    });
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /**
   * Receives an image that arrives bit by bit. This happens before the call is queued, so a slow upload delays no other image;
   * overridden in environments that have streams.
   */
  protected receive(image: Source): unknown {
    return image;
  }

  /**
   * Converts an image to upright RGB; overridden in environments that can decode files.
   *
   * @param image what `receive` returned
   */
  protected async decode(image: unknown): Promise<Photo> {
    if (isRawImage(image)) return runInSlices(rawToPhotoSteps(image));
    throw unusableImage(image, '{ width, height, data } with RGB or RGBA bytes');
  }

  private async prepare(image: unknown, { signal }: ParseOptions): Promise<Prepared> {
    signal?.throwIfAborted();
    const spent: Spent = { decode: 0, preprocess: 0, network: 0, postprocess: 0 };
    const photo = await timed(spent, 'decode', () => this.decode(image));
    const inputs: Float32Array[] = [];
    for (const { preprocessing } of this.#networks) {
      inputs.push(await timed(spent, 'preprocess', () => runInSlices(photoToInputSteps(photo, preprocessing))));
    }
    return { width: photo.width, height: photo.height, inputs, spent };
  }

  private async finish(prepared: Prepared, { maxSide, signal }: ParseOptions): Promise<ParseResult> {
    signal?.throwIfAborted();
    const { spent } = prepared;
    const scores = await this.score(prepared);
    const { width, height } = labelSize(prepared, maxSide);
    const { labels, areas } = await timed(spent, 'postprocess', async () => {
      const { data, pixels } = await runInSlices(upsampledArgmaxSteps(scores, height, width));
      return { labels: data, areas: classAreas(pixels, this.labelSet) };
    });
    const timing = { ...spent, total: spent.decode + spent.preprocess + spent.network + spent.postprocess };
    return new ParseResult({ width, height, labels, areas, scores, timing }, this.labelSet);
  }

  /** Class scores of an image: logits, or logarithms of averaged probabilities. */
  private async score({ width, height, inputs, spent }: Prepared): Promise<ClassScores> {
    const networks = this.#networks;
    const run = async (index: number) => {
      const { preprocessing } = networks[index];
      const scores = await timed(spent, 'network', () => networks[index].run(inputs[index]));
      // Margins are equal on opposite sides, so this is right for mirrored views, too.
      return cropScores(scores, contentBox({ width, height }, preprocessing), preprocessing.size);
    };
    if (networks.length === 1 && !this.flip) return run(0);
    const { shape, preprocessing: largest } = networks[networks.length - 1];
    const grid = cropGrid({ shape }, contentBox({ width, height }, largest), largest.size);
    const average = new ProbabilityAverage(grid, mirrorTable(this.labelSet));
    const add = (scores: ClassScores, mirrored: boolean) =>
      timed(spent, 'postprocess', () => runInSlices(average.add(scores, mirrored)));
    for (const [index, { preprocessing }] of networks.entries()) {
      await add(await run(index), false);
      if (!this.flip) continue;
      mirrorInPlace(inputs[index], preprocessing.size);
      await add(await run(index), true);
    }
    return timed(spent, 'postprocess', () => runInSlices(average.logProbabilities()));
  }
}

function disposed(): FaceparseError {
  return new FaceparseError('this parser has been disposed; create a new one to parse more images');
}

/** Checks the arguments of `create`, for callers without a type checker. */
function checkParts(weights: unknown, engine: unknown): void {
  const parts = [
    ['weights (from decodeWeights)', weights, 'states'],
    ['an engine (from selectEngine or createOnnxEngine)', engine, 'compile'],
  ] as const;
  for (const [wanted, value, property] of parts) {
    if (typeof value === 'object' && value !== null && property in value) continue;
    const hint = value instanceof Promise ? ' (await it first)' : '';
    throw new FaceparseError(`FaceParser.create takes ${wanted}, but got ${describeValue(value)}${hint}`, {
      exitCode: 2,
    });
  }
}

function checkParseOptions(options: ParseOptions): void {
  checkOptions(options, ['maxSide', 'signal'], 'parse');
  const { maxSide, signal } = options;
  if (maxSide !== undefined && !(Number.isInteger(maxSide) && maxSide >= 1)) {
    throw new FaceparseError(`maxSide is ${maxSide}, but must be a positive integer`, { exitCode: 2 });
  }
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw new FaceparseError(
      `signal is ${describeValue(signal)}, but must be an AbortSignal: the property signal of an AbortController`,
      { exitCode: 2 },
    );
  }
}

async function timed<T>(spent: Spent, part: keyof Spent, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  spent[part] += performance.now() - start;
  return result;
}

function labelSize(
  { width, height }: { readonly width: number; readonly height: number },
  maxSide = Number.POSITIVE_INFINITY,
): { width: number; height: number } {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function classAreas(pixels: Float64Array, { classes }: LabelSet): ClassArea[] {
  const total = pixels.reduce((sum, count) => sum + count, 0);
  return classes
    .map(({ id, name }) => ({ id, name, pixels: pixels[id], share: pixels[id] / total }))
    .filter((area) => area.pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}
