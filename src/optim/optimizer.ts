import { type Graph, sizeOf, stateAttributes, type Tensor } from '../graph/graph.ts';
import { add, div, minimum, mul, sqrt, sub } from '../graph/ops/elementwise.ts';
import { reduceSum, scale } from '../graph/ops/reduction.ts';
import { flatten, unflatten } from './flat-vector.ts';

/** Stochastic gradient descent: v ← momentum·v + g; w ← w − rate·v, or rate·(g + momentum·v) with Nesterov. */
export interface SgdOptions {
  readonly kind: 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Added to the gradient as weightDecay·w. */
  readonly weightDecay: number;
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2). */
export interface AdamWOptions {
  readonly kind: 'adamw';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export type OptimizerOptions = SgdOptions | AdamWOptions;

export interface UpdateOptions {
  readonly optimizer: OptimizerOptions;
  /** Maximum gradient norm; 0 disables clipping. */
  readonly clipNorm: number;
}

/** Prefix of the optimiser's own states. */
const optimizerPrefix = 'optimizer.';

/** A state vector of zeros. */
function zeroState(graph: Graph, name: string, length: number): Tensor {
  return graph.state(`${optimizerPrefix}${name}`, [length], () => new Float32Array(length));
}

/** The factor of the weight decay for each element. */
function decayMask(graph: Graph, parameters: readonly Tensor[]): Tensor {
  const sizes = parameters.map((parameter) => sizeOf(parameter.shape));
  const mask = new Float32Array(sizes.reduce((sum, size) => sum + size, 0));
  let start = 0;
  parameters.forEach((parameter, index) => {
    if (stateAttributes(parameter).decay) mask.fill(1, start, start + sizes[index]);
    start += sizes[index];
  });
  return graph.constant(mask, [mask.length]);
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
  const g = weightDecay > 0 ? add(gradient, mul(weights, scale(mask, weightDecay))) : gradient;
  if (momentum === 0) return sub(weights, mul(g, rate));
  const state = zeroState(graph, 'momentum', weights.shape[0]);
  const velocity = add(scale(state, momentum), g);
  graph.assign(state, velocity);
  return sub(weights, mul(nesterov ? add(g, scale(velocity, momentum)) : velocity, rate));
}

function adamWStep(
  graph: Graph,
  weights: Tensor,
  g: Tensor,
  rate: Tensor,
  mask: Tensor,
  options: AdamWOptions,
): Tensor {
  const { beta1, beta2, epsilon, weightDecay } = options;
  const length = weights.shape[0];
  const first = zeroState(graph, 'first', length);
  const second = zeroState(graph, 'second', length);
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
  const decayed = weightDecay > 0 ? sub(weights, mul(mul(weights, scale(mask, weightDecay)), rate)) : weights;
  return sub(decayed, mul(div(m, deviation), stepSize));
}

/**
 * Appends the update of all parameters to a graph: clips the gradients by their global norm, applies the step and assigns
 * the states. All parameters are updated as one vector.
 *
 * @param gradients the gradients of the parameters, in order, as one vector (`flatten`)
 * @param rate the learning rate, a scalar, usually an input
 * @returns the gradient norm before clipping
 */
export function updateParameters(
  parameters: readonly Tensor[],
  gradients: Tensor,
  rate: Tensor,
  { optimizer, clipNorm }: UpdateOptions,
): { gradientNorm: Tensor } {
  const { graph } = rate;
  let gradient = gradients;
  const gradientNorm = sqrt(reduceSum(mul(gradient, gradient)));
  if (clipNorm > 0) {
    const factor = div(graph.scalar(clipNorm), add(gradientNorm, graph.scalar(1e-6)));
    gradient = mul(gradient, minimum(factor, graph.scalar(1)));
  }
  const weights = flatten(parameters);
  const mask = decayMask(graph, parameters);
  const next =
    optimizer.kind === 'sgd'
      ? sgdStep(graph, weights, gradient, rate, mask, optimizer)
      : adamWStep(graph, weights, gradient, rate, mask, optimizer);
  const shapes = parameters.map(({ shape }) => shape);
  unflatten(next, shapes).forEach((value, index) => {
    graph.assign(parameters[index], value);
  });
  return { gradientNorm };
}
