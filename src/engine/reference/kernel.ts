import type { GraphNode, Shape } from '../../graph/graph.ts';
import type { OpAttributes, OpName } from '../../graph/ops/all-ops.ts';
import { stridesOf } from '../../graph/strides.ts';

/** Values of a tensor; Float64Array only in double precision. */
export type NumericArray = Float32Array | Float64Array | Int32Array;

/** Arguments of a kernel: the node, the values of its inputs, and zeroed arrays for its outputs. */
export interface KernelCall<Attributes extends object = object> {
  readonly node: GraphNode;
  readonly attributes: Attributes;
  readonly inputs: readonly NumericArray[];
  readonly outputs: readonly NumericArray[];
}

/** Computes one op. Sums are kept in double precision and rounded once, when they are stored in the output. */
export type Kernel<Attributes extends object = object> = (call: KernelCall<Attributes>) => void;

/** A kernel for every op. */
export type KernelTable = { readonly [Name in OpName]: Kernel<OpAttributes[Name]> };

/** The shape of an input. */
export function inputShape(call: KernelCall, index: number): Shape {
  return call.node.inputs[index].shape;
}

/** The shape of an output. */
export function outputShape(call: KernelCall, index = 0): Shape {
  return call.node.outputs[index].shape;
}

/** Strides that read `shape` as if it were broadcast to `target`: 0 along the broadcast axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, axis) => (axis < lead || shape[axis - lead] === 1 ? 0 : own[axis - lead]));
}

/**
 * Visits the rows (last axis) of a shape in order, with the offset of each row's first element under each layout (its
 * strides). A scalar is one row of one element.
 */
export function forEachRow(
  shape: Shape,
  layouts: readonly (readonly number[])[],
  visit: (offsets: readonly number[]) => void,
): void {
  const outer = shape.slice(0, -1);
  const position = outer.map(() => 0);
  const offsets = layouts.map(() => 0);
  while (true) {
    visit(offsets);
    let axis = outer.length - 1;
    for (; axis >= 0; axis--) {
      const wraps = ++position[axis] === outer[axis];
      for (let k = 0; k < layouts.length; k++) {
        offsets[k] += wraps ? -layouts[k][axis] * (outer[axis] - 1) : layouts[k][axis];
      }
      if (!wraps) break;
      position[axis] = 0;
    }
    if (axis < 0) return;
  }
}
