import type { GraphNode, Tensor, TensorType } from './graph.ts';

/** Arguments of a gradient rule: the node, and the gradient of the loss with respect to each of its outputs. */
export interface GradientCall<Attributes> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** Undefined if the loss does not depend on that output. */
  readonly outputGradients: readonly (Tensor | undefined)[];
  /** Whether the gradient of an input is needed; a rule may omit the others. */
  wants(index: number): boolean;
}

/** Returns the gradients with respect to the inputs, in order. */
export type GradientRule<Attributes> = (call: GradientCall<Attributes>) => readonly (Tensor | undefined)[];

/** One op: its name, shape rule and gradient rule. Engines provide the kernels. */
export interface OpDefinition<Name extends string, Attributes extends object> {
  readonly name: Name;
  infer(inputs: readonly TensorType[], attributes: Attributes): TensorType[];
  /** `'none'` stops the gradient: the result is not differentiable in the inputs, or is itself a gradient. */
  readonly gradient: GradientRule<Attributes> | 'none';
}

const definitions = new Map<string, OpDefinition<string, object>>();

/** Registers an op once, when its module is loaded. Every op is also listed in `ops/all-ops.ts`. */
export function defineOp<Name extends string, Attributes extends object>(
  definition: OpDefinition<Name, Attributes>,
): OpDefinition<Name, Attributes> {
  if (definitions.has(definition.name)) throw new Error(`the op '${definition.name}' is defined twice`);
  definitions.set(definition.name, definition as unknown as OpDefinition<string, object>);
  return definition;
}

/** The definition of a node's op; undefined for the source ops. */
export function definitionOf(node: GraphNode): OpDefinition<string, object> | undefined {
  return definitions.get(node.op);
}

/** The names of all ops whose modules are loaded. */
export function listOps(): string[] {
  return [...definitions.keys()].sort();
}

/** Whether a node applies an op; narrows its attributes to those of the op. */
export function isOp<Attributes extends object>(
  node: GraphNode | undefined,
  op: OpDefinition<string, Attributes>,
): node is GraphNode<Attributes> {
  return node?.op === op.name;
}

/** Appends a node of this op to the graph of its inputs and returns all of its outputs. */
export function applyAll<Attributes extends object>(
  op: OpDefinition<string, Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): readonly Tensor[] {
  const { graph } = inputs[0];
  return graph.add(op.name, inputs, attributes, op.infer(inputs, attributes));
}

/** Appends a node of this op and returns its only (or first) output. */
export function apply<Attributes extends object>(
  op: OpDefinition<string, Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): Tensor {
  return applyAll(op, inputs, attributes)[0];
}
