/// <reference lib="esnext.disposable" preserve="true" />
import { CallQueue } from '../../engine/call-queue.ts';
import type { Engine, Program } from '../../engine/engine.ts';
import type { Photo } from '../../image/image.ts';
import { type PhotoKernels, plainPhotoKernels } from '../../image/photo-kernels.ts';
import { abortable } from '../../scheduling/abortable.ts';
import { runInSlices } from '../../scheduling/steps.ts';
import { checkOptions } from '../../text/check-options.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { FoundFace } from '../face.ts';
import { type Framing, pointOfFraming } from '../framing.ts';
import { blazeFaceWithWeights, inputMultiple } from './blaze-face.ts';
import { type Candidate, candidateOf, faceOf, isSameFace, turnBetween } from './candidate.ts';
import { type DetectOptions, readDetectOptions } from './detect-options.ts';
import { decodePredictions, joinPredictions, type Prediction } from './predictions.ts';
import { cutSquare, placePhotoSteps, type ScaledPhoto, scalePhoto, shrink } from './scaled-photo.ts';
import { readDetectorWeights } from './weights.ts';

/** Options of a detector. */
export interface FaceDetectorOptions {
  /** Name of the weights in errors; default "the weights". */
  readonly name?: string;
  /** @internal The work on pixels; Node brings the add-on's. */
  readonly kernels?: PhotoKernels;
}

/** Longer sides of the photo in which faces are searched; the later ones only if nothing was found. */
const searchSides = [256, 512] as const;

/** Smallest side of a face in pixels of a search that is found reliably. */
const smallestFound = 20;

/** Minimum score of a candidate. At this score faces upside down are found, too. */
const searchThreshold = 0.4;

/** Maximum number of candidates that are looked at again, per wanted face; scenes without faces have some. */
const candidatesPerFace = 3;

/** Side in pixels of a square around a candidate, and its side as a multiple of the face's: what gives the best landmarks. */
const squareSide = 128;
const squareRatio = 2;

/** Score from which the first look at a candidate is trusted; other candidates are looked at from all four sides. */
const sureScore = 0.85;

/** Largest turn in degrees that a face may have in the last look at it. */
const settledTurn = 8;

/** Most looks at a candidate after its side is known. */
const lastLooks = 3;

/** Minimum intersection over union of predictions of the same face. */
const sameOverlap = 0.3;

/**
 * Finds faces at any angle, from most of the photo down to a twentieth of its longer side, with BlazeFace.
 *
 * The photo is searched once; at this threshold, faces are found whatever their angle. Each candidate is cut out upright and
 * looked at again, which gives accurate landmarks and leaves out what is no face.
 *
 * Calls run in order. Work in JavaScript runs in slices of a few milliseconds, so the event loop is not blocked.
 *
 * @example
 * const detector = await FaceDetector.create(weights, engine);
 * for (const { box, angle } of await detector.detect(photo)) console.log(box, angle);
 */
export class FaceDetector {
  readonly #states: ReadonlyMap<string, Float32Array>;
  readonly #engine: Engine;
  readonly #queue = new CallQueue();
  /** The network by the size of its input. */
  readonly #programs = new Map<string, Program>();
  readonly #kernels: PhotoKernels;
  #disposal: Promise<void> | undefined;

  private constructor(states: ReadonlyMap<string, Float32Array>, engine: Engine, kernels: PhotoKernels) {
    this.#states = states;
    this.#engine = engine;
    this.#kernels = kernels;
  }

  /**
   * Creates a detector.
   *
   * @param weights the bytes of `faceparse/weights/face-detector.safetensors`
   * @throws FaceparseError if they are not the weights of the detector
   */
  static async create(weights: Uint8Array, engine: Engine, options: FaceDetectorOptions = {}): Promise<FaceDetector> {
    checkOptions(options, ['name', 'kernels'], 'FaceDetector.create');
    const { name = 'the weights', kernels = plainPhotoKernels } = options;
    const detector = new FaceDetector(readDetectorWeights(weights, name), engine, kernels);
    await detector.program(squareSide, squareSide);
    return detector;
  }

  /**
   * Finds the faces of a photo, the largest first.
   *
   * @throws FaceparseError for invalid options or a disposed detector
   */
  async detect(photo: Photo, options: DetectOptions = {}): Promise<FoundFace[]> {
    const settings = readDetectOptions(options);
    const { signal } = options;
    if (this.#disposal) {
      throw new FaceparseError('this detector has been disposed; create a new one to find more faces');
    }
    signal?.throwIfAborted();
    const faces = this.#queue.add(() => this.find(photo, { ...settings, ...(signal && { signal }) }));
    return signal ? abortable(faces, signal) : faces;
  }

