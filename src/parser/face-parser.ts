import type { LabelMap, Photo } from '../data/picture.ts';
import type { Engine, Program } from '../engine/engine.ts';
import { freezeForInference } from '../engine/freeze-for-inference.ts';
import { FaceparseError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { getLabelSet } from '../labels/registry.ts';
import { inferenceGraph } from '../models/model.ts';
import { createModel } from '../models/registry.ts';
import { upsampledArgmax } from './argmax.ts';
import { defaultNormalization, normalizePhoto } from './normalization.ts';
import { resizePhoto } from './resize.ts';
import { checkWeightsFit, type Weights } from './weights-file.ts';

/** How much of a photo one class covers. */
export interface ClassArea {
  readonly id: number;
  readonly name: string;
  readonly pixels: number;
  /** Of the whole photo, 0 to 1. */
  readonly share: number;
}

/** Milliseconds that parsing took. */
export interface ParseTiming {
  readonly preprocess: number;
  readonly network: number;
  readonly postprocess: number;
  readonly total: number;
}

/** What a parser says of a photo. */
export interface ParseResult extends LabelMap {
  /** One class id a pixel, H×W at the photo's own size. */
  readonly labels: Uint8Array;
  /** The classes that occur, largest first. */
  readonly areas: readonly ClassArea[];
  readonly timing: ParseTiming;
}

/**
 * Parses faces with a trained network: the one place where photos are made ready for a network and its scores are made
 * into labels. Training, evaluation, commands and pages all go through it.
 *
 * The photo is stretched to the square that the network was trained on; its logits are brought back to the photo's own
 * size before the best class is taken.
 *
 * @example
 * const parser = await FaceParser.create(weights, engine);
 * const { labels, areas } = await parser.parse({ width, height, data });
 */
export class FaceParser {
  private constructor(
    readonly labelSet: LabelSet,
    readonly weights: Weights,
    readonly engine: Engine,
    private readonly program: Program,
    private readonly logitsShape: readonly [number, number, number],
  ) {}

  /** @throws FaceparseError where the weights do not fit the network that they name */
  static async create(weights: Weights, engine: Engine, name = 'the weights'): Promise<FaceParser> {
    const labelSet = getLabelSet(weights.labels);
    const graph = buildGraph(weights, labelSet, name);
    checkWeightsFit(weights, graph, name);
    const frozen = freezeForInference(graph, weights.states);
    const [, classes, height, width] = frozen.outputs.get('logits')!.shape as [number, number, number, number];
    return new FaceParser(labelSet, weights, engine, await engine.compile(frozen), [classes, height, width]);
  }

  /** Labels of one photo of any size. */
  async parse(photo: Photo): Promise<ParseResult> {
    const start = performance.now();
    const { size } = this.weights;
    const image = new Float32Array(3 * size * size);
    normalizePhoto(resizePhoto(photo, size, size), defaultNormalization, image);
    const prepared = performance.now();
    const { logits } = await this.program.run({ image });
    const computed = performance.now();
    const { data } = upsampledArgmax(logits!, this.logitsShape, photo.height, photo.width);
    const areas = classAreas(data, this.labelSet);
    const end = performance.now();
    return {
      width: photo.width,
      height: photo.height,
      data,
      labels: data,
      areas,
      timing: {
        preprocess: prepared - start,
        network: computed - prepared,
        postprocess: end - computed,
        total: end - start,
      },
    };
  }

  /** Frees the engine's memory. */
  async dispose(): Promise<void> {
    await this.program.dispose();
  }
}

function buildGraph({ model, size }: Weights, { classes }: LabelSet, name: string): Graph {
  try {
    return inferenceGraph(createModel(model, { classes: classes.length }), { batch: 1, height: size, width: size });
  } catch (cause) {
    throw new FaceparseError(`${name} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

function classAreas(labels: Uint8Array, { classes }: LabelSet): ClassArea[] {
  const pixels = new Float64Array(256);
  for (let i = 0; i < labels.length; i++) pixels[labels[i]!]!++;
  return classes
    .map(({ id, name }) => ({ id, name, pixels: pixels[id]!, share: pixels[id]! / labels.length }))
    .filter((area) => area.pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}
