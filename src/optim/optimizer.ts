import { type Graph, sizeOf, stateAttributes, type Tensor } from '../graph/graph.ts';
import { add, div, minimum, mul, sqrt, sub } from '../graph/ops/elementwise.ts';
import { reduceSum, scale } from '../graph/ops/reduction.ts';
import { flatten, unflatten } from './flat-vector.ts';
import { isMuonKernel, updateKernels } from './muon.ts';
import { optimizerPrefix, zeroState } from './optimizer-state.ts';

/** Stochastic gradient descent: v ← momentum·v + g; w ← w − rate·v, or rate·(g + momentum·v) with Nesterov. */
export interface SgdOptions {
  readonly kind: 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Added to the gradient as weightDecay·w. */
  readonly weightDecay: number;
}

/** Adam: with coupled weight decay (Kingma and Ba 2015) or decoupled (Loshchilov and Hutter 2019, algorithm 2). */
export interface AdamOptions {
  readonly kind: 'adam' | 'adamw';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** `adam` adds weightDecay·w to the gradient; `adamw` subtracts rate·weightDecay·w from w. */
  readonly weightDecay: number;
}

/** Muon for the kernels of convolutions (`isMuonKernel`), AdamW for all other parameters. */
export interface MuonAdamWOptions extends Omit<AdamOptions, 'kind'> {
  readonly kind: 'muon';
  readonly muonMomentum: number;
}

export type OptimizerOptions = SgdOptions | AdamOptions | MuonAdamWOptions;

export interface UpdateOptions {
  readonly optimizer: OptimizerOptions;
  /** Maximum gradient norm; 0 disables clipping. */
  readonly clipNorm: number;
  /** Factor of the learning rate of a parameter; default 1 for all. */
  readonly rateFactor?: (parameter: Tensor) => number;
}

/** A constant vector with the value of each parameter at all of its elements. */
function spread(graph: Graph, parameters: readonly Tensor[], factorOf: (parameter: Tensor) => number): Tensor {
  const sizes = parameters.map((parameter) => sizeOf(parameter.shape));
  const vector = new Float32Array(sizes.reduce((sum, size) => sum + size, 0));
  let start = 0;
  parameters.forEach((parameter, index) => {
    vector.fill(factorOf(parameter), start, start + sizes[index]);
    start += sizes[index];
  });
  return graph.constant(vector, [vector.length]);
}

/** The learning rate of each element; the rate itself if it is the same for all. */
function elementRates(rate: Tensor, parameters: readonly Tensor[], { rateFactor }: UpdateOptions): Tensor {
  if (!rateFactor || parameters.every((parameter) => rateFactor(parameter) === 1)) return rate;
  return mul(spread(rate.graph, parameters, rateFactor), rate);
}

/** The gradient with the derivative of the penalty weightDecay/2·w² added (L2). */
function withPenalty(gradient: Tensor, weights: Tensor, mask: Tensor, weightDecay: number): Tensor {
  return weightDecay > 0 ? add(gradient, mul(weights, scale(mask, weightDecay))) : gradient;
}

function sgdStep(
  graph: Graph,
  weights: Tensor,
  gradient: Tensor,
  rate: Tensor,
  mask: Tensor,
  options: SgdOptions,
): Tensor {
  const { momentum, nesterov, weightDecay } = options;
  const g = withPenalty(gradient, weights, mask, weightDecay);
  if (momentum === 0) return sub(weights, mul(g, rate));
  const state = zeroState(graph, 'momentum', weights.shape);
  const velocity = add(scale(state, momentum), g);
  graph.assign(state, velocity);
  return sub(weights, mul(nesterov ? add(g, scale(velocity, momentum)) : velocity, rate));
}

