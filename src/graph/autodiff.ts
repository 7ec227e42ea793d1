import { formatShape, type GraphNode, type Tensor } from './graph.ts';
import { definitionOf } from './op.ts';
import { add } from './ops/elementwise.ts';

/**
 * Computes the gradients of a scalar with respect to tensors by reverse-mode differentiation (Griewank and Walther 2008,
 * chapter 3). Appends the backward pass to the graph, from the loss back, and returns one tensor per target. The nodes
 * appended for a node belong to that node's module.
 *
 * @throws Error if the loss is not a scalar or does not depend on a target through differentiable ops
 * @example const [dw] = gradients(loss, [w]);
 */
export function gradients(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) throw new Error(`gradients: the loss must be a scalar, not ${formatShape(loss.shape)}`);
  const { graph } = loss;
  const forward = [...graph.nodes];
  const needed = dependents(forward, targets);
  const accumulated = new Map<Tensor, Tensor[]>([[loss, [graph.scalar(1)]]]);
  const sum = (tensor: Tensor): Tensor | undefined => {
    const parts = accumulated.get(tensor);
    if (!parts) return undefined;
    const total = graph.within(tensor.node.module, () => parts.reduce((left, right) => add(left, right)));
    accumulated.set(tensor, [total]);
    return total;
  };
  for (const node of forward.reverse()) {
    const gradient = definitionOf(node)?.gradient;
    if (!gradient || gradient === 'none' || !node.inputs.some((input) => needed.has(input))) continue;
    const outputGradients = node.outputs.map(sum);
    if (outputGradients.every((dy) => dy === undefined)) continue;
    const wants = (index: number) => needed.has(node.inputs[index]);
    const { inputs, outputs, attributes } = node;
    const call = { inputs, outputs, attributes, outputGradients, wants };
    graph
      .within(node.module, () => gradient(call))
      .forEach((dx, index) => {
        const input = inputs[index];
        if (!dx || !needed.has(input)) return;
        if (formatShape(dx.shape) !== formatShape(input.shape)) {
          throw new Error(`${node.op}: gradient ${formatShape(dx.shape)} for an input of ${formatShape(input.shape)}`);
        }
        accumulated.set(input, [...(accumulated.get(input) ?? []), dx]);
      });
  }
  return targets.map((target) => {
    const result = sum(target);
    if (!result)
      throw new Error(`gradients: the loss does not depend on a target of shape ${formatShape(target.shape)}`);
    return result;
  });
}

/** Returns all tensors that depend on a target; only these need a gradient. */
function dependents(nodes: readonly GraphNode[], targets: readonly Tensor[]): Set<Tensor> {
  const found = new Set<Tensor>(targets);
  for (const node of nodes) {
    if (node.inputs.some((input) => found.has(input))) for (const output of node.outputs) found.add(output);
  }
  return found;
}
