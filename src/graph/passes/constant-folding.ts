import type { ConstantAttributes, Graph, GraphNode } from '../graph.ts';
import { rewrite } from './rewrite.ts';

/** Computes one node from the values of its inputs, as the reference engine's `evaluateNode` does. */
export type NodeEvaluator = (
  node: GraphNode,
  inputs: readonly (Float32Array | Int32Array)[],
) => readonly (Float32Array | Int32Array)[];

/** Replaces every node whose inputs are all constant with its value, if that has at most `maxElements` elements. */
export function foldConstants(source: Graph, evaluate: NodeEvaluator, maxElements = 1 << 22): Graph {
  return rewrite(source, (node, inputs, target) => {
    if (node.inputs.length === 0 || inputs.some((input) => input.node.op !== 'constant')) return undefined;
    if (node.outputs.some((output) => output.shape.reduce((a, b) => a * b, 1) > maxElements)) return undefined;
    const values = evaluate(
      node,
      inputs.map((input) => (input.node.attributes as ConstantAttributes).data),
    );
    return node.outputs.map((output, index) => target.constant(values[index], output.shape));
  });
}
