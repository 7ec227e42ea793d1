import type { GraphNode } from '../../graph/graph.ts';
import { elementwiseOps } from './fused-ops.ts';

const names: ReadonlySet<string> = new Set(elementwiseOps);

/** Whether a node computes element by element on floats and can become part of a fusedElementwise. */
export function isElementwise(node: GraphNode): boolean {
  return names.has(node.op) && [...node.inputs, ...node.outputs].every(({ dtype }) => dtype === 'float32');
}
