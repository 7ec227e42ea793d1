import {
  Graph,
  type GraphNode,
  type InputAttributes,
  type StateAttributes,
  stateAttributes,
  type Tensor,
} from '../graph.ts';

/**
 * Builds a new graph from an old one, node by node. `visit` may return tensors that replace the node's
 * outputs in the new graph, made from the mapped inputs. If it returns nothing, the node is copied. Either way the new nodes
 * belong to the module of the old node, unless `visit` changes that. `nodes` limits the copy to a subset of the nodes; it must
 * include everything that outputs and updates depend on.
 */
export function rewrite(
  source: Graph,
  visit: (node: GraphNode, inputs: readonly Tensor[], target: Graph) => readonly Tensor[] | undefined,
  nodes: readonly GraphNode[] = source.nodes,
): Graph {
  const target = new Graph();
  const mapped = new Map<Tensor, Tensor>();
  const translate = (tensor: Tensor): Tensor => {
    const found = mapped.get(tensor);
    if (!found) throw new Error(`rewrite: a ${tensor.node.op} was dropped but is still used`);
    return found;
  };
  for (const node of nodes) {
    const inputs = node.inputs.map(translate);
    const outputs = target.within(node.module, () => visit(node, inputs, target) ?? copyNode(node, inputs, target));
    node.outputs.forEach((output, index) => {
      mapped.set(output, outputs[index]);
    });
  }
  // A pass may drop a state, but never one that is still assigned: updates keep their state alive.
  for (const [name, tensor] of source.outputs) target.output(name, translate(tensor));
  for (const [name, tensor] of source.updates) target.assign(translate(source.states.get(name)!), translate(tensor));
  return target;
}

/** Copies a node to another graph with new inputs, into the current module of that graph. */
export function copyNode(node: GraphNode, inputs: readonly Tensor[], target: Graph): readonly Tensor[] {
  const [output] = node.outputs;
  if (node.op === 'input') {
    const { name, random } = node.attributes as InputAttributes;
    return [target.input(name, output.shape, output.dtype, random)];
  }
  if (node.op === 'state') {
    const { name, initial, trainable, decay } = stateAttributes(output) satisfies StateAttributes;
    return [target.state(name, output.shape, initial, { trainable, decay })];
  }
  return target.add(node.op, inputs, node.attributes, node.outputs);
}
