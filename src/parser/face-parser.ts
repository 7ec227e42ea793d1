/// <reference lib="esnext.disposable" preserve="true" />
import type { Engine } from '../engine/engine.ts';
import type { FaceFinder, FindOptions, FoundFace } from '../faces/face.ts';
import { framingOf, isFramed, mayBeFramed } from '../faces/framing.ts';
import type { Photo } from '../image/image.ts';
import { unusableImage } from '../image/image-input.ts';
import type { Extents } from '../image/letterbox.ts';
import { isRawImage, type RawImage, rawToPhotoSteps } from '../image/raw-image.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { mirrorTable } from '../labels/mirror.ts';
import { getLabelSet } from '../labels/registry.ts';
import type { Weights } from '../models/weights-file.ts';
import { abortable } from '../scheduling/abortable.ts';
import { Pipeline } from '../scheduling/pipeline.ts';
import { runInSlices } from '../scheduling/steps.ts';
import { checkOptions } from '../text/check-options.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { mostFaces } from './faces/compose-faces.ts';
import { type FrameJob, frameLoop, type TimedFrame } from './frames/frame-loop.ts';
import { checkFrameOptions, type FrameOptions } from './frames/frame-options.ts';
import { FrameParser, ownPixels } from './frames/frame-parser.ts';
import { type Averaging, checkAveraging } from './grid/averaging.ts';
import type { ClassScores } from './grid/grid-classes.ts';
import { type PixelKernels, plainKernels } from './grid/kernels.ts';
import { checkParseOptions, type ParseOptions } from './parse-options.ts';
import {
  type FaceTarget,
  facesResult,
  labelSize,
  type ScoredFace,
  scaleTarget,
  wholeFace,
  wholeResult,
} from './result/label-results.ts';
import { ParseResult } from './result/parse-result.ts';
import { Stopwatch } from './result/stopwatch.ts';
import { SizedNetwork } from './sized-network.ts';
import { type View, ViewScorer } from './view-scorer.ts';

/** Options of a parser. */
export interface FaceParserOptions {
  /** Name of the weights in errors; default "the weights". */
  readonly name?: string;
  /** Views of each image to average over; default: the image alone. */
  readonly averaging?: Averaging;
  /**
   * Finds the faces of photos. The parser does not dispose it. Default: none, so that photos are parsed as a whole.
   */
  readonly detector?: FaceFinder;
  /** @internal The work on pixels; Node brings the add-on's. */
  readonly kernels?: PixelKernels;
}

/** Minimum confidence of a face that fills the photo as in aligned photos, if no other is found. */
const hiddenConfidence = 0.4;

/** The parts of a parser. */
export interface ParserParts {
  readonly weights: Weights;
  readonly engine: Engine;
  readonly labelSet: LabelSet;
  readonly networks: readonly SizedNetwork[];
  readonly kernels: PixelKernels;
  readonly flip: boolean;
  readonly notices?: readonly string[];
  readonly detector?: FaceFinder;
  /** Called when the parser is disposed. */
  readonly release?: () => Promise<void>;
}

/** A photo that is ready for the networks. */
interface Prepared {
  readonly photo: Photo;
  /** The faces to parse one by one; undefined if the photo is parsed as a whole. */
  readonly targets: readonly FaceTarget[] | undefined;
  /** The face that the whole photo shows, where one was found. */
  readonly framed: FaceTarget | undefined;
  /** The view of the photo or of the first face; undefined if there is no face. */
  readonly view: View | undefined;
  readonly watch: Stopwatch;
}

/** What the networks say of a photo. */
interface Scored {
  /** Size of the labels. */
  readonly size: Extents;
  /** The scores of the whole photo, and the face that it shows; undefined if faces were parsed one by one. */
  readonly whole: { readonly scores: ClassScores; readonly framed: FoundFace | undefined } | undefined;
  readonly faces: readonly ScoredFace[];
  readonly watch: Stopwatch;
}

/**
 * Compiles the networks of a parser.
 *
 * @throws FaceparseError if the weights do not match their network, or a scale is not supported
 */
export async function prepareParser(
  weights: Weights,
  engine: Engine,
  { name = 'the weights', averaging, detector, kernels = plainKernels }: FaceParserOptions = {},
): Promise<ParserParts> {
  if (averaging !== undefined) checkAveraging(averaging);
  const labelSet = getLabelSet(weights.labels);
  const networks = await SizedNetwork.compileAll(weights, engine, { name, scales: averaging?.scales ?? [] });
  const flip = averaging?.flip ?? false;
  return { weights, engine, labelSet, networks, kernels, flip, ...(detector && { detector }) };
}

