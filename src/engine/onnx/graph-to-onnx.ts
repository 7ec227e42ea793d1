import { encodeOnnxModel, type OnnxValueInfo } from '../../formats/onnx-protobuf.ts';
import type { ConstantAttributes, Graph, InputAttributes, StateAttributes, Tensor } from '../../graph/graph.ts';
import { liveNodes } from '../../graph/passes/dead-code.ts';
import { convolutionRules } from './lower-convolution.ts';
import { elementwiseRules } from './lower-elementwise.ts';
import { lovaszRules } from './lower-lovasz.ts';
import { normalizationRules } from './lower-normalization.ts';
import { poolingRules } from './lower-pooling.ts';
import { softmaxRules } from './lower-softmax.ts';
import { type LoweringOptions, type LoweringRule, type LoweringTable, OnnxBuilder } from './lowering.ts';

const rules: LoweringTable = {
  ...elementwiseRules,
  ...convolutionRules,
  ...normalizationRules,
  ...poolingRules,
  ...softmaxRules,
  ...lovaszRules,
};

/** The opset version that the rules emit. */
export const onnxOpset = 17;

/** A graph as an ONNX model, with the names of its parts. */
export interface LoweredGraph {
  readonly model: Uint8Array;
  /** The states that the model reads: state name to ONNX input. */
  readonly stateInputs: ReadonlyMap<string, string>;
  /** The states that the model writes: state name to ONNX output. */
  readonly stateOutputs: ReadonlyMap<string, string>;
  /** Graph outputs: name to ONNX output. */
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * Appends the nodes that a graph needs to `builder`.
 *
 * @param read the ONNX name of the value that an input or a state is read from
 * @returns the ONNX name of every tensor
 * @throws Error for an op that has no lowering rule
 */
export function lowerNodes(
  graph: Graph,
  builder: OnnxBuilder,
  read: (kind: 'input' | 'state', name: string, tensor: Tensor) => string,
): Map<Tensor, string> {
  const values = new Map<Tensor, string>();
  for (const node of liveNodes(graph)) {
    const [first] = node.outputs;
    if (node.op === 'input' || node.op === 'state') {
      const { name } = node.attributes as InputAttributes | StateAttributes;
      values.set(first, read(node.op, name, first));
      continue;
    }
    if (node.op === 'constant') {
      values.set(first, builder.tensor((node.attributes as ConstantAttributes).data, first.shape));
      continue;
    }
    const rule = (rules as Readonly<Record<string, LoweringRule | undefined>>)[node.op];
    // Only graphs built without the op builders have other ops.
    if (!rule) throw new Error(`the onnx engine cannot run the op '${node.op}'`);
    const lowered = rule({
      builder,
      node,
      attributes: node.attributes,
      values: node.inputs.map((input) => values.get(input)!),
      inputs: node.inputs,
      output: first,
    });
    const names = typeof lowered === 'string' ? [lowered] : lowered;
    node.outputs.forEach((output, index) => {
      values.set(output, names[index]);
    });
  }
  return values;
}

/**
 * Writes a graph as an ONNX model (opset 17). Inputs keep their names; states become inputs `state/NAME`, and what they
 * become after the run outputs `next/NAME`; graph outputs become outputs `output/NAME`.
 *
 * @throws Error for an op without a lowering rule
 */
export function lowerGraph(graph: Graph, options: LoweringOptions): LoweredGraph {
  const builder = new OnnxBuilder(options);
  const inputs: OnnxValueInfo[] = [];
  const stateInputs = new Map<string, string>();
  const values = lowerNodes(graph, builder, (kind, name, { dtype, shape }) => {
    const value = kind === 'input' ? name : `state/${name}`;
    inputs.push({ name: value, type: dtype, shape });
    if (kind === 'state') stateInputs.set(name, value);
    return value;
  });
  const results: OnnxValueInfo[] = [];
  // Identity gives every result a unique name: one value may be two results, or an unchanged input.
  const publish = (name: string, tensor: Tensor) => {
    builder.nodes.push({ opType: 'Identity', inputs: [values.get(tensor)!], outputs: [name] });
    results.push({ name, type: tensor.dtype, shape: tensor.shape });
    return name;
  };
  const outputs = new Map([...graph.outputs].map(([name, tensor]) => [name, publish(`output/${name}`, tensor)]));
  const stateOutputs = new Map([...graph.updates].map(([name, tensor]) => [name, publish(`next/${name}`, tensor)]));
  const model = encodeOnnxModel({
    opsets: { '': onnxOpset, ...(options.contrib && { 'com.microsoft': 1 }) },
    nodes: builder.nodes,
    inputs,
    outputs: results,
    initializers: builder.initializers,
  });
  return { model, stateInputs, stateOutputs, outputs };
}
