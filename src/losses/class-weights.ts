import type { Tensor } from '../graph/graph.ts';

/** The weights of the classes as a constant of C values; all 1 if none are given. Logits N×C×H×W. */
export function classWeightsOf(loss: string, logits: Tensor, classWeights: readonly number[] | undefined): Tensor {
  const classes = logits.shape[1];
  if (classWeights && classWeights.length !== classes) {
    throw new Error(`${loss}: ${classWeights.length} class weights for ${classes} classes`);
  }
  return logits.graph.constant(Float32Array.from(classWeights ?? new Array<number>(classes).fill(1)), [classes]);
}