/**
 * Parses faces with a trained network. Validation, evaluation, commands and pages all go through this class.
 *
 * With a detector, the faces of a photo are found, and each is brought to the framing that networks are trained on, parsed, and
 * put back where it is. Without one, or with `faces: 'whole'`, the network sees the whole photo.
 *
 * A whole image is preprocessed as in training, to a square: stretched, or padded if the network was trained on letterboxed photos.
 * The logits, without those of padding, are upsampled to the size of the image before the best class is taken. With `averaging`, the mean probabilities of several views take their place.
 *
 * Calls end in order, and at most three run at a time: one is prepared, one is in the networks, one is post-processed. Work in JavaScript runs in slices of a few milliseconds, so the event loop is
 * not blocked.
 *
 * @example
 * const parser = await FaceParser.create(weights, engine);
 * const { labels, areas } = await parser.parse({ width, height, data });
 */
export class FaceParser<Source = RawImage> {
  readonly #scorer: ViewScorer;
  readonly #kernels: PixelKernels;
  readonly #detector: FaceFinder | undefined;
  readonly #release: () => Promise<void>;
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
  protected constructor(parts: ParserParts) {
    const { weights, engine, labelSet, networks, kernels, flip } = parts;
    const { notices = [], detector, release = async () => {} } = parts;
    this.weights = weights;
    this.engine = engine;
    this.labelSet = labelSet;
    this.flip = flip;
    this.notices = notices;
    this.#kernels = kernels;
    this.#scorer = new ViewScorer(networks, flip, mirrorTable(labelSet), kernels);
    this.#detector = detector;
    this.#release = release;
  }

  /**
   * Creates a parser of decoded images.
   *
   * @throws FaceparseError if the weights do not match their network, or a scale is not supported
   */
  static async create(weights: Weights, engine: Engine, options: FaceParserOptions = {}): Promise<FaceParser> {
    checkParts(weights, engine);
    checkOptions(options, ['name', 'averaging', 'detector', 'kernels'], 'FaceParser.create');
    if (options.detector !== undefined) checkDetector(options.detector);
    return new FaceParser(await prepareParser(weights, engine, options));
  }

  /** Sides in pixels of the network inputs, ascending. */
  get sides(): readonly number[] {
    return this.#scorer.networks.map(({ preprocessing }) => preprocessing.size);
  }

