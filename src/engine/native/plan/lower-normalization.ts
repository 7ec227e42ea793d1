import type { GraphNode, Tensor } from '../../../graph/graph.ts';
import type { NormalizeAttributes, NormalizeGradientAttributes } from '../../fusion/fused-ops.ts';
import { describeNode, type Lowering, type LoweringTable } from './lowering.ts';
import { type Places, storedElements, type Value } from './operation.ts';

/** Scratch memory for the kernel's partial statistics. */
function workspace(lowering: Lowering, x: Value): Value {
  const [images] = x.shape as [number];
  // Two double-precision numbers for every image and channel.
  return lowering.temporary('statistics', storedElements([images, x.shape[1], 1, 1], x.block) * 16);
}

/** The fields of the channel vectors in every normalisation kernel. */
function vectorFields([gamma, beta, mean, variance]: readonly [Value, Value, Value, Value], at: Places) {
  return { gamma: at.offset(gamma), beta: at.offset(beta), mean: at.offset(mean), variance: at.offset(variance) };
}

function lowerNormalize(node: GraphNode<NormalizeAttributes>, lowering: Lowering): void {
  const { epsilon, activation, residual: hasResidual } = node.attributes;
  const [x, gamma, beta, residual] = node.inputs as [Tensor, Tensor, Tensor, Tensor | undefined];
  const block = lowering.blockOf(x);
  const source = lowering.use(x, block);
  const [scale, shift] = [lowering.use(gamma), lowering.use(beta)];
  const added = hasResidual ? lowering.use(residual!, block) : undefined;
  const y = lowering.define(node.outputs[0], { block });
  const [mean, variance] = [lowering.define(node.outputs[1]), lowering.define(node.outputs[2])];
  const space = workspace(lowering, source);
  lowering.emit({
    kind: 'normalize',
    label: describeNode(node),
    reads: [source, scale, shift, ...(added ? [added] : [])],
    writes: [y, mean, variance],
    scratch: [space],
    inPlace: [[y, source], ...(added ? [[y, added] as const] : [])],
    strided: [source, y, ...(added ? [added] : [])],
    fields: (at) => ({
      x: at.map(source),
      y: at.map(y),
      ...(added && { residual: at.map(added) }),
      activation,
      ...vectorFields([scale, shift, mean, variance], at),
      epsilon,
      workspace: at.offset(space),
    }),
  });
}

function lowerNormalizeGradient(node: GraphNode<NormalizeGradientAttributes>, lowering: Lowering): void {
  const attributes = node.attributes;
  const { epsilon, activation } = attributes;
  const [x, ...vectors] = node.inputs.slice(0, 5) as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const rest = node.inputs.slice(5);
  const block = lowering.blockOf(x);
  const map = lowering.use(x, block);
  const [gamma, beta, mean, variance] = vectors.map((vector) => lowering.use(vector)) as [Value, Value, Value, Value];
  const source = attributes.source ? lowering.use(rest.shift()!, block) : undefined;
  const terms = rest.map((term) => lowering.use(term, block));
  const dx = lowering.define(node.outputs[0], { block });
  const [dGamma, dBeta] = [lowering.define(node.outputs[1]), lowering.define(node.outputs[2])];
  const dz = attributes.residual ? lowering.define(node.outputs[3], { block }) : undefined;
  const space = workspace(lowering, map);
  lowering.emit({
    kind: 'normalizeGradient',
    label: describeNode(node),
    reads: [map, gamma, beta, mean, variance, ...(source ? [source] : []), ...terms],
    writes: [dx, dGamma, dBeta, ...(dz ? [dz] : [])],
    scratch: [space],
    // dz first, because the second pass reads it.
    inPlace: [...(dz ? terms.map((term) => [dz, term] as const) : []), ...terms.map((term) => [dx, term] as const)],
    strided: [map, ...(source ? [source] : []), ...terms, dx, ...(dz ? [dz] : [])],
    fields: (at) => ({
      x: at.map(map),
      terms: terms.map((term) => at.map(term)),
      ...(source && { activationSource: at.map(source) }),
      dx: at.map(dx),
      ...(dz && { dz: at.map(dz) }),
      activation,
      ...vectorFields([gamma, beta, mean, variance], at),
      dGamma: at.offset(dGamma),
      dBeta: at.offset(dBeta),
      epsilon,
      workspace: at.offset(space),
    }),
  });
}

function lowerNormalizeInference(node: GraphNode<NormalizeAttributes>, lowering: Lowering): void {
  const { epsilon, activation, residual: hasResidual } = node.attributes;
  const x = node.inputs[0];
  const block = lowering.blockOf(x);
  const source = lowering.use(x, block);
  const [gamma, beta, mean, variance] = node.inputs.slice(1, 5).map((vector) => lowering.use(vector)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const added = hasResidual ? lowering.use(node.inputs[5], block) : undefined;
  const y = lowering.define(node.outputs[0], { block });
  lowering.emit({
    kind: 'normalizeInference',
    label: describeNode(node),
    reads: [source, gamma, beta, mean, variance, ...(added ? [added] : [])],
    writes: [y],
    inPlace: [[y, source], ...(added ? [[y, added] as const] : [])],
    strided: [source, y, ...(added ? [added] : [])],
    fields: (at) => ({
      x: at.map(source),
      y: at.map(y),
      ...(added && { residual: at.map(added) }),
      activation,
      ...vectorFields([gamma, beta, mean, variance], at),
      epsilon,
    }),
  });
}

export const normalizationRules = {
  fusedNormalize: lowerNormalize,
  fusedNormalizeGradient: lowerNormalizeGradient,
  fusedNormalizeInference: lowerNormalizeInference,
} satisfies Partial<LoweringTable>;
