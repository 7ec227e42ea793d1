import { encodeOnnxModel, type OnnxValueInfo } from '../../formats/onnx-protobuf.ts';
import type { ConstantAttributes, Graph, InputAttributes, StateAttributes, Tensor } from '../../graph/graph.ts';
import { liveNodes } from '../../graph/passes/dead-code.ts';
import { addConvolutionRules } from './lower-convolution.ts';
import { addElementwiseRules } from './lower-elementwise.ts';
import { addLovaszRules } from './lower-lovasz.ts';
import { addNormalizationRules } from './lower-normalization.ts';
import { addPoolingRules } from './lower-pooling.ts';
import { addSoftmaxRules } from './lower-softmax.ts';
import { type LoweringOptions, LoweringRules, OnnxBuilder } from './lowering.ts';

const rules = new LoweringRules();
addElementwiseRules(rules);
addConvolutionRules(rules);
addNormalizationRules(rules);
addPoolingRules(rules);
addSoftmaxRules(rules);
addLovaszRules(rules);

/** A graph as an ONNX model, and how its parts are called there. */
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
 * Writes a graph as an ONNX model (opset 17). Inputs keep their names; states become inputs `state/NAME`, and what they
 * become after the run outputs `next/NAME`; graph outputs become outputs `output/NAME`.
 *
 * @throws Error for an op that has no lowering rule.
 */
export function lowerGraph(graph: Graph, options: LoweringOptions): LoweredGraph {
  const builder = new OnnxBuilder(options);
  const values = new Map<Tensor, string>();
  const inputs: OnnxValueInfo[] = [];
  const stateInputs = new Map<string, string>();
  for (const node of liveNodes(graph)) {
    const [first] = node.outputs;
    if (node.op === 'input' || node.op === 'state') {
      const { name } = node.attributes as InputAttributes | StateAttributes;
      const value = node.op === 'input' ? name : `state/${name}`;
      inputs.push({ name: value, type: first!.dtype, shape: first!.shape });
      if (node.op === 'state') stateInputs.set(name, value);
      values.set(first!, value);
      continue;
    }
    if (node.op === 'constant') {
      values.set(first!, builder.tensor((node.attributes as ConstantAttributes).data, first!.shape));
      continue;
    }
    const rule = rules.table.get(node.op);
    if (!rule) throw new Error(`the onnx engine cannot run the op '${node.op}'`);
    const lowered = rule({
      builder,
      node,
      attributes: node.attributes,
      values: node.inputs.map((input) => values.get(input)!),
      inputs: node.inputs,
      output: first!,
    });
    const names = typeof lowered === 'string' ? [lowered] : lowered;
    node.outputs.forEach((output, index) => {
      values.set(output, names[index]!);
    });
  }
  const results: OnnxValueInfo[] = [];
  // Identity gives every result a name of its own: one value may be two results, or an input as it stands.
  const publish = (name: string, tensor: Tensor) => {
    builder.nodes.push({ opType: 'Identity', inputs: [values.get(tensor)!], outputs: [name] });
    results.push({ name, type: tensor.dtype, shape: tensor.shape });
    return name;
  };
  const outputs = new Map([...graph.outputs].map(([name, tensor]) => [name, publish(`output/${name}`, tensor)]));
  const stateOutputs = new Map([...graph.updates].map(([name, tensor]) => [name, publish(`next/${name}`, tensor)]));
  const model = encodeOnnxModel({
    opsets: { '': 17, ...(options.contrib && { 'com.microsoft': 1 }) },
    nodes: builder.nodes,
    inputs,
    outputs: results,
    initializers: builder.initializers,
  });
  return { model, stateInputs, stateOutputs, outputs };
}
