import type { Engine, Program } from '../engine/engine.ts';
import { freezeForInference } from '../engine/freeze-for-inference.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { type Preprocessing, photoToInput } from '../image/preprocessing.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { mirrorTable } from '../labels/mirror.ts';
import { getLabelSet } from '../labels/registry.ts';
import { getArchitecture } from '../models/registry.ts';
import type { Weights } from '../models/weights-file.ts';
import { weightsGraph } from '../models/weights-graph.ts';
import { upsampledArgmax } from './argmax.ts';
import { type Averaging, mirrorInPlace, networkSides, ProbabilityAverage } from './averaging.ts';

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

/** How a parser is made. */
export interface FaceParserOptions {
  /** What to call the weights in errors; default "the weights". */
  readonly name?: string;
  /** Views of each photo to average over; default the photo alone. */
  readonly averaging?: Averaging;
}

/** The network at one size. */
interface SizedNetwork {
  readonly preprocessing: Preprocessing;
  readonly program: Program;
  readonly logitsShape: readonly [number, number, number];
}

/** Milliseconds that the parts of one parse have taken so far. */
interface Spent {
  preprocess: number;
  network: number;
}

/**
 * Parses faces with a trained network: the one place where photos go into a network and its scores are made into labels.
 * Validation, evaluation, commands and pages all go through it.
 *
 * The photo is preprocessed as the weights say, to the square that the network was trained on; its logits are brought back to the photo's own
 * size before the best class is taken. With `averaging` the same is done with the mean of what several views give.
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
    private readonly networks: readonly SizedNetwork[],
    /** Whether each photo is also seen mirrored. */
    readonly flip: boolean,
  ) {}

  /** @throws FaceparseError where the weights do not fit the network that they name, or a scale cannot be averaged over */
  static async create(weights: Weights, engine: Engine, options: FaceParserOptions = {}): Promise<FaceParser> {
    const { name = 'the weights', averaging } = options;
    const labelSet = getLabelSet(weights.labels);
    // Before the other sizes, so that a wrong size of the file is told as such.
    const graph = weightsGraph(weights, name);
    const { preprocessing, model } = weights;
    const sides = networkSides(preprocessing.size, getArchitecture(model).multiple, averaging?.scales ?? []);
    const graphs = sides.map((side) => (side === preprocessing.size ? graph : weightsGraph(weights, name, side)));
    const networks: SizedNetwork[] = [];
    try {
      for (const [index, size] of sides.entries()) {
        const frozen = freezeForInference(graphs[index], weights.states);
        const [, ...logitsShape] = frozen.outputs.get('logits')!.shape as [number, number, number, number];
        const program = await engine.compile(frozen);
        networks.push({ preprocessing: { ...preprocessing, size }, logitsShape, program });
      }
    } catch (error) {
      await Promise.all(networks.map(({ program }) => program.dispose()));
      throw error;
    }
    return new FaceParser(labelSet, weights, engine, networks, averaging?.flip ?? false);
  }

  /** Sides in pixels of the squares that each photo is seen at, ascending. */
  get sides(): readonly number[] {
    return this.networks.map(({ preprocessing }) => preprocessing.size);
  }

  /** Labels of one photo of any size. */
  async parse(photo: Photo): Promise<ParseResult> {
    const start = performance.now();
    const spent: Spent = { preprocess: 0, network: 0 };
    const { scores, shape } = await this.score(photo, spent);
    const { data } = upsampledArgmax(scores, shape, photo.height, photo.width);
    const areas = classAreas(data, this.labelSet);
    const total = performance.now() - start;
    const { preprocess, network } = spent;
    return {
      width: photo.width,
      height: photo.height,
      data,
      labels: data,
      areas,
      timing: { preprocess, network, postprocess: total - preprocess - network, total },
    };
  }

  /** Class scores of a photo: logits, or the logs of probabilities that are averaged. */
  private async score(photo: Photo, spent: Spent) {
    const { networks, flip } = this;
    if (networks.length === 1 && !flip) {
      const [network] = networks;
      return { scores: await run(network, prepare(photo, network, spent), spent), shape: network.logitsShape };
    }
    const average = new ProbabilityAverage(networks.at(-1)!.logitsShape, mirrorTable(this.labelSet));
    for (const network of networks) {
      const image = prepare(photo, network, spent);
      average.add(await run(network, image, spent), network.logitsShape, false);
      if (!flip) continue;
      mirrorInPlace(image, network.preprocessing.size);
      average.add(await run(network, image, spent), network.logitsShape, true);
    }
    return { scores: average.logProbabilities(), shape: average.shape };
  }

  /** Frees the engine's memory. */
  async dispose(): Promise<void> {
    await Promise.all(this.networks.map(({ program }) => program.dispose()));
  }
}

/** A photo as the network takes it: 3×side×side. */
function prepare(photo: Photo, { preprocessing }: SizedNetwork, spent: Spent): Float32Array {
  const start = performance.now();
  const image = photoToInput(photo, preprocessing);
  spent.preprocess += performance.now() - start;
  return image;
}

/** The logits of one image, valid until the program is run again. */
async function run({ program }: SizedNetwork, image: Float32Array, spent: Spent): Promise<Float32Array> {
  const start = performance.now();
  const { logits } = await program.run({ image });
  spent.network += performance.now() - start;
  return logits;
}

function classAreas(labels: Uint8Array, { classes }: LabelSet): ClassArea[] {
  const pixels = new Float64Array(256);
  for (let i = 0; i < labels.length; i++) pixels[labels[i]]++;
  return classes
    .map(({ id, name }) => ({ id, name, pixels: pixels[id], share: pixels[id] / labels.length }))
    .filter((area) => area.pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}
