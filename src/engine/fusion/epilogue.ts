import { formatShape, type GraphNode, type Tensor } from '../../graph/graph.ts';
import { isOp } from '../../graph/op.ts';
import { activationOp } from '../../graph/ops/activation.ts';
import type { FusedActivation } from './fused-ops.ts';
import type { Readers } from './readers.ts';

/** What follows a convolution or a normalisation and is computed along with it: y + residual, then an activation. */
export interface Epilogue {
  /** The sum and the activation, as far as they are there. */
  readonly nodes: readonly GraphNode[];
  readonly residual: Tensor | undefined;
  readonly activation: FusedActivation;
  /** What stands at the end. */
  readonly output: Tensor;
}

export function noEpilogue(y: Tensor): Epilogue {
  return { nodes: [], residual: undefined, activation: 'none', output: y };
}

/**
 * The sum and the activation that alone read y and each other.
 *
 * @param taken nodes that are part of something else already
 * @param ignored readers of y that will compute it anew
 */
export function findEpilogue(
  y: Tensor,
  readers: Readers,
  taken: ReadonlySet<GraphNode>,
  ignored?: ReadonlySet<GraphNode>,
): Epilogue {
  let found = noEpilogue(y);
  const sum = readers.sole(y, ignored);
  if (sum?.op === 'add' && !taken.has(sum)) {
    const residual = sum.inputs[sum.inputs[0] === y ? 1 : 0];
    // What is only spread over the shape is better left to an elementwise node, which need not have it as a whole.
    if (formatShape(residual.shape) !== formatShape(y.shape) || residual.node.op === 'broadcastTo') return found;
    found = { ...found, nodes: [sum], residual, output: sum.outputs[0] };
  }
  const last = found.residual ? readers.sole(found.output) : sum;
  if (!isOp(last, activationOp) || taken.has(last)) return found;
  const { kind } = last.attributes;
  return { ...found, nodes: [...found.nodes, last], activation: kind, output: last.outputs[0] };
}