  /**
   * Parses one image of any size, and the faces in it.
   *
   * @param image pixels; do not change them before the promise resolves
   * @throws FaceparseError for an unusable image, invalid options, or a disposed parser
   */
  parse(image: Source, options: ParseOptions = {}): Promise<ParseResult> {
    if (this.#disposal) return Promise.reject(disposed());
    let received: unknown;
    try {
      checkParseOptions(options, this.#detector !== undefined);
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

  /**
   * Parses the frames of a video in order. Faces keep their `id` from frame to frame, and the longest known face comes first.
   * Framing and labels are steadied over time.
   *
   * At most two frames are in flight, and the next one is taken when the one before it is decoded: a source may then reuse its
   * buffer or close its frame. If the loop is left, the source is closed. The error of a frame that cannot be used names it, counted from 0.
   *
   * @param frames images that `parse` accepts, in an iterable or async iterable
   * @throws FaceparseError for an unusable frame, invalid options, or a disposed parser
   * @example
   * for await (const { labels, faces } of parser.parseFrames(frames, { fps: 25 })) show(labels, faces.map(({ id }) => id));
   */
  async *parseFrames(
    frames: Iterable<Source> | AsyncIterable<Source>,
    options: FrameOptions<Source> = {},
  ): AsyncGenerator<ParseResult, void, undefined> {
    checkFrameOptions(options, this.#detector !== undefined);
    const parts = { scorer: this.#scorer, detector: this.#detector, labelSet: this.labelSet, kernels: this.#kernels };
    const parser = new FrameParser(parts, options);
    yield* frameLoop(frames, options, (frame, signal) => this.beginFrame(frame, parser, signal));
  }

  private beginFrame({ frame, time }: TimedFrame<Source>, parser: FrameParser, signal: AbortSignal): FrameJob {
    let markDecoded = () => {};
    const decoding = new Promise<void>((resolve) => {
      markDecoded = resolve;
    });
    const begin = async () => {
      if (this.#disposal) throw disposed();
      const arriving = this.receive(frame);
      const received = arriving === frame ? { image: frame } : { image: await arriving };
      if (this.#disposal) throw disposed();
      const watch = new Stopwatch();
      return this.#pipeline.run({
        prepare: async () => {
          signal.throwIfAborted();
          const photo = ownPixels(await watch.time('decode', () => this.decode(received.image)), received.image);
          markDecoded();
          return photo;
        },
        // Each frame is steadied by the one before.
        use: (photo) => parser.parse(photo, time, watch, signal),
        finish: async (result) => result,
      });
    };
    const result = begin();
    return { decoded: Promise.race([decoding, result]), result };
  }

  private enqueue(image: unknown, options: ParseOptions): Promise<ParseResult> {
    if (this.#disposal) return Promise.reject(disposed());
    return this.#pipeline.run({
      prepare: () => this.prepare(image, options),
      use: (prepared) => this.score(prepared, options),
      finish: (scored) => this.finish(scored, options),
    });
  }

  /**
   * Waits for pending calls, then frees the engine's memory. Calls that are still receiving their image (a stream, Blob or URL)
   * are rejected.
   */
  dispose(): Promise<void> {
    this.#disposal ??= this.#pipeline.idle.then(async () => {
      await Promise.all([...this.#scorer.networks.map((network) => network.dispose()), this.#release()]);
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

  private async prepare(image: unknown, options: ParseOptions): Promise<Prepared> {
    const { signal } = options;
    signal?.throwIfAborted();
    const watch = new Stopwatch();
    const photo = await watch.time('decode', () => this.decode(image));
    const found = await this.find(photo, options, watch);
    const framed = options.faces === 'every' ? undefined : found?.find(({ framing }) => isFramed(photo, framing));
    const targets = framed ? undefined : found;
    const view = targets?.length === 0 ? undefined : await this.#scorer.prepare(photo, targets?.[0].framing, watch);
    return { photo, targets, framed, view, watch };
  }

  /** The faces of a photo; undefined if none are looked for. */
  private async find(
    photo: Photo,
    { faces, signal }: ParseOptions,
    watch: Stopwatch,
  ): Promise<FaceTarget[] | undefined> {
    const detector = this.#detector;
    if (!detector || faces === 'whole') return undefined;
    const ask = async (options: FindOptions): Promise<FaceTarget[]> => {
      const found = await watch.time('detect', () => detector.detect(photo, { ...options, ...(signal && { signal }) }));
      return found.slice(0, mostFaces).map((face) => ({ face, framing: framingOf(face.landmarks) }));
    };
    const found = await ask({});
    if (found.length > 0 || faces === 'every' || !mayBeFramed(photo)) return found;
    // A hidden face is still likely where the faces of aligned photos are.
    return (await ask({ minConfidence: hiddenConfidence }))
      .filter(({ framing }) => isFramed(photo, framing))
      .slice(0, 1);
  }

  private async score(prepared: Prepared, { maxSide, signal }: ParseOptions): Promise<Scored> {
    signal?.throwIfAborted();
    const { photo, targets, framed, view, watch } = prepared;
    const size = labelSize(photo, maxSide);
    if (view && !targets) {
      const scores = await this.#scorer.score(view, watch);
      return { size, whole: { scores, framed: framed && scaleTarget(framed, photo, size).face }, faces: [], watch };
    }
    const faces: ScoredFace[] = [];
    for (const [index, target] of (targets ?? []).entries()) {
      signal?.throwIfAborted();
      const own = index === 0 && view ? view : await this.#scorer.prepare(photo, target.framing, watch);
      faces.push({ ...scaleTarget(target, photo, size), scores: await this.#scorer.score(own, watch) });
    }
    return { size, whole: undefined, faces, watch };
  }

  private async finish({ size, whole, faces, watch }: Scored, { signal }: ParseOptions): Promise<ParseResult> {
    signal?.throwIfAborted();
    if (!whole) {
      const parts = await watch.time('postprocess', () => facesResult(faces, size, this.labelSet));
      return new ParseResult({ ...parts, timing: watch.timing }, this.labelSet);
    }
    const parts = await watch.time('postprocess', () => wholeResult(whole.scores, size, this.labelSet, this.#kernels));
    const shown = whole.framed ? [wholeFace(whole.framed, parts)] : [];
    return new ParseResult({ ...parts, faces: shown, timing: watch.timing }, this.labelSet);
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

/** Checks a detector for callers without a type checker. @throws FaceparseError (exit code 2) */
export function checkDetector(detector: unknown): void {
  if (typeof (detector as Partial<FaceFinder> | null)?.detect === 'function') return;
  throw new FaceparseError(
    `detector is ${describeValue(detector)}, but must be an object with a method detect(photo)`,
    {
      exitCode: 2,
    },
  );
}
