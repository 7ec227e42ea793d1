import type { GraphNode } from '../../../graph/graph.ts';
import type { ElementwiseOpName } from '../fused-ops.ts';

const names: Readonly<Record<ElementwiseOpName, true>> = {
  add: true,
  sub: true,
  mul: true,
  div: true,
  minimum: true,
  maximum: true,
  greater: true,
  exp: true,
  log: true,
  sqrt: true,
  scale: true,
  activation: true,
  activationGradient: true,
};

/** Whether a node computes element by element, on floats: what becomes part of a fusedElementwise. */
export function isElementwise(node: GraphNode): boolean {
  return node.op in names && [...node.inputs, ...node.outputs].every(({ dtype }) => dtype === 'float32');
}
