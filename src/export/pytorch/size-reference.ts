import type { Graph, GraphNode, Tensor } from '../../graph/graph.ts';
import { holds } from '../../graph/module.ts';

/** Ops whose output has the height and width of their inputs. */
const joiningOps = new Set(['concat', 'add', 'sub', 'mul', 'div', 'minimum', 'maximum']);

/**
 * Graphs have fixed sizes. Code for another framework takes the height and width of a resized image, of coordinates
 * and of a reshape from another tensor. Returns these tensors by node; nodes without such a tensor are missing.
 */
export function sizeReferences(graph: Graph, nodes: readonly GraphNode[]): Map<GraphNode, Tensor> {
  const references = new Map<GraphNode, Tensor>();
  for (const node of nodes) {
    const reference = referenceOf(node, nodes, graph);
    if (reference) references.set(node, reference);
  }
  return references;
}

function referenceOf(node: GraphNode, nodes: readonly GraphNode[], graph: Graph): Tensor | undefined {
  const [output] = node.outputs;
  if (node.op === 'broadcastTo') return latestOfSameSize(output, nodes) ?? node.inputs[0];
  if (node.op === 'reshape') {
    const isUnfolding = output.shape.slice(2).some((extent) => extent > 1 && !node.inputs[0].shape.includes(extent));
    return (isUnfolding && latestOfSameSize(output, nodes)) || node.inputs[0];
  }
  if (node.op !== 'resize' && !isCoordinates(node)) return undefined;
  const reference = referenceInside(node, nodes) ?? joinedWith(output, nodes);
  if (reference || (node.op === 'resize' && resizeFactor(node))) return reference;
  return [...graph.inputs.values()].find((input) => sameSize(input, output));
}

/** A tensor available in the module of a resize: one that it joins with the output, or one of its inputs. */
function referenceInside({ module, outputs: [output] }: GraphNode, nodes: readonly GraphNode[]): Tensor | undefined {
  if (!module || module.path === '') return undefined;
  const inside = nodes.filter((node) => holds(module, node.module));
  const own = new Set(inside);
  const given = inside.flatMap(({ inputs }) => inputs).filter(({ node }) => !own.has(node));
  return joinedWith(output, inside) ?? given.find((input) => !isStored(input) && sameSize(input, output));
}

/** A tensor of the same size that is computed before the output and joined with it. */
function joinedWith(output: Tensor, nodes: readonly GraphNode[]): Tensor | undefined {
  const companions = nodes
    .filter((node) => joiningOps.has(node.op) && node.inputs.includes(output))
    .flatMap((node) => node.inputs)
    .filter((input) => input.id < output.id && !isStored(input) && sameSize(input, output));
  return companions.find((input) => input.node.op !== 'resize') ?? companions[0];
}

/** The last tensor before the output that is a feature map of the same size. */
function latestOfSameSize(output: Tensor, nodes: readonly GraphNode[]): Tensor | undefined {
  const earlier = nodes.flatMap((node) => node.outputs).filter((tensor) => tensor.id < output.id);
  return earlier.findLast((tensor) => !isStored(tensor) && sameSize(tensor, output));
}

function isStored(tensor: Tensor): boolean {
  return tensor.node.op === 'constant' || tensor.node.op === 'state';
}

function sameSize(a: Tensor, b: Tensor): boolean {
  return a.shape.length === 4 && b.shape.length === 4 && a.shape[2] === b.shape[2] && a.shape[3] === b.shape[3];
}

/** The factor by which a resize scales both sides, if it or its reciprocal is an integer. */
export function resizeFactor(node: GraphNode): number | undefined {
  const [before, after] = [node.inputs[0].shape, node.outputs[0].shape];
  const factor = after[2] / before[2];
  const whole = Number.isInteger(factor) || Number.isInteger(1 / factor);
  return whole && after[3] / before[3] === factor ? factor : undefined;
}

/** Whether a node is the constant of the module `coordinates` of src/nn/coordinates.ts. */
export function isCoordinates({ op, module }: GraphNode): boolean {
  return op === 'constant' && module?.kind === 'Coordinates';
}
