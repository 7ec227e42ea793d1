import type { Engine, Program } from '../../engine/engine.ts';
import type { ColorTransform } from '../../image/draw-boxes.ts';
import type { Photo } from '../../image/image.ts';
import { resizePhotoSteps } from '../../image/resize.ts';
import { runInSlices } from '../../scheduling/steps.ts';
import { checkOptions } from '../../text/check-options.ts';
import type { FoundFace } from '../face.ts';
import { blazeFaceWithWeights, inputMultiple } from './blaze-face.ts';
import { type Candidate, candidateOf, distinct, faceOf, turnBetween } from './candidate.ts';
import { decodePredictions, joinPredictions } from './predictions.ts';
import { drawSquareSteps, pointOfSquare, type Square } from './square-crop.ts';
import { readDetectorWeights } from './weights.ts';

/** Options of one call to `detect`. */
export interface DetectOptions {
  /** Minimum confidence of a face, from 0 to 1; default 0.75. */
  readonly minConfidence?: number;
  /** Minimum side of a face's box as a fraction of the photo's longer side; default 0. */
  readonly minSize?: number;
  /** Maximum number of faces; the largest are kept. Default 20. */
  readonly maxFaces?: number;
  /** Rejects the call when aborted. */
  readonly signal?: AbortSignal;
}

/** RGB from -1 to 1. */
const color: ColorTransform = { gain: [1 / 127.5, 1 / 127.5, 1 / 127.5], bias: [-1, -1, -1] };

/** Tunables, to be settled. */
export const tune = {
  searchSide: 256,
  mediumSide: 512,
  searchThreshold: 0.4,
  cropSide: 128,
  cropRatio: 2,
  finalSide: 128,
  finalRatio: 2,
  sure: 0.85,
};

/** Finds faces at any angle. */
export class FaceDetector {
  readonly #programs = new Map<string, Promise<Program>>();

  private constructor(
    private readonly states: ReadonlyMap<string, Float32Array>,
    private readonly engine: Engine,
  ) {}

  /**
   * Creates a detector.
   *
   * @param weights the bytes of weights/face-detector.safetensors
   * @param name what to call the weights in errors
   * @throws FaceparseError if they are not the weights of the detector
   * @example const detector = await FaceDetector.create(new Uint8Array(await (await fetch(url)).arrayBuffer()), engine);
   */
  static async create(weights: Uint8Array, engine: Engine, name = 'the weights'): Promise<FaceDetector> {
    const detector = new FaceDetector(readDetectorWeights(weights, name), engine);
    await detector.program(tune.cropSide, tune.cropSide);
    return detector;
  }

  async detect(photo: Photo, options: DetectOptions = {}): Promise<FoundFace[]> {
    checkOptions(options, ['minConfidence', 'minSize', 'maxFaces', 'signal'], 'detect');
    const { minConfidence = 0.75, minSize = 0, maxFaces = 20, signal } = options;
    signal?.throwIfAborted();
    const medium = await fitted(photo, tune.mediumSide);
    let faces: Candidate[] = [];
    for (const side of [tune.searchSide, tune.mediumSide]) {
      const small = await fitted(medium, side);
      const rough = await this.search(small, photo);
      const refined: Candidate[] = [];
      for (const candidate of rough) {
        signal?.throwIfAborted();
        const face = await this.refine(candidate, photo, medium);
        if (face && face.score >= minConfidence) refined.push(face);
      }
      faces = distinct(refined);
      if (faces.length > 0) break;
    }
    const longest = Math.max(photo.width, photo.height);
    return faces
      .filter(({ side }) => side >= minSize * longest)
      .sort((a, b) => b.side - a.side)
      .slice(0, maxFaces)
      .map(faceOf);
  }

