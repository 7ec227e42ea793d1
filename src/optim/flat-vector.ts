import { type Shape, sizeOf, type Tensor } from '../graph/graph.ts';
import { concat, reshape, split } from '../graph/ops/shape.ts';

/** Concatenates tensors into one vector; optimisers then need a few large ops instead of many small ones. */
export function flatten(tensors: readonly Tensor[]): Tensor {
  return concat(
    tensors.map((tensor) => reshape(tensor, [sizeOf(tensor.shape)])),
    0,
  );
}

/** Splits a vector made by `flatten` into its parts, with their shapes. */
export function unflatten(vector: Tensor, shapes: readonly Shape[]): Tensor[] {
  const parts = split(vector, 0, shapes.map(sizeOf));
  return parts.map((part, index) => reshape(part, shapes[index]));
}
