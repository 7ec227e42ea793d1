import { formatShape, type GraphNode, type Tensor } from '../../graph/graph.ts';
import { isOp } from '../../graph/op.ts';
import { activationOp } from '../../graph/ops/activation.ts';
import type { FusedActivation } from './fused-ops.ts';
import type { Readers } from './readers.ts';

/** The ops fused after a convolution or normalisation: y + residual, then an activation. */
export interface Epilogue {
  /** The sum and the activation, if present. */
  readonly nodes: readonly GraphNode[];
  readonly residual: Tensor | undefined;
  readonly activation: FusedActivation;
  /** The final result. */
  readonly output: Tensor;
}

export function noEpilogue(y: Tensor): Epilogue {
  return { nodes: [], residual: undefined, activation: 'none', output: y };
}

/**
 * Finds the sum and the activation that are the only readers of y and of each other.
 *
 * @param taken nodes that already belong to another group
 * @param ignored readers of y that will recompute it
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
    // A broadcast residual is better left to an elementwise node, which reads it without materialising it.
    if (formatShape(residual.shape) !== formatShape(y.shape) || residual.node.op === 'broadcastTo') return found;
    found = { ...found, nodes: [sum], residual, output: sum.outputs[0] };
  }
  const last = found.residual ? readers.sole(found.output) : sum;
  if (!isOp(last, activationOp) || taken.has(last)) return found;
  const { kind } = last.attributes;
  return { ...found, nodes: [...found.nodes, last], activation: kind, output: last.outputs[0] };
}
