import type { Engine, Program } from '../engine/engine.ts';
import { freezeForInference } from '../engine/freeze-for-inference.ts';
import type { Preprocessing } from '../image/preprocessing.ts';
import { getArchitecture } from '../models/registry.ts';
import type { Weights } from '../models/weights-file.ts';
import { weightsGraph } from '../models/weights-graph.ts';
import { FaceparseError } from '../text/errors.ts';
import { networkSides } from './grid/averaging.ts';
import type { ClassScores } from './grid/grid-classes.ts';

/** A network with its weights, compiled for one size of its input. */
export class SizedNetwork {
  private constructor(
    readonly preprocessing: Preprocessing,
    private readonly program: Program,
    readonly shape: ClassScores['shape'],
  ) {}

  /**
   * Compiles a network for its own size and for the sizes given by the scales, ascending.
   *
   * @param name name of the weights in errors
   * @throws FaceparseError if the weights do not match their network, or a scale is not supported
   */
  static async compileAll(
    weights: Weights,
    engine: Engine,
    { name, scales }: { readonly name: string; readonly scales: readonly number[] },
  ): Promise<SizedNetwork[]> {
    // Before the other sizes, so that an error about the file's own size names the file.
    const graph = weightsGraph(weights, name);
    const { preprocessing, model } = weights;
    const sides = networkSides(preprocessing.size, getArchitecture(model).multiple, scales);
    const graphs = sides.map((side) => (side === preprocessing.size ? graph : weightsGraph(weights, name, side)));
    const networks: SizedNetwork[] = [];
    try {
      for (const [index, size] of sides.entries()) {
        const frozen = freezeForInference(graphs[index], weights.states);
        const [, ...shape] = frozen.outputs.get('logits')!.shape as [number, number, number, number];
        networks.push(new SizedNetwork({ ...preprocessing, size }, await engine.compile(frozen), shape));
      }
    } catch (error) {
      await Promise.all(networks.map((network) => network.dispose()));
      throw error;
    }
    return networks;
  }

  /**
   * Logits (C×h×w) of one input of 3×side×side. The caller owns them: later runs do not overwrite them.
   *
   * @throws FaceparseError if they are not finite: labels would be arbitrary then
   */
  async run(image: Float32Array): Promise<ClassScores> {
    const { logits } = await this.program.run({ image });
    const data = logits.slice();
    let zero = 0;
    for (let i = 0; i < data.length; i++) zero += data[i] - data[i];
    if (zero !== 0) {
      throw new FaceparseError(
        'the network gives NaN or infinite scores for this image; its training may have diverged',
      );
    }
    return { shape: this.shape, data };
  }

  dispose(): Promise<void> {
    return this.program.dispose();
  }
}