  /** Waits for pending calls, then frees the engine's memory. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#queue.close(async () => {
      await Promise.all([...this.#programs.values()].map((program) => program.dispose()));
    });
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async find(
    photo: Photo,
    { minConfidence, minSize, maxFaces, signal }: DetectOptions & ReturnType<typeof readDetectOptions>,
  ): Promise<FoundFace[]> {
    signal?.throwIfAborted();
    const longest = Math.max(photo.width, photo.height);
    const scaled = await scalePhoto(photo, searchSides[1], this.#kernels);
    const faces: Candidate[] = [];
    for (const [index, side] of searchSides.entries()) {
      // A finer search finds only what the search before was too coarse for.
      if (index > 0 && (faces.length > 0 || minSize > (smallestFound / searchSides[0]) * longest)) break;
      if (index > 0 && longest <= searchSides[index - 1]) break;
      const candidates = await this.search(scaled, side);
      for (const candidate of candidates.slice(0, maxFaces * candidatesPerFace)) {
        signal?.throwIfAborted();
        if (faces.some((face) => isSameFace(face, candidate))) continue;
        const face = await this.refine(scaled, candidate);
        if (!face || face.score < minConfidence || face.side < minSize) continue;
        if (!faces.some((other) => isSameFace(face, other))) faces.push(face);
      }
    }
    return faces
      .sort((a, b) => b.side - a.side)
      .slice(0, maxFaces)
      .map(faceOf);
  }

  /** Candidates in the whole photo, the best first. */
  private async search({ small, factor }: ScaledPhoto, side: number): Promise<Candidate[]> {
    const searched = await shrink(small, side, this.#kernels);
    const [width, height] = [padded(searched.width), padded(searched.height)];
    const input = await runInSlices(placePhotoSteps(searched, { width, height }));
    const predictions = await this.predict(input, width, height, searchThreshold);
    const scaleX = (factor * small.width) / searched.width;
    const scaleY = (factor * small.height) / searched.height;
    return predictions.map((prediction) =>
      candidateOf(prediction, Math.sqrt(scaleX * scaleY), (x, y) => ({ x: x * scaleX, y: y * scaleY })),
    );
  }

  /** Looks at a candidate again until it is upright in its square. */
  private async refine(scaled: ScaledPhoto, candidate: Candidate): Promise<Candidate | undefined> {
    const first = Math.abs(candidate.angle) < 60 ? candidate.angle : 0;
    let face = await this.look(scaled, candidate, first);
    if (!face || face.score < sureScore || Math.abs(turnBetween(first, face.angle)) > 25) {
      for (const turn of [90, 180, 270]) {
        const other = await this.look(scaled, candidate, first + turn);
        if (other && other.score > (face?.score ?? 0)) face = other;
      }
    } else if (isCentred(candidate, face) && Math.abs(turnBetween(first, face.angle)) < settledTurn) return face;
    for (let round = 0; round < lastLooks && face; round++) {
      const { angle } = face;
      face = await this.look(scaled, face, angle);
      if (face && Math.abs(turnBetween(angle, face.angle)) < settledTurn) break;
    }
    return face;
  }

  /** The face in the middle of a square that is turned by an angle. */
  private async look(scaled: ScaledPhoto, around: Candidate, angle: number): Promise<Candidate | undefined> {
    const square: Framing = { ...around.centre, side: around.side * squareRatio, angle };
    const input = await cutSquare(scaled, square, squareSide, this.#kernels);
    const predictions = await this.predict(input, squareSide, squareSide, searchThreshold);
    const middle = squareSide / 2;
    const face = predictions.find(({ values }) => Math.hypot(values[0] - middle, values[1] - middle) < middle / 2);
    return face && candidateOf(face, square.side / squareSide, (x, y) => pointOfFraming(square, squareSide, { x, y }));
  }

  private async predict(image: Float32Array, width: number, height: number, threshold: number): Promise<Prediction[]> {
    const program = await this.program(width, height);
    const outputs = await program.run({ image });
    return joinPredictions(decodePredictions(outputs, { width, height }, threshold), sameOverlap);
  }

  private async program(width: number, height: number): Promise<Program> {
    const key = `${width}×${height}`;
    let program = this.#programs.get(key);
    if (!program) {
      program = await this.#engine.compile(blazeFaceWithWeights(this.#states, { batch: 1, height, width }));
      this.#programs.set(key, program);
    }
    return program;
  }
}

/** Whether a look at a candidate has shown the face in the middle of its square, and as large as expected. */
function isCentred(candidate: Candidate, face: Candidate): boolean {
  const shift = Math.hypot(face.centre.x - candidate.centre.x, face.centre.y - candidate.centre.y);
  return shift < 0.1 * face.side && Math.abs(Math.log(face.side / candidate.side)) < 0.15;
}

function padded(side: number): number {
  return Math.ceil(side / inputMultiple) * inputMultiple;
}