  async dispose(): Promise<void> {
    const programs = await Promise.all(this.#programs.values());
    this.#programs.clear();
    await Promise.all(programs.map((program) => program.dispose()));
  }

  private program(width: number, height: number): Promise<Program> {
    const key = `${width}×${height}`;
    let program = this.#programs.get(key);
    if (!program) {
      program = this.engine.compile(blazeFaceWithWeights(this.states, { batch: 1, height, width }));
      this.#programs.set(key, program);
    }
    return program;
  }

  /** Candidates in the whole picture, in the photo's pixels. */
  private async search(small: Photo, photo: Photo): Promise<Candidate[]> {
    const [width, height] = [small.width, small.height].map(
      (side) => Math.ceil(side / inputMultiple) * inputMultiple,
    ) as [number, number];
    const input = new Float32Array(3 * width * height);
    for (let channel = 0; channel < 3; channel++)
      for (let y = 0; y < small.height; y++)
        for (let x = 0, to = (channel * height + y) * width; x < small.width; x++)
          input[to + x] = small.data[(y * small.width + x) * 3 + channel] / 127.5 - 1;
    const program = await this.program(width, height);
    const outputs = await program.run({ image: input });
    const predictions = joinPredictions(decodePredictions(outputs, { width, height }, tune.searchThreshold), 0.3);
    const [scaleX, scaleY] = [photo.width / small.width, photo.height / small.height];
    return predictions.map((prediction) =>
      candidateOf(prediction, (scaleX + scaleY) / 2, (x, y) => ({ x: x * scaleX, y: y * scaleY })),
    );
  }

  /** Looks again at a candidate, turned upright. */
  private async refine(candidate: Candidate, photo: Photo, medium: Photo): Promise<Candidate | undefined> {
    const look = (around: Candidate, angle: number, ratio = tune.cropRatio, size = tune.cropSide) =>
      this.look({ centre: around.centre, side: around.side * ratio, angle }, photo, medium, size);
    let best: { candidate: Candidate; angle: number } | undefined;
    const offer = (found: Candidate | undefined, angle: number) => {
      if (found && (!best || found.score > best.candidate.score)) best = { candidate: found, angle };
    };
    const first = Math.abs(candidate.angle) < 60 ? candidate.angle : 0;
    offer(await look(candidate, first), first);
    const settled = () =>
      best && best.candidate.score >= tune.sure && Math.abs(turnBetween(best.angle, best.candidate.angle)) < 25;
    if (!settled()) {
      for (const turn of [90, 180, 270]) offer(await look(candidate, first + turn), first + turn);
    }
    for (let round = 0; round < 3 && best; round++) {
      const { candidate: from, angle } = best;
      const size = tune.finalSide;
      const found = await look(from, from.angle, tune.finalRatio, size);
      if (!found) return undefined;
      const turned = Math.abs(turnBetween(from.angle, found.angle));
      best = { candidate: found, angle };
      if (turned < 8) break;
    }
    return best?.candidate;
  }

  /** The best prediction in a square. */
  private async look(square: Square, photo: Photo, medium: Photo, size: number): Promise<Candidate | undefined> {
    const ratio = photo.width / medium.width;
    const [source, factor] = square.side / size >= ratio ? [medium, 1 / ratio] : [photo, 1];
    const scaled = {
      centre: { x: square.centre.x * factor, y: square.centre.y * factor },
      side: square.side * factor,
      angle: square.angle,
    };
    const input = new Float32Array(3 * size * size);
    await runInSlices(drawSquareSteps(source, scaled, color, size, input));
    const program = await this.program(size, size);
    const outputs = await program.run({ image: input });
    const [best] = joinPredictions(decodePredictions(outputs, { width: size, height: size }, 0.3), 0.3)
      // The face in the middle, not its neighbour.
      .filter(({ values }) => Math.hypot(values[0] - size / 2, values[1] - size / 2) < size / 4);
    return best && candidateOf(best, square.side / size, (x, y) => pointOfSquare(square, size, x, y));
  }
}

/** The photo with its longer side at most so long. */
async function fitted(photo: Photo, side: number): Promise<Photo> {
  const scale = side / Math.max(photo.width, photo.height);
  if (scale >= 1) return photo;
  const [width, height] = [photo.width, photo.height].map((extent) => Math.max(1, Math.round(extent * scale))) as [
    number,
    number,
  ];
  return runInSlices(resizePhotoSteps(photo, width, height));
}
