import type { Framing } from '../faces/framing.ts';
import type { Photo } from '../image/image.ts';
import type { Extents } from '../image/letterbox.ts';
import { contentBox } from '../image/preprocessing.ts';
import { faceToInput } from './faces/face-input.ts';
import { mirrorInPlace, ProbabilityAverage } from './grid/averaging.ts';
import type { ClassScores } from './grid/grid-classes.ts';
import { cropGrid, cropScores } from './grid/grid-taps.ts';
import type { PixelKernels } from './grid/kernels.ts';
import type { Stopwatch } from './result/stopwatch.ts';
import type { SizedNetwork } from './sized-network.ts';

/** What the networks see: a photo, or the square of one face, as one input of 3×side×side per network. */
export interface View extends Extents {
  readonly inputs: readonly Float32Array[];
}

/** Prepares views for the networks of a parser, and averages their scores. */
export class ViewScorer {
  constructor(
    readonly networks: readonly SizedNetwork[],
    private readonly flip: boolean,
    private readonly mirror: Uint8Array,
    private readonly kernels: PixelKernels,
  ) {}

  /** The view of a whole photo, or of one face. */
  async prepare(photo: Photo, framing: Framing | undefined, watch: Stopwatch): Promise<View> {
    const inputs: Float32Array[] = [];
    for (const { preprocessing } of this.networks) {
      const work = () =>
        framing
          ? faceToInput(photo, framing, preprocessing, this.kernels)
          : this.kernels.photoToInput(photo, preprocessing);
      inputs.push(await watch.time('preprocess', work));
    }
    const { width, height } = framing ? { width: 1, height: 1 } : photo;
    return { width, height, inputs };
  }

  /** Class scores of a view: logits, or logarithms of averaged probabilities. Its inputs are overwritten. */
  async score({ width, height, inputs }: View, watch: Stopwatch): Promise<ClassScores> {
    const { networks } = this;
    const run = async (index: number) => {
      const { preprocessing } = networks[index];
      const scores = await watch.time('network', () => networks[index].run(inputs[index]));
      // Margins are equal on opposite sides, so this is right for mirrored views, too.
      return cropScores(scores, contentBox({ width, height }, preprocessing), preprocessing.size);
    };
    if (networks.length === 1 && !this.flip) return run(0);
    const { shape, preprocessing: largest } = networks[networks.length - 1];
    const grid = cropGrid({ shape }, contentBox({ width, height }, largest), largest.size);
    const average = new ProbabilityAverage(grid, this.mirror, this.kernels);
    const add = (scores: ClassScores, mirrored: boolean) =>
      watch.time('postprocess', () => average.add(scores, mirrored));
    for (const [index, { preprocessing }] of networks.entries()) {
      await add(await run(index), false);
      if (!this.flip) continue;
      mirrorInPlace(inputs[index], preprocessing.size);
      await add(await run(index), true);
    }
    return watch.time('postprocess', () => average.logProbabilities());
  }
}