function adamStep(
  graph: Graph,
  weights: Tensor,
  gradient: Tensor,
  rate: Tensor,
  mask: Tensor,
  options: AdamOptions,
): Tensor {
  const { beta1, beta2, epsilon, weightDecay } = options;
  const decoupled = options.kind === 'adamw';
  const g = decoupled ? gradient : withPenalty(gradient, weights, mask, weightDecay);
  const first = zeroState(graph, 'first', weights.shape);
  const second = zeroState(graph, 'second', weights.shape);
  const one = graph.scalar(1);
  /** 1 − beta^t, with beta^t kept as a state. */
  const correction = (name: string, beta: number) => {
    const power = graph.state(`${optimizerPrefix}${name}`, [1], () => Float32Array.of(1));
    const next = scale(power, beta);
    graph.assign(power, next);
    return sub(one, next);
  };
  const m = add(scale(first, beta1), scale(g, 1 - beta1));
  const v = add(scale(second, beta2), scale(mul(g, g), 1 - beta2));
  graph.assign(first, m);
  graph.assign(second, v);
  const stepSize = div(rate, correction('beta1Power', beta1));
  const deviation = add(div(sqrt(v), sqrt(correction('beta2Power', beta2))), graph.scalar(epsilon));
  const decayed =
    decoupled && weightDecay > 0 ? sub(weights, mul(mul(weights, scale(mask, weightDecay)), rate)) : weights;
  return sub(decayed, mul(div(m, deviation), stepSize));
}

/** Updates parameters as one vector. */
function updateAsVector(
  parameters: readonly Tensor[],
  gradient: Tensor,
  rate: Tensor,
  optimizer: SgdOptions | AdamOptions,
  options: UpdateOptions,
): void {
  const { graph } = rate;
  const weights = flatten(parameters);
  const mask = spread(graph, parameters, (parameter) => (stateAttributes(parameter).decay ? 1 : 0));
  const rates = elementRates(rate, parameters, options);
  const next =
    optimizer.kind === 'sgd'
      ? sgdStep(graph, weights, gradient, rates, mask, optimizer)
      : adamStep(graph, weights, gradient, rates, mask, optimizer);
  const shapes = parameters.map(({ shape }) => shape);
  unflatten(next, shapes).forEach((value, index) => {
    graph.assign(parameters[index], value);
  });
}

/** Updates kernels with Muon and the other parameters, as one vector, with AdamW. */
function updateWithMuon(
  parameters: readonly Tensor[],
  gradient: Tensor,
  rate: Tensor,
  optimizer: MuonAdamWOptions,
  options: UpdateOptions,
): void {
  const { weightDecay, muonMomentum: momentum } = optimizer;
  const { rateFactor } = options;
  const gradients = unflatten(
    gradient,
    parameters.map(({ shape }) => shape),
  );
  const pairs = parameters.map((kernel, index) => ({ kernel, gradient: gradients[index] }));
  const kernels = pairs.filter(({ kernel }) => isMuonKernel(kernel));
  updateKernels(kernels, rate, { momentum, weightDecay, ...(rateFactor && { rateFactor }) });
  const others = pairs.filter(({ kernel }) => !isMuonKernel(kernel));
  if (others.length === 0) return;
  const rest = others.map(({ kernel }) => kernel);
  updateAsVector(rest, flatten(others.map((pair) => pair.gradient)), rate, { ...optimizer, kind: 'adamw' }, options);
}

/**
 * Appends the update of all parameters to a graph: clips the gradients by their global norm, applies the step and assigns
 * the states. All parameters are updated as one vector, except the kernels of Muon.
 *
 * @param gradients the gradients of the parameters, in order, as one vector (`flatten`)
 * @param rate the learning rate, a scalar, usually an input
 * @returns the gradient norm before clipping
 */
export function updateParameters(
  parameters: readonly Tensor[],
  gradients: Tensor,
  rate: Tensor,
  options: UpdateOptions,
): { gradientNorm: Tensor } {
  const { graph } = rate;
  const { optimizer, clipNorm } = options;
  let gradient = gradients;
  const gradientNorm = sqrt(reduceSum(mul(gradient, gradient)));
  if (clipNorm > 0) {
    const factor = div(graph.scalar(clipNorm), add(gradientNorm, graph.scalar(1e-6)));
    gradient = mul(gradient, minimum(factor, graph.scalar(1)));
  }
  if (optimizer.kind === 'muon') updateWithMuon(parameters, gradient, rate, optimizer, options);
  else updateAsVector(parameters, gradient, rate, optimizer, options);
  return { gradientNorm };
}
