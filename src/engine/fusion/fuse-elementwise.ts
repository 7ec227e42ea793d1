import { formatShape, type Graph, type GraphNode, sizeOf, type Tensor } from '../../graph/graph.ts';
import type { ActivationAttributes } from '../../graph/ops/activation.ts';
import type { ScaleAttributes } from '../../graph/ops/reduction.ts';
import type { FusionCapabilities } from './capabilities.ts';
import { Contraction } from './contraction.ts';
import { isElementwise } from './elementwise-ops.ts';
import {
  type ElementwiseAttributes,
  type ElementwiseInstruction,
  type ElementwiseOpName,
  fusedOps,
} from './fused-ops.ts';
import { Readers } from './readers.ts';
import { type NodeGroup, replaceGroups } from './replace-groups.ts';

/** Elementwise nodes of one shape that run as one; nodes are in graph order. */
interface ElementwiseGroup {
  readonly nodes: readonly GraphNode[];
}

/**
 * Fuses connected elementwise nodes of the same shape into one fusedElementwise; a node without such neighbours becomes
 * one alone. Operands are read before their broadcastTo.
 */
export function fuseElementwise(source: Graph, capabilities: FusionCapabilities): Graph {
  const readers = new Readers(source);
  const contraction = new Contraction(source);
  const position = new Map(source.nodes.map((node, index) => [node, index]));
  const groups = new Map<GraphNode, ElementwiseGroup>();
  for (const node of source.nodes) {
    if (!isElementwise(node)) continue;
    groups.set(node, { nodes: [node] });
    for (const { node: producer } of node.inputs) {
      const [left, right] = [groups.get(producer), groups.get(node)!];
      if (!left || left === right || !sameShape(producer, node)) continue;
      const nodes = [...left.nodes, ...right.nodes].sort((a, b) => position.get(a)! - position.get(b)!);
      if (operandsOf(nodes).length + nodes.length > capabilities.elementwiseValues) continue;
      if (!isSmallOrNear(nodes, position, readers, capabilities) || !contraction.merge([producer, node])) continue;
      const merged = { nodes };
      for (const member of nodes) groups.set(member, merged);
    }
  }
  return replaceGroups(
    source,
    [...new Set(groups.values())].map(({ nodes }) => groupOf(nodes, readers)),
  );
}

function sameShape(a: GraphNode, b: GraphNode): boolean {
  return formatShape(a.outputs[0].shape) === formatShape(b.outputs[0].shape);
}

/** Whether merging keeps no large tensor alive for long and delays no other reader of one. */
function isSmallOrNear(
  nodes: readonly GraphNode[],
  position: ReadonlyMap<GraphNode, number>,
  readers: Readers,
  { elementwiseDistance, smallSize }: FusionCapabilities,
): boolean {
  const { shape } = nodes[0].outputs[0];
  if (shape.length < 2 || sizeOf(shape) <= smallSize) return true;
  const [first, last] = [position.get(nodes[0])!, position.get(nodes.at(-1)!)!];
  if (last - first > elementwiseDistance) return false;
  const members = new Set(nodes);
  return nodes.every(({ outputs: [output] }) =>
    readers.of(output).every((reader) => members.has(reader) || position.get(reader)! > last),
  );
}

/** The operand of a broadcastTo: the kernel broadcasts operands itself. */
function beforeBroadcast(tensor: Tensor): Tensor {
  return tensor.node.op === 'broadcastTo' ? beforeBroadcast(tensor.node.inputs[0]) : tensor;
}

/** The external operands of a group, each once, in order of first use. */
function operandsOf(nodes: readonly GraphNode[]): Tensor[] {
  const inside = new Set(nodes);
  const inputs = nodes.flatMap((node) => node.inputs.map(beforeBroadcast));
  return [...new Set(inputs.filter((input) => !inside.has(input.node)))];
}

function groupOf(nodes: readonly GraphNode[], readers: Readers): NodeGroup {
  const inside = new Set(nodes);
  const operands = operandsOf(nodes);
  const values = new Map(
    [...operands, ...nodes.map(({ outputs }) => outputs[0])].map((tensor, index) => [tensor, index]),
  );
  const instructions = nodes.map((node) => instructionOf(node, values));
  const outputs = nodes
    .map(({ outputs: [output] }) => output)
    .filter((output) => readers.isPublished(output) || readers.of(output).some((node) => !inside.has(node)));
  const attributes: ElementwiseAttributes = {
    instructions,
    outputValues: outputs.map((output) => values.get(output)!),
  };
  return {
    nodes,
    build: (input, target) => {
      // No result is read.
      if (outputs.length === 0) return [];
      const results = target.add(fusedOps.elementwise, operands.map(input), attributes, outputs);
      return outputs.map((output, index) => [output, results[index]] as const);
    },
  };
}

function instructionOf(node: GraphNode, values: ReadonlyMap<Tensor, number>): ElementwiseInstruction {
  const [a, b] = node.inputs.map((tensor) => values.get(beforeBroadcast(tensor))!) as [number, number | undefined];
  const { kind } = node.attributes as Partial<ActivationAttributes>;
  const { factor } = node.attributes as Partial<ScaleAttributes>;
  return {
    op: node.op as ElementwiseOpName,
    a,
    ...(b !== undefined && { b }),
    ...(kind !== undefined && { kind }),
    ...(factor !== undefined && { factor }),
  };
}
